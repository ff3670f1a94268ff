"""Panels judge applications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.db import transaction
from django.db.models import Avg

from armillary.accounts import audit
from armillary.accounts.models import User
from armillary.clock import now
from armillary.platform.errors import Conflict, Refusal
from armillary.portal.calls import letters
from armillary.portal.calls.models import (
    ConflictOfInterest,
    ReviewPanel,
    ReviewPanelMembership,
    ScienceApplication,
    ScienceApplicationReview,
    ScienceApplicationUserReview,
)
from armillary.portal.calls.queries import has_conflict


@transaction.atomic
def create_panel(
    name: str, members: Sequence[User], *, is_admin: bool = False, actor: User | None = None
) -> ReviewPanel:
    """Appoint a panel.

    Raises:
        Refusal: There is an administrators' panel already.
    """
    if is_admin and ReviewPanel.objects.filter(is_admin=True).exists():
        raise Refusal({"is_admin": ["There can be only one administrators' panel, and there is one."]})
    panel = ReviewPanel.objects.create(name=name, is_admin=is_admin)
    ReviewPanelMembership.objects.bulk_create(ReviewPanelMembership(review_panel=panel, user=user) for user in members)
    audit.record(actor, "panel.create", name, members=[user.username for user in members])
    return panel


@transaction.atomic
def assign_review(
    application: ScienceApplication,
    panel: ReviewPanel,
    primary: User,
    secondary: User,
    *,
    category: str = ScienceApplicationReview.Category.MISC,
    technical_review: str = "",
    actor: User | None = None,
) -> ScienceApplicationReview:
    """Give an application to a panel, and ask its members for their reviews by mail.

    Raises:
        Refusal: The application was not submitted, a reviewer is not on the panel, or is party to the application.
        Conflict: It is under review already.
    """
    locked = ScienceApplication.objects.select_for_update().get(pk=application.pk)
    if locked.status != ScienceApplication.Status.SUBMITTED:
        raise Refusal({"science_application": [f"Only submitted applications are reviewed; it is {locked.status}."]})
    if ScienceApplicationReview.objects.filter(science_application=locked).exists():
        raise Conflict("This application is under review already.")
    members = list(panel.members.all())
    row = ScienceApplicationReview(
        science_application=locked,
        review_panel=panel,
        primary_reviewer=primary,
        secondary_reviewer=secondary,
        science_category=category,
        technical_review=technical_review,
        created_at=now(),
    )
    for role, person in (("primary_reviewer", primary), ("secondary_reviewer", secondary)):
        if person not in members:
            raise Refusal({role: [f"{person.username} is not a member of the panel {panel.name}."]})
        if has_conflict(row, person):
            raise Refusal({role: [f"{person.username} is party to this application."]})
    row.save()
    letters.ask_for_reviews(row, [person for person in members if not has_conflict(row, person)])
    audit.record(actor, "application.assign", str(locked.pk), panel=panel.name)
    return row


@transaction.atomic
def review(row: ScienceApplicationReview, reviewer: User, values: Mapping[str, Any], *, new: bool) -> None:
    """Say what one member of the panel thinks; the mean grade follows from all that are finished.

    Raises:
        Conflict: It is to be a new review, and there is one.
        DoesNotExist: It is to be changed, and there is none.
    """
    locked = ScienceApplicationReview.objects.select_for_update().get(pk=row.pk)
    _require_undecided(locked)
    mine = ScienceApplicationUserReview.objects.filter(science_application_review=locked, reviewer=reviewer)
    if new:
        if mine.exists():
            raise Conflict("You have reviewed this application already; change that review instead.")
        ScienceApplicationUserReview.objects.create(
            science_application_review=locked, reviewer=reviewer, created_at=now(), **values
        )
    else:
        opinion = mine.get()
        for name, value in values.items():
            setattr(opinion, name, value)
        opinion.save()
    _update_mean(locked)


def _update_mean(row: ScienceApplicationReview) -> None:
    finished = row.scienceapplicationuserreview_set.filter(finished=True, grade__isnull=False)
    mean = finished.aggregate(mean=Avg("grade"))["mean"]
    row.mean_grade = None if mean is None else Decimal(str(mean)).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    row.save(update_fields=["mean_grade"])


def _require_undecided(row: ScienceApplicationReview) -> None:
    status = row.science_application.status
    if status != ScienceApplication.Status.SUBMITTED:
        raise Refusal(f"The decision about this application has been made: it is {status}.")


@transaction.atomic
def summarize(row: ScienceApplicationReview, summary: str) -> None:
    """Write the panel's common opinion; the letter to the applicant quotes it."""
    ScienceApplicationReview.objects.filter(pk=row.pk).update(summary=summary)


@transaction.atomic
def note_for_secondary(row: ScienceApplicationReview, notes: str) -> None:
    """Write what only the panel reads."""
    ScienceApplicationReview.objects.filter(pk=row.pk).update(secondary_notes=notes)


@transaction.atomic
def declare_conflict(row: ScienceApplicationReview, reviewer: User, reason: str) -> ConflictOfInterest:
    """Take no part in the review of an application; what the person wrote about it counts no longer.

    Raises:
        Refusal: The person leads the review; somebody else has to be named first.
    """
    locked = ScienceApplicationReview.objects.select_for_update().get(pk=row.pk)
    if reviewer.pk in {locked.primary_reviewer_id, locked.secondary_reviewer_id}:
        raise Refusal("You lead this review; ask the observatory to name somebody else before you abstain.")
    conflict, _ = ConflictOfInterest.objects.get_or_create(
        science_application_review=locked, reviewer=reviewer, defaults={"reason": reason, "declared": now()}
    )
    locked.scienceapplicationuserreview_set.filter(reviewer=reviewer).delete()
    _update_mean(locked)
    return conflict
