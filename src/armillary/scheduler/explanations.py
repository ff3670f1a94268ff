"""For every request of a run: where it is scheduled, or why it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from armillary.core.requests.instants import format_time
from armillary.scheduler.candidates import Candidate
from armillary.scheduler.kernel import Explanation, Status
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
    blocking: tuple[int, ...] = ()
    """Requests in its way, where they can be named."""

    def as_json(self) -> dict[str, Any]:
        """For the run's document."""
        return asdict(self) | {"blocking": list(self.blocking)}


def reasons_of(run: Run) -> list[Reason]:
    """The reason of every request of a run, by request id."""
    explanations: dict[int, Explanation] = {
        int(identity): explanation
        for solution in run.solutions
        for identity, explanation in solution.plan.explanations.items()
    }
    found = [Reason(each.request_id, each.group_id, EXCLUDED, each.reason) for each in run.selection.exclusions]
    found += [_reason(each, explanations[each.request_id], run) for each in run.selection.candidates]
    return sorted(found, key=lambda each: each.request)


def _reason(candidate: Candidate, explanation: Explanation, run: Run) -> Reason:
    scheduled = explanation.status is Status.SCHEDULED
    start: datetime | None = None
    if scheduled and explanation.start_s is not None:
        start = run.horizon.time(explanation.start_s)
    windows = run.windows[candidate.request_id]
    return Reason(
        request=candidate.request_id,
        request_group=candidate.group_id,
        status=explanation.status.value,
        sentence=_sentence(candidate, explanation, windows, run),
        value=candidate.value,
        telescope=explanation.resource if scheduled else None,
        start=None if start is None else format_time(start),
        telescopes=sum(1 for spans in windows.values() if len(spans)),
        price_per_s=explanation.price_per_s,
        needed_value=explanation.needed_value,
        blocking=tuple(int(each) for each in explanation.blocking),
    )


def _sentence(candidate: Candidate, explanation: Explanation, windows: Mapping[str, Spans], run: Run) -> str:
    """The kernel's sentence, or what the kernel cannot know: it was told no astronomy."""
    if explanation.status is not Status.NO_WINDOW:
        return explanation.sentence()
    until = format_time(run.horizon.end)
    places = ", ".join(sorted(candidate.places))
    if not windows:
        return f"Its target cannot be observed within its constraints and windows before {until} from {places}."
    return f"Whenever its target can be observed before {until}, {places} cannot work (daylight or downtime)."
