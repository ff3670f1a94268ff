"""Many request groups in one call, each accepted or refused on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from armillary.accounts.models import User
from armillary.core.requests import validation
from armillary.core.requests.facts import Errors, ValidationContext
from armillary.platform.errors import Refusal
from armillary.portal.requestgroups.services.submit import (
    Submission,
    context_of,
    store_request_group,
    store_request_groups,
)

LARGEST: Final = 1_000
"""How many groups one call may bring."""


@dataclass(slots=True)
class BulkSubmission:
    """What became of each group, by its place in the call."""

    created: dict[int, int] = field(default_factory=dict)
    """The ids of those that were accepted."""
    errors: dict[int, Any] = field(default_factory=dict)
    """What is wrong with the others: nested field errors."""


def submit_request_groups(user: User, bodies: object, now: datetime) -> BulkSubmission:
    """Check and accept many groups; those that break no rule are stored, the others are told why not.

    Those that spend priority are stored one by one, so that one that finds the account empty does not take others with
    it; all the others together.

    Raises:
        Refusal: It is no list of groups, or a list that is too long.
        ServiceUnavailable: The rules cannot be checked, because the observatory or its downtimes cannot be read.
    """
    found = BulkSubmission()
    frugal: dict[int, Submission] = {}
    spending: dict[int, Submission] = {}
    contexts: dict[str, ValidationContext] = {}
    for index, body in enumerate(_listed(bodies)):
        proposal = body.get("proposal") if isinstance(body, Mapping) else None
        key = proposal if isinstance(proposal, str) else ""
        context = contexts.get(key) or context_of(user, proposal, now)
        submission, errors = _judge(body, context)
        if submission is None:
            found.errors[index] = errors
            contexts[key] = context
            continue
        contexts[key] = _with_request(context, sum(duration.seconds for duration in submission.durations))
        (spending if submission.group.ipp_value > 1 else frugal)[index] = submission
    _store(user, frugal, spending, found, now)
    return found


def _listed(bodies: object) -> Sequence[Any]:
    if not isinstance(bodies, list):
        kind = type(bodies).__name__
        raise Refusal(f'Expected a list of request groups but got type "{kind}".')
    if len(bodies) > LARGEST:
        raise Refusal(f"Send at most {LARGEST} request groups in one call, not {len(bodies)}.")
    return bodies


def _judge(body: object, context: ValidationContext) -> tuple[Submission | None, Errors]:
    checked = validation.check_request_group(body, context)
    if not checked.ok:
        return None, checked.errors
    return Submission(checked.group, checked.durations, context.observatory.etag), {}


def _with_request(context: ValidationContext, seconds: float) -> ValidationContext:
    """The context of the next group: what the member asked for before counts against the member's limit."""
    if context.proposal is None:
        return context
    asked = context.proposal.time_requested_s + seconds
    return replace(context, proposal=replace(context.proposal, time_requested_s=asked))


def _store(
    user: User,
    frugal: Mapping[int, Submission],
    spending: Mapping[int, Submission],
    found: BulkSubmission,
    now: datetime,
) -> None:
    with transaction.atomic():
        groups = store_request_groups(list(frugal.values()), user, now) if frugal else []
        found.created |= {index: group.pk for index, group in zip(frugal, groups, strict=True)}
        for index, submission in spending.items():
            try:
                with transaction.atomic():
                    found.created[index] = store_request_group(submission, user, now).pk
            except Refusal as refusal:
                found.errors[index] = (
                    {"non_field_errors": [refusal.errors]} if isinstance(refusal.errors, str) else refusal.errors
                )
