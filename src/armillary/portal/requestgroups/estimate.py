"""What a group that is not submitted yet would take, when it could be observed, and who else wants that time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models import Count, QuerySet, Sum

from armillary.core.proposals.ledger import MICROSECONDS_PER_HOUR
from armillary.core.proposals.priority import stake_us
from armillary.core.requests.durations import RequestDuration, total_group_duration
from armillary.core.requests.facts import ValidationContext
from armillary.core.requests.instants import format_time
from armillary.core.requests.model import RequestGroup
from armillary.core.requests.states import State
from armillary.core.requests.validation import Checked
from armillary.core.requests.visibility import RequestVisibility
from armillary.platform.prepared import Prepared
from armillary.portal.requestgroups.models import Configuration

Json = dict[str, Any]
_SECONDS_PER_HOUR: Final = 3600.0


def request_durations(checked: Checked) -> Json:
    """The durations of a group that was judged good: as the wire has them, with what every second is for, and when."""
    answer = checked.request_durations
    for item, duration, seen in zip(answer["requests"], checked.durations, checked.visibility, strict=True):
        item["breakdown"] = duration.breakdown()
        item["items"] = _items(duration)
        item["windows"] = _windows(seen)
    return answer


def _items(duration: RequestDuration) -> list[Json]:
    """What every second is for, in the order of observation; each item with how often it comes."""
    sequence = [item for step in duration.configurations for item in step.items]
    counted = [*((item, 1) for item in duration.front_padding), *((item, duration.repeats) for item in sequence)]
    return [
        {"kind": item.kind, "label": item.label, "seconds": item.seconds, "repeats": repeats}
        for item, repeats in counted
    ]


def _windows(seen: RequestVisibility) -> Json:
    return {
        telescope: [{"start": format_time(start), "end": format_time(end)} for start, end in intervals]
        for telescope, intervals in seen.by_telescope.items()
    }


def cost(group: RequestGroup, context: ValidationContext) -> list[Json]:
    """What the group takes from the proposal's time, by semester and instrument type, and what would be left."""
    if context.proposal is None:
        return []
    found = []
    for (semester, instrument_type), seconds in total_group_duration(
        group, context.observatory, context.semesters
    ).items():
        allocation = context.proposal.allocation(semester, instrument_type)
        if allocation is None:
            continue
        spends = group.observation_type == "NORMAL" and group.ipp_value > 1
        priority_h = stake_us(group.ipp_value, seconds) / MICROSECONDS_PER_HOUR if spends else 0.0
        found.append(
            {
                "semester": semester,
                "instrument_type": instrument_type,
                "hours": seconds / _SECONDS_PER_HOUR,
                "hours_left": allocation.left_h(group.observation_type),
                "ipp_hours": priority_h,
                "ipp_hours_left": allocation.ipp_time_available_h,
            }
        )
    return found


def _demand_for(code: str, start: datetime, end: datetime) -> QuerySet[Configuration, tuple[str, int, float]]:
    rows = Configuration.objects.filter(
        instrument_type=code,
        request__state=State.PENDING.value,
        request__first_start__lt=end,
        request__last_end__gt=start,
    ).order_by()
    return rows.values_list("instrument_type").annotate(
        requests=Count("request", distinct=True), seconds=Sum("duration_s")
    )


_demand: Final = Prepared[tuple[str, int, float]](_demand_for, code=str, start=datetime, end=datetime)


def contention(group: RequestGroup) -> list[Json]:
    """How much is asked of the group's instrument types while its windows last: one query for each type.

    Counts what waits to be observed, of all proposals; the group itself is not among it.
    """
    windows = [window for request in group.requests for window in request.windows]
    types = {item.instrument_type for request in group.requests for item in request.configurations}
    if not windows:
        return []
    start, end = min(window.start for window in windows), max(window.end for window in windows)
    asked = {code: _demand.first(code=code, start=start, end=end) or (code, 0, 0.0) for code in sorted(types)}
    return [
        {
            "instrument_type": code,
            "start": format_time(start),
            "end": format_time(end),
            "requests": requests,
            "hours": seconds / _SECONDS_PER_HOUR,
        }
        for code, requests, seconds in asked.values()
    ]
