"""Between which bounds a group's priority may lie."""

from __future__ import annotations

from typing import Any

from armillary.core.proposals.priority import highest_value
from armillary.core.requests.durations import total_group_duration
from armillary.core.requests.facts import ProposalFacts, ValidationContext
from armillary.core.requests.model import RequestGroup

_SECONDS_PER_HOUR = 3600.0


def bounds(group: RequestGroup, context: ValidationContext, proposal: ProposalFacts) -> dict[str, Any]:
    """The answer of ``max_allowable_ipp`` for a group that was judged good."""
    found: dict[str, dict[str, Any]] = {}
    durations = total_group_duration(group, context.observatory, context.semesters)
    for (semester, instrument_type), seconds in durations.items():
        allocation = proposal.allocation(semester, instrument_type)
        if allocation is None:
            continue
        hours = seconds / _SECONDS_PER_HOUR
        found.setdefault(semester, {})[instrument_type] = {
            "ipp_time_available": allocation.ipp_time_available_h,
            "ipp_limit": allocation.ipp_limit_h,
            "request_duration": hours,
            "max_allowable_ipp_value": highest_value(
                available_h=allocation.ipp_time_available_h, duration_h=hours, ceiling=context.limits.max_ipp_value
            ),
            "min_allowable_ipp_value": context.limits.min_ipp_value,
        }
    return found
