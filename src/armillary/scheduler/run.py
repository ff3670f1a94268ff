"""One run, from a snapshot to a plan for every telescope. Pure but for the time it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from armillary.core.observations.model import PlannedObservation, ScheduledObservation
from armillary.scheduler.assembly import (
    Horizon,
    assemble,
    fixed_of,
    planned,
    resources_of,
    windows_of,
)
from armillary.scheduler.candidates import Candidate, Selection, select
from armillary.scheduler.kernel import Entry, Fixed, Plan, PriceInterval, Problem, Resource, solve
from armillary.scheduler.snapshot import Snapshot
from armillary.scheduler.stages import Stages
from armillary.scheduler.visibility import SkyWindows, Spans

_NOT_PREEMPTED: Final = frozenset({"RAPID_RESPONSE", "DIRECT", "REAL_TIME"})
_NEARLY_OVER: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class SolverLimits:
    """When the solver stops; whichever comes first."""

    time_limit_s: float = 10.0
    iteration_limit: int | None = None
    target_gap: float = 1e-4
    seed: int = 0


@dataclass(frozen=True, slots=True)
class KnownPrices:
    """What an earlier run learnt of the worth of time, to begin the next one with."""

    epoch: datetime
    """Zero of the prices' seconds."""
    prices: tuple[PriceInterval, ...] = ()

    def counted_from(self, epoch: datetime) -> tuple[PriceInterval, ...]:
        """The prices in the seconds of another run."""
        later_s = (epoch - self.epoch).total_seconds()
        return tuple(each._replace(start_s=each.start_s - later_s, end_s=each.end_s - later_s) for each in self.prices)


@dataclass(frozen=True, slots=True)
class Solution:
    """What was asked of the kernel in one phase, and what it answered."""

    problem: Problem
    plan: Plan


@dataclass(frozen=True, slots=True)
class Run:
    """The outcome of a run."""

    horizon: Horizon
    selection: Selection
    windows: Mapping[int, Mapping[str, Spans]]
    """By request id and telescope key, in the kernel's seconds."""
    rapid: Solution | None
    """The phase of rapid-response requests; none if there were none."""
    normal: Solution
    preempted: tuple[ScheduledObservation, ...] = ()
    """Running observations that a rapid-response observation pushes aside."""
    stages: Stages = field(default_factory=Stages)
    """How long it took."""
    known: tuple[PriceInterval, ...] = ()
    """The prices that it began with."""

    @property
    def prices(self) -> KnownPrices:
        """What it learnt of the worth of time."""
        return KnownPrices(self.horizon.epoch, self.normal.plan.prices)

    @property
    def solutions(self) -> tuple[Solution, ...]:
        """Both phases, the rapid one first."""
        return (self.normal,) if self.rapid is None else (self.rapid, self.normal)

    def by_telescope(self) -> dict[str, list[PlannedObservation]]:
        """What every telescope in service should do in the horizon."""
        candidates = {candidate.request_id: candidate for candidate in self.selection.candidates}
        found: dict[str, list[PlannedObservation]] = {resource.id: [] for resource in self.normal.problem.resources}
        for solution in self.solutions:
            for entry in solution.plan.entries:
                candidate = candidates[int(entry.reservation)]
                found[entry.resource].append(planned(entry, candidate, self.horizon))
        return found


def plan_run(
    snapshot: Snapshot,
    horizon: Horizon,
    sky: SkyWindows,
    limits: SolverLimits,
    *,
    prices: KnownPrices | None = None,
    should_stop: Callable[[], bool] | None = None,
    stages: Stages | None = None,
) -> Run:
    """Plan the horizon.

    Rapid-response requests come first and may push running normal work aside; what they take is then fixed for
    everything else, as running observations are.

    Args:
        snapshot: What is known.
        horizon: The span to plan.
        sky: Cache of the sky's windows.
        limits: When to stop.
        prices: Those of the previous plan, which make the next one quicker.
        should_stop: Asked now and then; ends the search early, with a feasible plan.
        stages: Where to note how long it takes.
    """
    stages = Stages() if stages is None else stages
    with stages.stage("select"):
        selection = select(snapshot, frozen_before=horizon.start)
    with stages.stage("windows"):
        resources = resources_of(snapshot, horizon)
        windows = windows_of(selection.candidates, snapshot, horizon, sky)
    known = () if prices is None else prices.counted_from(horizon.epoch)
    work = _Work(snapshot, horizon, resources, selection, windows, limits, known, should_stop)
    frozen = [each for each in snapshot.live if each.start < horizon.start or each.observation_type in _NOT_PREEMPTED]
    frozen = [each for each in frozen if not _is_replanned(each, horizon)]
    rapid = None
    if any(candidate.is_rapid_response for candidate in selection.candidates):
        with stages.stage("solve"):
            rapid = work.solve([each for each in frozen if _holds_its_place(each, horizon)], rapid=True)
    taken = [] if rapid is None else _occupied(rapid, selection)
    preempted = tuple(
        each for each in frozen if not _holds_its_place(each, horizon) and _overlaps(each, taken, horizon)
    )
    staying = [each for each in frozen if each not in preempted]
    with stages.stage("solve"):
        normal = work.solve(staying, rapid=False, taken=taken)
    by_request = {candidate.request_id: own for candidate, own in zip(selection.candidates, windows, strict=True)}
    return Run(horizon, selection, by_request, rapid, normal, preempted, stages, known)


