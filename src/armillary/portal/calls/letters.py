"""What people are told about applications; observatories may change the words (templates ``portal/calls/*.txt``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from armillary.accounts.models import User
from armillary.configuration import configuration
from armillary.platform.letters import queue_letter
from armillary.portal.calls.models import ScienceApplication, ScienceApplicationReview
from armillary.portal.proposals.models import Proposal


def tell_of_discretionary(application: ScienceApplication) -> None:
    """Director's discretionary time is decided at once: tell the observatory, and confirm it to the applicant."""
    settings = configuration()
    office = settings.organization_support_email or settings.organization_email
    addresses = [address for address in (application.submitter.email, office) if address]
    _write("application_received", addresses, application)


def ask_for_reviews(review: ScienceApplicationReview, reviewers: Iterable[User]) -> None:
    """Ask the members of a panel for what they think."""
    for person in reviewers:
        if person.email:
            _write("review_wanted", [person.email], review.science_application, review=review, reviewer=person)


def tell_accepted(application: ScienceApplication, proposal: Proposal, comments: str, shares: Sequence[Any]) -> None:
    """The application has got time; ``shares`` have the ``request``, its ``codes`` and the hours of the ``grant``."""
    _decide("application_accepted", application, comments, proposal=proposal, shares=shares)


def tell_rejected(application: ScienceApplication, comments: str) -> None:
    """The application has got no time."""
    _decide("application_rejected", application, comments)


def _decide(name: str, application: ScienceApplication, comments: str, **context: Any) -> None:
    review = ScienceApplicationReview.objects.filter(science_application=application).first()
    words = comments or (review.summary if review is not None else "")
    people = dict.fromkeys(address for address in (application.submitter.email, application.pi) if address)
    if people:
        _write(name, list(people), application, comments=words, key=f"decision.{application.pk}", **context)


def _write(
    name: str, addresses: list[str], application: ScienceApplication, *, key: str | None = None, **context: Any
) -> None:
    queue_letter(f"portal/calls/{name}", to=addresses, key=key, context={"application": application, **context})
