"""Somebody takes observations back: by id, or by time and place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from armillary.accounts.models import User
from armillary.core.observations.states import LIVE, ObservationState, values
from armillary.core.requests.facts import Errors
from armillary.core.requests.submission import read
from armillary.platform.database import retry_conflicts
from armillary.platform.errors import Refusal
from armillary.portal.cause import Cause
from armillary.portal.observations.models import Observation
from armillary.portal.observations.services.cancel import cancel_observations
from armillary.portal.observations.services.judge import free_proposals
from armillary.portal.observations.shapes import Cancellation
from armillary.portal.requestgroups.visibility import scope


@retry_conflicts()
@transaction.atomic
def withdraw_observations(user: User, body: object, now: datetime) -> int:
    """Cancel the observations that a person chooses and may cancel; how many were.

    Raises:
        Refusal: Neither ids nor a span of time is given, or one of the chosen runs and may not be interrupted.
    """
    reading = read(Cancellation, body)
    if reading.document is None:
        raise Refusal(_by_index(reading.errors))
    chosen = _chosen(user, reading.document).filter(state__in=values(LIVE))
    running = ObservationState.IN_PROGRESS.value
    if not reading.document.get("preemption_enabled") and chosen.filter(state=running).exists():
        raise Refusal({"error": "Cannot cancel IN_PROGRESS observations unless preemption_enabled is True"})
    return cancel_observations(list(chosen.values_list("pk", flat=True)), Cause("cancelled", now, user))


def _chosen(user: User, wish: dict[str, Any]) -> QuerySet[Observation]:
    rows = Observation.objects.filter(scope(user, "request__request_group__"))
    allowed = free_proposals(user)
    if allowed is not None:
        rows = rows.filter(request__request_group__proposal_id__in=allowed)
    ids, start, end = wish.get("ids"), wish.get("start"), wish.get("end")
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    elif start is None or end is None:
        raise Refusal("Must include either an observation id list or a start and end time")
    if start is not None:
        rows = rows.filter(end__gt=start)
    if end is not None:
        rows = rows.filter(start__lt=end)
    places = {key: wish[key] for key in ("site", "enclosure", "telescope") if wish.get(key) is not None}
    return rows.filter(**places).exclude(_left_out(wish))


def _by_index(errors: Errors) -> Errors:
    """What is wrong with single ids is told by their places in the list, as the wire does for lists of plain values."""
    ids = errors.get("ids", [])
    if isinstance(ids, list) and any(isinstance(item, list) for item in ids):
        return {**errors, "ids": {str(index): item for index, item in enumerate(ids) if item}}
    return errors


def _left_out(wish: dict[str, Any]) -> Q:
    kinds: list[str] = []
    if not wish.get("include_normal", True):
        kinds += ["NORMAL", "TIME_CRITICAL"]
    if not wish.get("include_rr", False):
        kinds += ["RAPID_RESPONSE"]
    if not wish.get("include_direct", False):
        kinds += ["DIRECT", "REAL_TIME"]
    return Q(request__request_group__observation_type__in=kinds)
