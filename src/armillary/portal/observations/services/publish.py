"""A scheduler publishes a telescope's whole plan for a span: one transaction that touches only what changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from django.db import IntegrityError, transaction

from armillary.accounts.models import User
from armillary.core.observations.states import LIVE, ObservationState, values
from armillary.core.requests.model import UNSCHEDULED
from armillary.core.requests.states import State
from armillary.core.requests.submission import read
from armillary.platform.changes import record_change
from armillary.platform.database import retry_conflicts
from armillary.platform.errors import Conflict, Refusal
from armillary.portal.cause import Cause
from armillary.portal.locks import Place, lock_telescopes
from armillary.portal.observations.models import ConfigurationStatus, Observation
from armillary.portal.observations.services.announce import version_of
from armillary.portal.observations.services.cancel import cancel_observations
from armillary.portal.observations.services.create import lock_requests, occupations, store
from armillary.portal.observations.services.judge import Judge, Wish, free_proposals, known, read_wish
from armillary.portal.observations.shapes import PlannedSpan
from armillary.portal.scheduling.services import refuse_old_fence
from armillary.portal.surroundings import observatory

GIVES_WAY: Final = frozenset({"NORMAL", "TIME_CRITICAL"})
"""Kinds of work that rapid-response work may end early."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing a plan changed."""

    version: str
    created: list[int]
    kept: list[int]
    cancelled: list[int]


@dataclass(frozen=True, slots=True)
class Plan:
    """A telescope's plan for a span."""

    place: Place
    start: datetime
    end: datetime
    version: str | None
    wishes: list[Wish]
    fence: int | None = None
    preempt: frozenset[int] = frozenset()
    """Live observations that give way to rapid-response work."""


def publish_schedule(user: User, body: object, now: datetime) -> Publication:
    """Make a plan the schedule of a telescope for a span.

    What is pending in the span and not in the plan is cancelled, what is in both is kept, what is new is created. What
    runs, and what people placed themselves, stays.

    Raises:
        Refusal: The plan breaks rules.
        Conflict: The plan was made from a state of the schedule that has changed since.
    """
    plan = _read_plan(body)
    judge = Judge(observatory(), known(plan.wishes), free_proposals(user))
    for wish in plan.wishes:
        judge.judge(wish)
        if not wish.errors and not (plan.start <= wish.document["start"] and wish.document["start"] < plan.end):
            wish.errors["start"] = ["The observation must begin in the span that the plan is for."]
    _refuse_overlaps(plan.wishes)
    if any(wish.errors for wish in plan.wishes):
        raise Refusal({"observations": [wish.errors for wish in plan.wishes]})
    return _exchange(plan, Cause("published", now, user))


def _read_plan(body: object) -> Plan:
    reading = read(PlannedSpan, body)
    if reading.document is None:
        raise Refusal(reading.errors)
    document = reading.document
    place = (document["site"], document["enclosure"], document["telescope"])
    where = dict(zip(("site", "enclosure", "telescope"), place, strict=True))
    wishes = [read_wish({**item, **where} if isinstance(item, dict) else item) for item in document["observations"]]
    if document["end"] <= document["start"]:
        raise Refusal({"end": ["End time must be after start time"]})
    return Plan(
        place,
        document["start"],
        document["end"],
        document.get("version"),
        wishes,
        document.get("fence"),
        frozenset(document.get("preempt", ())),
    )


def _refuse_overlaps(wishes: Sequence[Wish]) -> None:
    ordered = sorted(
        (wish for wish in wishes if not wish.errors), key=lambda wish: (wish.document["start"], wish.document["end"])
    )
    for before, after in pairwise(ordered):
        if before.document["end"] > after.document["start"]:
            after.errors["non_field_errors"] = ["The observation overlaps another one of the plan."]


@retry_conflicts()
def _exchange(plan: Plan, cause: Cause) -> Publication:
    try:
        with transaction.atomic():
            return _exchange_locked(plan, cause)
    except IntegrityError as error:
        raise Conflict("the telescope was taken by somebody else at the same moment; plan again") from error


