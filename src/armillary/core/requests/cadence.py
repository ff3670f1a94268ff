"""A request repeated in time: one request with a window for each moment of the cadence that can be observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from armillary.core.requests.durations import request_duration
from armillary.core.requests.facts import Errors, ValidationContext
from armillary.core.requests.instants import format_time, parse_time
from armillary.core.requests.model import Request
from armillary.core.requests.validation import check_cadence_group, check_request_group
from armillary.core.requests.validation.requests import may_use_unschedulable
from armillary.core.requests.visibility import visible_windows
from armillary.riseset import clip

NOTHING_VISIBLE: Final = "No visible requests within cadence window parameters"
MOST_WINDOWS: Final = 5000
"""How many moments one cadence may have; more is a typing error, and would keep everybody waiting."""


def cadence_windows(
    start: datetime, end: datetime, *, period_h: float, jitter_h: float
) -> Iterator[tuple[datetime, datetime]]:
    """The windows of a cadence: around `start`, and every period later until `end`, cut at both.

    Each moment is counted from the start, so that a long cadence does not drift.
    """
    half, number = timedelta(hours=jitter_h) / 2, 0
    while (moment := start + number * timedelta(hours=period_h)) < end:
        yield max(moment - half, start), min(moment + half, end)
        number += 1


def expand_cadence(body: Mapping[str, Any], context: ValidationContext) -> tuple[dict[str, Any] | None, Errors]:
    """The group that the cadence endpoint answers: the caller's, with its one request expanded.

    Moments at which the request cannot be observed for its whole duration are left out. The expanded group is checked
    like any submission.

    Returns:
        The group, or None and what is refused.
    """
    checked = check_cadence_group(body, context)
    if checked.document is None:
        return None, checked.errors
    request = checked.document["requests"][0]
    cadence = request.pop("cadence")
    start, end = parse_time(cadence["start"]), parse_time(cadence["end"])
    if (end - start) / timedelta(hours=cadence["period"]) > MOST_WINDOWS:
        least_h = (end - start) / timedelta(hours=1) / MOST_WINDOWS
        message = (
            f"A cadence has at most {MOST_WINDOWS} windows: with this start and end, at least {least_h:.2f} hours."
        )
        return None, {"requests": [{"cadence": {"period": [message]}}]}
    windows = cadence_windows(start, end, period_h=cadence["period"], jitter_h=cadence["jitter"])
    requests = _observable(request, [window for window in windows if window[1] > context.now], context)
    if not requests:
        return None, {"errors": NOTHING_VISIBLE}
    operator = "MANY" if len(requests) > 1 else body.get("operator")
    expanded = {**body, "operator": operator, "requests": requests}
    errors = check_request_group(expanded, context).errors
    return (None, errors) if errors else (expanded, {})


def _observable(
    request: dict[str, Any], windows: list[tuple[datetime, datetime]], context: ValidationContext
) -> list[dict[str, Any]]:
    """The request once for each window in which it can be seen for longer than it takes."""
    if not windows:
        return []
    model = Request.model_validate(request)
    duration_s = request_duration(model, context.observatory).seconds
    seen = visible_windows(
        model,
        context.observatory,
        downtimes=context.downtimes,
        include_unschedulable=may_use_unschedulable(request["location"], context),
        windows=windows,
    ).by_site()
    expanded = []
    for start, end in windows:
        pieces = [piece for intervals in seen.values() for piece in clip(intervals, start, end)]
        if any((piece[1] - piece[0]).total_seconds() > duration_s for piece in pieces):
            window = {"start": format_time(start), "end": format_time(end)}
            expanded.append({**request, "windows": [window]})
    return expanded