@dataclass(frozen=True, slots=True)
class Displacement:
    """A rapid-response observation, and what gives way to it on its telescope."""

    telescope: str
    observation: PlannedObservation
    gives_way: tuple[int, ...]
    """Ids of live observations."""


def place_rapid(snapshot: Snapshot, horizon: Horizon, sky: SkyWindows, limits: SolverLimits) -> list[Displacement]:
    """Places for the requests of a snapshot, all of them rapid-response ones; what they displace is not placed anew.

    Rapid-response work that is scheduled stays where it is.
    """
    selection = select(snapshot, frozen_before=horizon.start)
    resources = resources_of(snapshot, horizon)
    windows = windows_of(selection.candidates, snapshot, horizon, sky)
    work = _Work(snapshot, horizon, resources, selection, windows, limits, (), None)
    solution = work.solve([each for each in snapshot.live if _holds_its_place(each, horizon)], rapid=True)
    candidates = {candidate.request_id: candidate for candidate in selection.candidates}
    found = []
    for entry, taken in zip(solution.plan.entries, _occupied(solution, selection), strict=True):
        gives_way = tuple(
            each.id
            for each in snapshot.live
            if not _holds_its_place(each, horizon) and _overlaps(each, [taken], horizon)
        )
        observation = planned(entry, candidates[int(entry.reservation)], horizon)
        found.append(Displacement(entry.resource, observation, gives_way))
    return found


@dataclass(frozen=True, slots=True)
class _Work:
    """What both phases share."""

    snapshot: Snapshot
    horizon: Horizon
    resources: Sequence[Resource]
    selection: Selection
    windows: Sequence[Mapping[str, Spans]]
    limits: SolverLimits
    prices: Sequence[PriceInterval]
    should_stop: Callable[[], bool] | None

    def problem(self, frozen: Sequence[ScheduledObservation], *, rapid: bool, taken: Sequence[Fixed] = ()) -> Problem:
        chosen = [
            (candidate, own)
            for candidate, own in zip(self.selection.candidates, self.windows, strict=True)
            if candidate.is_rapid_response is rapid
        ]
        return assemble(
            [candidate for candidate, _ in chosen],
            [own for _, own in chosen],
            self.resources,
            fixed=[*fixed_of(frozen, self.resources, self.horizon), *taken],
            snapshot=self.snapshot,
            horizon=self.horizon,
        )

    def solve(self, frozen: Sequence[ScheduledObservation], *, rapid: bool, taken: Sequence[Fixed] = ()) -> Solution:
        problem = self.problem(frozen, rapid=rapid, taken=taken)
        plan = solve(
            problem,
            seed=self.limits.seed,
            time_limit_s=self.limits.time_limit_s,
            iteration_limit=self.limits.iteration_limit,
            target_gap=self.limits.target_gap,
            should_stop=self.should_stop,
            prices=() if rapid else self.prices,
        )
        return Solution(problem, plan)


def _is_replanned(each: ScheduledObservation, horizon: Horizon) -> bool:
    """Whether this run decides about it anew: pending rapid-response work that does not begin yet."""
    return each.observation_type == "RAPID_RESPONSE" and each.state == "PENDING" and each.start >= horizon.start


def _holds_its_place(each: ScheduledObservation, horizon: Horizon) -> bool:
    """Whether not even rapid-response work may push it aside."""
    return each.observation_type in _NOT_PREEMPTED or each.end <= horizon.start + _NEARLY_OVER


def _occupied(solution: Solution, selection: Selection) -> list[Fixed]:
    candidates: dict[int, Candidate] = {candidate.request_id: candidate for candidate in selection.candidates}

    def fixed(entry: Entry) -> Fixed:
        duration_s = candidates[int(entry.reservation)].duration_s
        return Fixed(entry.resource, entry.start_s, entry.start_s + duration_s)

    return [fixed(entry) for entry in solution.plan.entries]


def _overlaps(each: ScheduledObservation, taken: Sequence[Fixed], horizon: Horizon) -> bool:
    start, end = horizon.seconds(each.start), horizon.seconds(each.end)
    return any(other.resource == each.telescope_key and other.start_s < end and start < other.end_s for other in taken)