def _exchange_locked(plan: Plan, cause: Cause) -> Publication:
    refuse_old_fence(plan.fence)
    requests = lock_requests({wish.document["request"] for wish in plan.wishes})
    lock_telescopes([plan.place])
    current = version_of(plan.place)
    if plan.version is not None and plan.version != current:
        raise Conflict(
            f"the schedule of {'.'.join(plan.place)} is at version {current}, the plan was made from version "
            f"{plan.version}; read the schedule and plan again"
        )
    for request, state in requests.items():
        if state is not State.PENDING:
            raise Conflict(f"request {request} is {state} by now; plan again")
    site, enclosure, telescope = plan.place
    replaceable = Observation.objects.filter(
        site=site,
        enclosure=enclosure,
        telescope=telescope,
        state=ObservationState.PENDING.value,
        start__gte=max(plan.start, cause.at),
        start__lt=plan.end,
    ).exclude(request__request_group__observation_type__in=UNSCHEDULED)
    kept, obsolete, new = _difference(list(replaceable.order_by("start")), plan.wishes)
    pushed_aside = _preempted(plan, cause)
    cancel_observations([*(row.pk for row in obsolete), *pushed_aside], cause)
    _refuse_taken(plan, new)
    created = store(new, cause) if new else []
    version = version_of(plan.place)
    if new or obsolete or pushed_aside:
        record_change(
            "schedule.published",
            ".".join(plan.place),
            {"site": site, "enclosure": enclosure, "telescope": telescope, "version": version},
        )
    gone = sorted({*(row.pk for row in obsolete), *pushed_aside})
    return Publication(version, [row.pk for row in created], [row.pk for row in kept], gone)


def _preempted(plan: Plan, cause: Cause) -> list[int]:
    """The live observations of the telescope that rapid-response work of the plan pushes aside.

    Raises:
        Conflict: One of those named is over, elsewhere, or of a kind that never gives way.
    """
    if not plan.preempt:
        return []
    site, enclosure, telescope = plan.place
    rows = Observation.objects.filter(
        pk__in=plan.preempt, site=site, enclosure=enclosure, telescope=telescope, state__in=values(LIVE)
    )
    rows = rows.filter(request__request_group__observation_type__in=GIVES_WAY, end__gt=cause.at)
    found = sorted(rows.values_list("pk", flat=True))
    if len(found) != len(plan.preempt):
        missing = sorted(plan.preempt - set(found))
        raise Conflict(f"observations {missing} cannot be pushed aside: over, elsewhere, or no normal work; plan again")
    return found


def _difference(
    rows: Sequence[Observation], wishes: Sequence[Wish]
) -> tuple[list[Observation], list[Observation], list[Wish]]:
    """What is in both, what only in the schedule, what only in the plan."""
    instruments: dict[int, list[tuple[int | None, str, str]]] = {row.pk: [] for row in rows}
    statuses = ConfigurationStatus.objects.filter(observation__in=rows).order_by("pk")
    for status in statuses:
        instruments[status.observation_id].append(
            (status.configuration_id, status.instrument_name, status.guide_camera_name)
        )
    planned = {_identity(wish): wish for wish in wishes}
    kept, obsolete = [], []
    for row in rows:
        key = (row.request_id, row.start, row.end, row.priority, tuple(instruments[row.pk]))
        if planned.pop(key, None) is not None:
            kept.append(row)
        else:
            obsolete.append(row)
    return kept, obsolete, [wish for wish in wishes if _identity(wish) in planned]


def _identity(wish: Wish) -> tuple[Any, ...]:
    document = wish.document
    statuses = tuple(
        (status["configuration"], status["instrument_name"], status.get("guide_camera_name", ""))
        for status in wish.statuses
    )
    return document["request"], document["start"], document["end"], document.get("priority", 10), statuses


def _refuse_taken(plan: Plan, wishes: Sequence[Wish]) -> None:
    if not wishes:
        return
    taken = occupations(
        {plan.place},
        min(wish.document["start"] for wish in wishes),
        max(wish.document["end"] for wish in wishes),
    )[plan.place]
    for wish in wishes:
        if other := taken.conflict(wish.document["start"], wish.document["end"]):
            raise Conflict(
                f"{other} has {'.'.join(plan.place)} at some time from {wish.document['start']} to "
                f"{wish.document['end']}; plan again"
            )
