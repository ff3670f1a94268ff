"""Observations are taken back. They are kept, never deleted: what was planned belongs to the record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from armillary.core.observations.states import LIVE, ObservationState, values
from armillary.portal.cause import Cause
from armillary.portal.history.services import append
from armillary.portal.locks import lock_telescopes
from armillary.portal.observations.models import Observation
from armillary.portal.observations.services.announce import announce, bump_schedules, observation_transition, place_of


def cancellation_state(start: datetime, end: datetime, now: datetime) -> ObservationState | None:
    """What becomes of an observation that is cancelled: it never began, is broken off, or is over already (None)."""
    if end <= now:
        return None
    return ObservationState.ABORTED if start <= now else ObservationState.CANCELED


def cancel_observations(ids: Collection[int], cause: Cause) -> int:
    """Cancel live observations, in the caller's transaction; how many were.

    The requests they belong to stay as they are: whoever cancels decides what becomes of those.
    """
    chosen = Observation.objects.filter(pk__in=ids, state__in=values(LIVE))
    lock_telescopes(chosen.order_by().values_list("site", "enclosure", "telescope").distinct())
    changed: list[Observation] = []
    history = []
    for row in chosen.order_by("pk"):
        state = cancellation_state(row.start, row.end, cause.at)
        if state is None:
            continue
        old, row.state, row.modified = row.state, state.value, cause.at
        changed.append(row)
        history.append(observation_transition(row, old, cause))
    _store(changed, cause.at)
    append(history)
    announce("observation.changed", changed)
    bump_schedules((place_of(row) for row in changed), cause.at, rescheduled=True)
    return len(changed)


def _store(rows: Collection[Observation], at: datetime) -> None:
    for state in {row.state for row in rows}:
        ids = [row.pk for row in rows if row.state == state]
        Observation.objects.filter(pk__in=ids, state__in=values(LIVE)).update(state=state, modified=at)
