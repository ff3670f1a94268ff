"""Why is it not observed? What stands between a request and each telescope, in sentences and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from armillary.core.observations.states import LIVE, values
from armillary.core.requests import explanation
from armillary.core.requests.explanation import Condition, Outlook
from armillary.core.requests.instants import format_time
from armillary.core.requests.states import State
from armillary.core.requests.visibility import Interval, UnsupportedTarget
from armillary.portal.observations.models import Observation
from armillary.portal.observations.queries import visible_observations
from armillary.portal.proposals.queries import allocations_of, semester_facts
from armillary.portal.requestgroups.models import Request
from armillary.portal.requestgroups.queries import request_model
from armillary.portal.requestgroups.visibility import Caller
from armillary.portal.scheduling.queries import reason_of
from armillary.portal.surroundings import downtimes, limits, observatory
from armillary.riseset import subtract

Json = dict[str, Any]
_SECONDS_PER_HOUR: Final = 3600.0
_IN_THE_WAY: Final = {
    Condition.WINDOWS: "Its windows leave {longest} without a break from now on, and it takes {needed}.",
    Condition.HORIZON: "The target is never up there for {needed} without a break.",
    Condition.DARKNESS: "While the target is up it is not dark for {needed} without a break.",
    Condition.AIRMASS: "The target is above the highest airmass asked for; it stays below for {longest}, of {needed}.",
    Condition.LUNAR_DISTANCE: "The Moon is too near; it is far enough away for {longest}, of {needed}.",
    Condition.LUNAR_PHASE: "The Moon is too bright; it is dark enough for {longest}, of {needed}.",
    Condition.DOWNTIME: "Downtimes leave {longest} without a break, and it takes {needed}.",
}


def explain(row: Request, caller: Caller, now: datetime) -> Json:
    """What stands between a request and the schedule; needs ``document`` and ``request_group__submitter`` loaded.

    Raises:
        ServiceUnavailable: The observatory or its downtimes cannot be read.
    """
    group = row.request_group
    answer: Json = {
        "request": row.pk,
        "state": row.state,
        "duration_s": row.duration_s,
        "priority": _priority(row),
        "scheduled": [_described(item, item.pk) for item in _own_observations(row)],
        "obstacles": _obstacles(row, now),
        "telescopes": [],
        "scheduler": reason_of(row.pk) if row.state == State.PENDING.value else None,
    }
    model = request_model(row)
    if model is None or not model.windows or row.state != State.PENDING.value:
        return answer
    try:
        found = explanation.outlooks(
            model,
            observatory(),
            now=now,
            downtimes=downtimes(now),
            include_unschedulable=group.submitter.is_staff and all(_place(row)),
        )
    except UnsupportedTarget as error:
        answer["obstacles"].append(f"The target cannot be computed: {error}")
        return answer
    rivals = _rivals(row, found)
    seen = set(visible_observations(caller).filter(pk__in=[item.pk for item in rivals]).values_list("pk", flat=True))
    answer["telescopes"] = [_telescope(row, item, rivals, seen) for item in found]
    return answer


def _place(row: Request) -> tuple[str, ...]:
    return row.telescope_class, row.site, row.enclosure, row.telescope


def _priority(row: Request) -> Json:
    group = row.request_group
    own, asked = group.proposal.tac_priority, group.ipp_value
    return {"proposal": own, "ipp_value": asked, "effective": own * asked, "observation_type": group.observation_type}


def _own_observations(row: Request) -> list[Observation]:
    rows = Observation.objects.filter(request=row, state__in=values(LIVE))
    return list(rows.select_related("request__request_group__proposal").order_by("start"))


def _obstacles(row: Request, now: datetime) -> list[str]:
    """What keeps every telescope from it."""
    found = []
    if row.state != State.PENDING.value:
        found.append(f"The request is {row.state}: nothing more will be observed for it.")
    if row.suspend_until is not None and row.suspend_until > now:
        found.append(f"The request is suspended until {format_time(row.suspend_until)}.")
    if not row.request_group.proposal.active:
        found.append(f"The proposal {row.request_group.proposal_id} is not active.")
    if row.state == State.PENDING.value:
        found += _missing_time(row)
    return found


def _missing_time(row: Request) -> list[str]:
    """What the time account says: a group is scheduled as long as an allocation has time left for the request."""
    group, start, end = row.request_group, row.first_start, row.last_end
    if start is None or end is None:
        return []
    semester = next((item.id for item in semester_facts() if item.start <= start and end <= item.end), "")
    if not semester:
        return ["Its windows lie in no one semester, so no allocation pays for it."]
    allocations = allocations_of([group.proposal_id])[group.proposal_id]
    found = []
    for instrument_type, seconds in row.durations.items():
        paying = [item for item in allocations if item.row.semester_id == semester and item.covers(instrument_type)]
        left_h = max((item.facts().left_h(group.observation_type) for item in paying), default=0.0)
        if left_h * limits().time_overuse_allowance < seconds / _SECONDS_PER_HOUR:
            found.append(
                f"{group.proposal_id} has {max(left_h, 0.0):.2f} hours of {group.observation_type} time left on "
                f"{instrument_type} in {semester}, and it takes {seconds / _SECONDS_PER_HOUR:.2f}."
            )
    return found


def _rivals(row: Request, found: Sequence[Outlook]) -> list[Observation]:
    """What is to be observed, for others, while and where the request could be: one query."""
    here = Q()
    for outlook in found:
        if outlook.visible:
            site, enclosure, telescope = outlook.telescope.split(".")
            span = Q(start__lt=outlook.visible[-1][1], end__gt=outlook.visible[0][0])
            here |= Q(site=site, enclosure=enclosure, telescope=telescope) & span
    if not here:
        return []
    rows = Observation.objects.filter(here, state__in=values(LIVE)).exclude(request=row)
    return list(rows.select_related("request__request_group__proposal").order_by("start"))


def _telescope(row: Request, outlook: Outlook, rivals: Iterable[Observation], seen: set[int]) -> Json:
    site, enclosure, telescope = outlook.telescope.split(".")
    here = [
        item
        for item in rivals
        if (item.site, item.enclosure, item.telescope) == (site, enclosure, telescope)
        and any(item.start < end and start < item.end for start, end in outlook.visible)
    ]
    free = subtract(list(outlook.visible), [(item.start, item.end) for item in here])
    decisive = outlook.decisive(row.duration_s)
    return {
        "telescope": outlook.telescope,
        "obstacles": list(outlook.obstacles),
        "steps": [
            {"condition": step.condition, "left_s": step.left_s, "longest_s": step.longest_s, "left": _spans(step.left)}
            for step in outlook.steps
        ],
        "decisive": decisive,
        "visible": _spans(outlook.visible),
        "free": _spans(free),
        "competition": [_described(item, item.pk if item.pk in seen else None) for item in here],
        "sentence": _sentence(row, outlook, decisive, free, here),
    }


def _described(item: Observation, shown: int | None) -> Json:
    """An observation; one that the caller may not see has a time and a priority, and no name."""
    group = item.request.request_group
    return {
        "observation": shown,
        "request": None if shown is None else item.request_id,
        "proposal": None if shown is None else group.proposal_id,
        "start": format_time(item.start),
        "end": format_time(item.end),
        "state": item.state,
        "priority": _priority(item.request),
    }


def _spans(intervals: Iterable[Interval]) -> list[list[str]]:
    return [[format_time(start), format_time(end)] for start, end in intervals]


def _sentence(
    row: Request, outlook: Outlook, decisive: Condition | None, free: Sequence[Interval], rivals: Sequence[Observation]
) -> str:
    if outlook.obstacles:
        return " ".join(outlook.obstacles)
    if decisive is not None:
        longest = next(step.longest_s for step in outlook.steps if step.condition is decisive)
        return _IN_THE_WAY[decisive].format(longest=_length(longest), needed=_length(row.duration_s))
    longest_free = max(((end - start).total_seconds() for start, end in free), default=0.0)
    if longest_free >= row.duration_s:
        first = next(start for start, end in free if (end - start).total_seconds() >= row.duration_s)
        return f"Nothing stands in the way: there is room for it from {format_time(first)} on."
    own = row.request_group
    effective = own.proposal.tac_priority * own.ipp_value
    stronger = sum(_priority(item.request)["effective"] > effective for item in rivals)
    others = "1 other observation" if len(rivals) == 1 else f"{len(rivals)} other observations"
    return (
        f"The time is taken by {others}, {stronger or 'none'} of them of higher priority; the longest "
        f"free time is {_length(longest_free)}, and it takes {_length(row.duration_s)}."
    )


def _length(seconds: float) -> str:
    return f"{seconds / _SECONDS_PER_HOUR:.1f} h" if seconds >= _SECONDS_PER_HOUR else f"{seconds / 60:.1f} min"
