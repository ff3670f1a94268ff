"""For every request of a run: where it is scheduled, or why it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from armillary.core.requests.instants import format_time
from armillary.scheduler.candidates import Candidate
from armillary.scheduler.kernel import Explanation, Status
from armillary.scheduler.priorities import TIME_CRITICAL_FACTOR
from armillary.scheduler.run import Run
from armillary.scheduler.visibility import Spans

EXCLUDED = "excluded"
"""Status of a request that never came before the kernel."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What became of one request in one run."""

    request: int
    request_group: int
    status: str
    """One of the kernel's statuses, or :data:`EXCLUDED`."""
    sentence: str
    """In English."""
    value: float | None = None
    telescope: str | None = None
    """Where it is scheduled."""
    start: str | None = None
    """When, UTC."""
    telescopes: int = 0
    """How many telescopes could observe it in the horizon."""
    price_per_s: float | None = None
    """What a second of the cheapest time it could use is worth to others."""
    needed_value: float | None = None
    """The value from which on it would be expected to be scheduled."""
    priority: float | None = None
    """What decides for a given duration: the proposal's priority times the request's own."""
    needed_priority: float | None = None
    """The priority from which on it would be expected to be scheduled."""
    relaxation: str | None = None
    """The mildest weaker constraint with which it would be expected to be scheduled, in a few words."""
    blocking: tuple[int, ...] = ()
    """Requests in its way, where they can be named."""

    def as_json(self) -> dict[str, Any]:
        """For the run's document."""
        return asdict(self) | {"blocking": list(self.blocking)}


def reasons_of(run: Run, relaxed: Mapping[int, str] | None = None) -> list[Reason]:
    """The reason of every request of a run, by request id.

    Args:
        run: The run.
        relaxed: What :func:`armillary.scheduler.relaxing.relaxations` found.
    """
    help_for = relaxed or {}
    explanations: dict[int, Explanation] = {
        int(identity): explanation
        for solution in run.solutions
        for identity, explanation in solution.plan.explanations.items()
    }
    found = [Reason(each.request_id, each.group_id, EXCLUDED, each.reason) for each in run.selection.exclusions]
    found += [
        _reason(each, explanations[each.request_id], run, help_for.get(each.request_id))
        for each in run.selection.candidates
    ]
    return sorted(found, key=lambda each: each.request)


def _reason(candidate: Candidate, explanation: Explanation, run: Run, relaxation: str | None) -> Reason:
    scheduled = explanation.status is Status.SCHEDULED
    start: datetime | None = None
    if scheduled and explanation.start_s is not None:
        start = run.horizon.time(explanation.start_s)
    windows = run.windows[candidate.request_id]
    return Reason(
        request=candidate.request_id,
        request_group=candidate.group_id,
        status=explanation.status.value,
        sentence=_sentence(candidate, explanation, windows, run, relaxation),
        value=candidate.value,
        telescope=explanation.resource if scheduled else None,
        start=None if start is None else format_time(start),
        telescopes=sum(1 for spans in windows.values() if len(spans)),
        price_per_s=explanation.price_per_s,
        needed_value=explanation.needed_value,
        priority=_priority(candidate, candidate.value),
        needed_priority=None if explanation.needed_value is None else _priority(candidate, explanation.needed_value),
        relaxation=relaxation,
        blocking=tuple(int(each) for each in explanation.blocking),
    )


def _priority(candidate: Candidate, value: float) -> float:
    """The product of priorities that gives a request of this kind and duration a value."""
    if candidate.observation_type == "NORMAL":
        return 60.0 * value / candidate.duration_s
    return value / TIME_CRITICAL_FACTOR if candidate.observation_type == "TIME_CRITICAL" else value


def _sentence(
    candidate: Candidate, explanation: Explanation, windows: Mapping[str, Spans], run: Run, relaxation: str | None
) -> str:
    """The reason in English, in the words of the observatory: the kernel was told no astronomy."""
    if explanation.status is Status.NO_WINDOW:
        sentence = _unseen(candidate, windows, run)
    elif explanation.status is Status.OUTBID:
        return _outbid(candidate, explanation, relaxation)
    else:
        named = replace(explanation, blocking=tuple(f"request {it}" for it in explanation.blocking))
        sentence = named.sentence().replace("resource", "telescope")
    return sentence if relaxation is None else f"{sentence} It would be expected to be scheduled {relaxation}."


def _unseen(candidate: Candidate, windows: Mapping[str, Spans], run: Run) -> str:
    until = format_time(run.horizon.end)
    places = ", ".join(sorted(candidate.places))
    if not windows:
        return f"Its target cannot be observed within its constraints and windows before {until} from {places}."
    return f"Whenever its target can be observed before {until}, {places} cannot work (daylight or downtime)."


def _outbid(candidate: Candidate, explanation: Explanation, relaxation: str | None) -> str:
    """Others offer more for the time; at which priority, or with which weaker constraint, it would be otherwise."""
    count = explanation.resources
    sight = "1 telescope sees it" if count == 1 else f"{count} telescopes see it"
    price, offer = 60.0 * (explanation.price_per_s or 0.0), 60.0 * explanation.offered_per_s
    needed = _priority(candidate, explanation.needed_value or 0.0)
    other = "" if relaxation is None else f", or {relaxation}"
    return (
        f"{sight}; the cheapest time it could use ({explanation.resource}) is worth {price:.3g} per minute to others, "
        f"and it offers {offer:.3g}. It would be expected to be scheduled at a priority (the proposal's times its own) "
        f"of about {needed:.3g} or more, against {_priority(candidate, candidate.value):.3g}{other}."
    )
