"""Solving: bound and prices from the relaxation, a plan in the order of the prices, then large-neighbourhood search."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from armillary.scheduler.kernel.explaining import explain
from armillary.scheduler.kernel.linear import Bounding, bound_problem, top_options
from armillary.scheduler.kernel.measuring import measure
from armillary.scheduler.kernel.model import NOTHING, Compilation, compile_problem
from armillary.scheduler.kernel.placing import Workspace, make_workspace
from armillary.scheduler.kernel.plan import Pace, Plan, PriceInterval, StopReason
from armillary.scheduler.kernel.problem import FloatArray, Identifier, IntegerArray, Problem, Reservation
from armillary.scheduler.kernel.relaxation import Relaxation, best_by_reservation
from armillary.scheduler.kernel.search import BEST, Guide, Record, construct, make_record, search, value_of
from armillary.scheduler.kernel.second_goals import published_options, pursue
from armillary.scheduler.kernel.timeline import Timeline, empty_timeline
from armillary.scheduler.kernel.timing import Timing
from armillary.scheduler.kernel.verification import violations

_DEFAULT_ITERATIONS = 100_000
_BATCH = 500
_HOT, _COLD = 0.05, 0.002
"""Temperatures of the annealing, as shares of the median value of a unit."""
_EXACT = 0.06
"""Share of the iterations that fill time to the second, at the end: as long as it is hot that is not worth its time."""
_WORTH_TRYING = -0.12
"""Options whose margin is below this share of their value are not tried (unless they are among a few best)."""
_BEST_TRIED = 3
_PROVEN = 1e-9
_LP_SHARE = 0.5
"""Share of the time that the linear programme may take."""


class InfeasiblePlan(RuntimeError):
    """The solver broke a rule: a defect of the kernel, found by its own check before the plan was used."""


@dataclass(slots=True)
class _Budget:
    """When to stop."""

    time_limit_s: float | None
    cpu_limit_s: float | None
    should_stop: Callable[[], bool] | None
    iterations: int
    pace: Pace | None = None
    """What the clock decided the last time, if that is to be repeated."""
    shares: list[float] = field(default_factory=list)
    """What it decides now."""
    wall_start: float = field(default_factory=time.perf_counter)
    cpu_start: float = field(default_factory=time.process_time)

    def remaining_s(self, share: float = 1.0) -> float:
        """Real seconds until a share of the budget is used, CPU seconds counted at the speed they came at so far."""
        real, used = time.perf_counter() - self.wall_start, time.process_time() - self.cpu_start
        wall = np.inf if self.time_limit_s is None else share * self.time_limit_s - real
        cpu = np.inf if self.cpu_limit_s is None else share * self.cpu_limit_s - used
        return float(min(wall, cpu * max(1.0, real / max(used, 1e-3))))

    def spent(self, iterations: int) -> float:
        """How much of the budget is used, 0 to 1; asked once for each batch of the search."""
        self.shares.append(self._spent(iterations))
        return self.shares[-1]

    def _spent(self, iterations: int) -> float:
        if self.pace is not None:
            return self.pace.shares[len(self.shares)]
        shares = [iterations / self.iterations if self.iterations else 1.0]
        if self.time_limit_s is not None:
            shares.append((time.perf_counter() - self.wall_start) / max(self.time_limit_s, 1e-9))
        if self.cpu_limit_s is not None:
            shares.append((time.process_time() - self.cpu_start) / max(self.cpu_limit_s, 1e-9))
        return min(1.0, max(shares))

    def stop_reason(self, iterations: int) -> StopReason | None:
        if self.pace is not None:
            return StopReason(self.pace.stop) if len(self.shares) == len(self.pace.shares) else None
        if self.should_stop is not None and self.should_stop():
            return StopReason.SIGNAL
        if self.remaining_s() <= 0.0:
            return StopReason.TIME
        return StopReason.ITERATIONS if iterations >= self.iterations else None


@dataclass(slots=True)
class _Clocks:
    """Seconds per stage."""

    cpu_s: dict[str, float] = field(default_factory=dict)
    wall_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu_s[name] = time.process_time() - cpu
        self.wall_s[name] = time.perf_counter() - wall


def solve(
    problem: Problem,
    *,
    seed: int = 0,
    time_limit_s: float | None = None,
    cpu_limit_s: float | None = None,
    iteration_limit: int | None = None,
    target_gap: float = 0.0,
    should_stop: Callable[[], bool] | None = None,
    prices: Sequence[PriceInterval] = (),
    pace: Pace | None = None,
) -> Plan:
    """The best plan that the budget allows, with a bound that proves how good it is.

    Args:
        problem: What to schedule.
        seed: Makes the answer repeatable, together with ``iteration_limit`` (as long as no time limit is met).
        time_limit_s: Real seconds.
        cpu_limit_s: CPU seconds of this process.
        iteration_limit: Iterations of the search; 100,000 when no limit at all is given, else unlimited.
        target_gap: Stop when the plan is this close to the bound, as a share of it.
        should_stop: Asked between batches of iterations.
        prices: Of the previous plan: replanning starts from them.
        pace: Of a plan for the same problem, seed, target gap and iteration limit: makes that plan again, whatever time
            that takes.

    Returns:
        A feasible plan, worth at least as much as what is still valid of ``problem.published``.

    Raises:
        InfeasiblePlan: The kernel's own check found a broken rule (a defect).
    """
    unlimited = time_limit_s is None and cpu_limit_s is None and should_stop is None and pace is None
    iterations = iteration_limit if iteration_limit is not None else (_DEFAULT_ITERATIONS if unlimited else 2**62)
    budget = _Budget(time_limit_s, cpu_limit_s, should_stop, iterations, pace)
    clocks = _Clocks()
    with clocks.stage("compile"):
        compilation = compile_problem(problem)
    with clocks.stage("bound"):
        relaxation = Relaxation(compilation)
        known = _known_prices(problem, compilation, prices)
        has_bound = pace.has_bound if pace is not None else budget.remaining_s(_LP_SHARE) > 0.0
        bounding = (
            bound_problem(relaxation, known, seed, lambda: budget.remaining_s(_LP_SHARE))
            if pace is None
            else bound_problem(
                relaxation,
                known,
                seed,
                lambda: np.inf if has_bound else 0.0,
                pace.rounds,
                whole=pace.has_uses,
            )
        )
    with clocks.stage("construct"):
        start = _construct(problem, compilation, relaxation, bounding, seed)
    constructed = float(start.record.number[BEST])
    with clocks.stage("search"):
        done, reason = _improve(compilation, start, bounding, budget, target_gap)
    with clocks.stage("finish"):
        timing = Timing(problem, compilation)
        before = timing.entries(start.record, secondary=False)
        refined = pursue(problem, compilation, start.timeline, start.work, start.record, before)
        entries = timing.entries(refined)
        broken = violations(problem, entries)
        if broken:
            raise InfeasiblePlan("; ".join(broken[:5]))
        statistics = measure(
            problem,
            compilation,
            entries,
            before=before,
            floor=start.floor,
            constructed=constructed,
            bounding=bounding,
            cuts=len(relaxation.cuts),
            clocks=(clocks.cpu_s, clocks.wall_s),
        )
        value = sum(each.value for each in _scheduled(problem, {entry.reservation for entry in entries}))
        explanations = explain(problem, compilation, relaxation, bounding, entries)
    return Plan(
        entries=entries,
        value=value,
        bound=max(bounding.bound, value),
        iterations=done,
        stop=reason,
        prices=tuple(_price_intervals(problem, compilation, bounding)),
        statistics=statistics,
        explanations=explanations,
        pace=Pace(has_bound, bounding.rounds, tuple(budget.shares), reason.value, bounding.used is not None),
    )


def _scheduled(problem: Problem, identifiers: set[Identifier]) -> Iterator[Reservation]:
    return (each for each in problem.reservations if each.id in identifiers)


@dataclass(slots=True)
class _State:
    """Where the search stands."""

    timeline: Timeline
    work: Workspace
    guide: Guide
    record: Record
    floor: float


def _construct(
    problem: Problem, compilation: Compilation, relaxation: Relaxation, bounding: Bounding, seed: int
) -> _State:
    """What is valid of the published plan and fits beside it; or, if better, everything in the order of prices."""
    model = compilation.model
    published = _published_runs(problem, compilation)
    tried = _worth_trying(relaxation, bounding, published[1])
    guide = _guide(compilation, bounding, tried)
    order = np.argsort(-guide.surplus, kind="stable").astype(np.int32)
    kept = empty_timeline(compilation)
    work = make_workspace(model, kept, tried, seed)
    floor = construct(model, kept, work, *published, order)
    best = kept
    if value_of(model, kept) < bounding.bound * (1.0 - _PROVEN):
        fresh = empty_timeline(compilation)
        nothing = np.zeros(1, dtype=np.int32), published[1][:0], published[2][:0]
        construct(model, fresh, work, *nothing, order)
        if value_of(model, fresh) > value_of(model, kept):
            best = fresh
    return _State(best, work, guide, make_record(best, value_of(model, best)), floor)


def _worth_trying(relaxation: Relaxation, bounding: Bounding, published: IntegerArray) -> IntegerArray:
    """Options in order; those published are among them, as what is taken off such a place may come back to it."""
    model = relaxation.compilation.model
    value = model.value[model.option_reservation]
    candidate = (bounding.margin >= _WORTH_TRYING * value) | (bounding.share > 0.0)
    candidate[top_options(model.first_option, bounding.margin, _BEST_TRIED)] = True
    if bounding.used is not None:
        use = relaxation.uses.of_option
        candidate &= (use == NOTHING) | (bounding.used[use] > 0.5)
    candidate[published] = True
    tried: IntegerArray = np.flatnonzero(candidate).astype(np.int32)
    return tried


def _guide(compilation: Compilation, bounding: Bounding, options: IntegerArray) -> Guide:
    model = compilation.model
    units = len(model.unit_choice)
    gain, size, surplus = np.zeros(units), np.zeros(units), np.zeros(units)
    np.add.at(gain, model.unit_of, model.value)
    np.add.at(size, model.unit_of, model.duration)
    margin = best_by_reservation(model.first_option, bounding.margin)
    np.add.at(surplus, model.unit_of, np.where(np.isfinite(margin), margin, -1e18))
    worth = bounding.margin[options] / model.duration[model.option_reservation[options]]
    order = options[np.lexsort((-worth, model.option_slab[options]))].astype(np.int32)
    slabs = len(model.slab_gap)
    return Guide(
        gain=gain,
        density=gain / np.maximum(size, 1e-9),
        surplus=surplus / np.maximum(size, 1e-9),
        size=size,
        wanted=np.flatnonzero((surplus > _WORTH_TRYING * gain) & (surplus > -1e17)).astype(np.int32),
        first_in_slab=np.searchsorted(model.option_slab[order], np.arange(slabs + 1)).astype(np.int32),
        in_slab=order,
    )


def _published_runs(problem: Problem, compilation: Compilation) -> tuple[IntegerArray, IntegerArray, FloatArray]:
    """What is still valid of the plan in force, whole units only, in the order of time: runs of options, and starts."""
    model = compilation.model
    by_unit: dict[int, dict[int, tuple[int, float]]] = {}
    found = zip(published_options(problem, compilation).tolist(), problem.published, strict=True)
    for option, entry in sorted(found, key=lambda each: each[1].start_s):
        if option != NOTHING:
            reservation = int(model.option_reservation[option])
            by_unit.setdefault(int(model.unit_of[reservation]), {})[reservation] = option, entry.start_s
    size = np.diff(model.first_member)
    runs = [list(rows.values()) for unit, rows in by_unit.items() if len(rows) == size[unit]]
    first = np.cumsum([0, *map(len, runs)]).astype(np.int32)
    options = np.array([option for run in runs for option, _ in run], dtype=np.int32)
    starts = np.array([start for run in runs for _, start in run], dtype=np.float64)
    return first, options, starts


def _improve(
    compilation: Compilation, state: _State, bounding: Bounding, budget: _Budget, target_gap: float
) -> tuple[int, StopReason]:
    """Search in batches until the budget is used, the target reached, or nothing better can exist."""
    model, record = compilation.model, state.record
    enough = bounding.bound * (1.0 - max(target_gap, _PROVEN)) if np.isfinite(bounding.bound) else np.inf
    scale = float(np.median(state.guide.gain)) if len(state.guide.gain) else 1.0
    done = 0
    while True:
        if record.number[BEST] >= enough:
            proven = record.number[BEST] >= bounding.bound * (1.0 - _PROVEN)
            return done, StopReason.OPTIMAL if proven else StopReason.TARGET_GAP
        reason = budget.stop_reason(done)
        if reason is not None:
            return done, reason
        if len(state.guide.in_slab) == 0:
            return done, StopReason.ITERATIONS
        share = budget.spent(done)
        hot = scale * _HOT * (_COLD / _HOT) ** share
        batch = min(_BATCH, budget.iterations - done)
        cold = max(hot * 0.9, scale * _COLD)
        exact = _EXACT * share
        done += search(model, state.timeline, state.work, state.guide, record, batch, hot, cold, exact, enough)


def _known_prices(problem: Problem, compilation: Compilation, prices: Sequence[PriceInterval]) -> FloatArray | None:
    """Mean price of each piece from an earlier plan's prices; ``None`` if there are none."""
    if not prices:
        return None
    place = {each.id: index for index, each in enumerate(problem.resources)}
    known = np.zeros(len(compilation.piece_start))
    length = compilation.piece_end - compilation.piece_start
    for price in prices:
        here: IntegerArray = compilation.piece_resource == place.get(price.resource, NOTHING)
        overlap = np.minimum(compilation.piece_end, price.end_s) - np.maximum(compilation.piece_start, price.start_s)
        known += np.where(here, np.maximum(overlap, 0.0), 0.0) * price.per_second / np.maximum(length, 1e-9)
    return known


def _price_intervals(problem: Problem, compilation: Compilation, bounding: Bounding) -> Iterator[PriceInterval]:
    for piece in np.flatnonzero(bounding.prices.piece > 0.0).tolist():
        yield PriceInterval(
            problem.resources[int(compilation.piece_resource[piece])].id,
            float(compilation.piece_start[piece]),
            float(compilation.piece_end[piece]),
            float(bounding.prices.piece[piece]),
        )
