"""What would help: with which weaker constraint a request that is not scheduled would be expected to be. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from armillary.core.requests.model import Constraints, Request
from armillary.scheduler.candidates import Candidate
from armillary.scheduler.kernel import PriceInterval, Status
from armillary.scheduler.run import Run
from armillary.scheduler.visibility import SkyWindows, Spans, intersect

MOST: Final = 60
"""So many requests of a run are looked at, the most valuable first: this is advice, and must cost little."""
_AIRMASS: Final = (1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.5, 3.0)
_NEARER_MOON: Final = (0.75, 0.5, 0.25, 0.0)
_HELPED: Final = frozenset({Status.NO_WINDOW, Status.TOO_SHORT, Status.OUTBID})


@dataclass(frozen=True, slots=True)
class _Relaxation:
    """A weaker constraint."""

    sentence: str
    """"It would be scheduled ..."."""
    weaken: Callable[[Constraints], Constraints | None]
    """None where that would change nothing."""


def _airmass(limit: float) -> _Relaxation:
    def weaken(own: Constraints) -> Constraints | None:
        return own.model_copy(update={"max_airmass": limit}) if own.max_airmass < limit else None

    return _Relaxation(f"with an airmass of up to {limit:g}", weaken)


def _moon(share: float) -> _Relaxation:
    def weaken(own: Constraints) -> Constraints | None:
        if own.min_lunar_distance <= 0.0:
            return None
        return own.model_copy(update={"min_lunar_distance": share * own.min_lunar_distance})

    return _Relaxation(f"with {100 * share:.0f} % of its distance from the Moon", weaken)


def _phase(own: Constraints) -> Constraints | None:
    limit = own.max_lunar_phase
    return None if limit >= 1.0 else own.model_copy(update={"max_lunar_phase": 1.0})


_RELAXATIONS: Final = (
    *(_airmass(limit) for limit in _AIRMASS),
    *(_moon(share) for share in _NEARER_MOON),
    _Relaxation("without a limit on the phase of the Moon", _phase),
)


def relaxations(run: Run, sky: SkyWindows, *, most: int = MOST) -> dict[int, str]:
    """By request id, the mildest weaker constraint with which it would be expected to be scheduled, in a few words.

    Expected at the prices of the run: a weaker constraint gives it time that is worth less to others than it offers.

    Args:
        run: The run that did not schedule them.
        sky: A cache of its own; the weaker constraints would crowd the others' out.
        most: How many requests to look at.
    """
    explanations = run.normal.plan.explanations
    outside = [
        each
        for each in run.selection.candidates
        if not each.is_rapid_response and explanations[each.request_id].status in _HELPED
    ]
    waiting = sorted(outside, key=lambda each: -each.value)[:most]
    found: dict[int, str] = {}
    for relaxation in _RELAXATIONS:
        waiting = [each for each in waiting if each.request_id not in found]
        weaker = [(each, request) for each in waiting if (request := _weakened(each.request, relaxation)) is not None]
        for candidate in _expected(run, weaker, sky):
            found[candidate.request_id] = relaxation.sentence
    return found


def _weakened(request: Request, relaxation: _Relaxation) -> Request | None:
    """The request with the weaker constraint wherever it makes a difference; None if it makes none."""
    weakened = [relaxation.weaken(each.constraints) for each in request.configurations]
    if all(each is None for each in weakened):
        return None
    configurations = [
        own if constraints is None else own.model_copy(update={"constraints": constraints})
        for own, constraints in zip(request.configurations, weakened, strict=True)
    ]
    return request.model_copy(update={"configurations": configurations})


def _expected(run: Run, weaker: Sequence[tuple[Candidate, Request]], sky: SkyWindows) -> Iterator[Candidate]:
    """Those that find time that is worth less to others than they offer."""
    telescopes = [[place.telescope for place in candidate.places.values()] for candidate, _ in weaker]
    windows = sky.of([request for _, request in weaker], telescopes, run.horizon.start, run.horizon.end)
    free = {each.id: np.asarray(each.windows, dtype=np.float64).reshape(-1, 2) for each in run.normal.problem.resources}
    prices = _by_resource(run.normal.plan.prices)
    for (candidate, _), own in zip(weaker, windows, strict=True):
        if any(
            _cheapest(intersect(run.horizon.spans(spans), free[key]), candidate.duration_s, prices.get(key))
            < candidate.value
            for key, spans in own.items()
            if key in free
        ):
            yield candidate


_Prices = npt.NDArray[np.float64]


def _by_resource(prices: Sequence[PriceInterval]) -> dict[str, _Prices]:
    """Start, end and price per second of every interval, by resource."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for each in prices:
        rows.setdefault(each.resource, []).append((each.start_s, each.end_s, each.per_second))
    return {name: np.array(own) for name, own in rows.items()}


def _cheapest(spans: Spans, duration_s: float, prices: _Prices | None) -> float:
    """What the cheapest stretch of a duration inside the spans is worth to others; infinite if there is none."""
    best = np.inf
    for start, end in spans:
        if end - start < duration_s:
            continue
        if prices is None:
            return 0.0
        # The cost is linear in the start between the points at which an interval's edge is passed.
        edges = np.concatenate([prices[:, 0], prices[:, 1]])
        starts = np.clip(np.concatenate([[start], edges, edges - duration_s]), start, end - duration_s)
        overlap = np.minimum(prices[None, :, 1], starts[:, None] + duration_s) - np.maximum(
            prices[None, :, 0], starts[:, None]
        )
        best = min(best, float((np.maximum(overlap, 0.0) @ prices[:, 2]).min()))
    return best
