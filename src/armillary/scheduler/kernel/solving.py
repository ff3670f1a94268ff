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
from armillary.scheduler.kernel.placing import (
    ALL_SLABS,
    Workspace,
    keep_changes,
    make_workspace,
    place_unit,
    touch,
    undo_changes,
)
from armillary.scheduler.kernel.plan import Pace, Plan, PriceInterval, StopReason
from armillary.scheduler.kernel.problem import FloatArray, Identifier, IntegerArray, Problem, Reservation
from armillary.scheduler.kernel.relaxation import Relaxation, best_by_reservation
from armillary.scheduler.kernel.search import (
    BEST,
    CURRENT,
    Guide,
    Record,
    make_record,
    save_record,
    search,
    value_of,
)
from armillary.scheduler.kernel.timeline import TOLERANCE_S, Timeline, empty_timeline, fitting_start, insert
from armillary.scheduler.kernel.timing import Timing
from armillary.scheduler.kernel.verification import violations

_DEFAULT_ITERATIONS = 100_000
_BATCH = 500
_HOT, _COLD = 0.3, 0.002
"""Temperatures of the annealing, as shares of the median value of a unit."""
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

    def remaining_s(self) -> float:
        wall = np.inf if self.time_limit_s is None else self.time_limit_s - (time.perf_counter() - self.wall_start)
        cpu = np.inf if self.cpu_limit_s is None else self.cpu_limit_s - (time.process_time() - self.cpu_start)
        return float(min(wall, cpu))

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
        limit = budget.remaining_s()
        deadline = time.perf_counter() + _LP_SHARE * limit
        has_bound = pace.has_bound if pace is not None else deadline > time.perf_counter()
        bounding = (
            bound_problem(relaxation, known, seed, lambda: deadline - time.perf_counter())
            if pace is None
            else bound_problem(relaxation, known, seed, lambda: np.inf if has_bound else 0.0, pace.rounds)
        )
    with clocks.stage("construct"):
        start = _construct(problem, compilation, bounding, seed)
    constructed = float(start.record.number[BEST])
    with clocks.stage("search"):
        done, reason = _improve(compilation, start, bounding, budget, target_gap)
    with clocks.stage("finish"):
        timing = Timing(problem, compilation)
        entries = timing.entries(start.record)
        broken = violations(problem, entries)
        if broken:
            raise InfeasiblePlan("; ".join(broken[:5]))
        statistics = measure(
            problem,
            compilation,
            entries,
            before=timing.entries(start.record, secondary=False),
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
        pace=Pace(has_bound, bounding.rounds, tuple(budget.shares), reason.value),
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


def _construct(problem: Problem, compilation: Compilation, bounding: Bounding, seed: int) -> _State:
    """What is valid of the published plan and fits beside it; or, if better, everything in the order of prices."""
    model = compilation.model
    candidate = _candidates(compilation, bounding)
    guide = _guide(compilation, bounding, candidate)
    kept = empty_timeline(compilation)
    work = make_workspace(model, kept, candidate, seed)
    _place_published(problem, compilation, kept, work)
    floor = value_of(model, kept)
    _fill(compilation, kept, work, guide)
    best = kept
    if value_of(model, kept) < bounding.bound * (1.0 - _PROVEN):
        fresh = empty_timeline(compilation)
        _fill(compilation, fresh, work, guide)
        if value_of(model, fresh) > value_of(model, kept):
            best = fresh
    return _State(best, work, guide, make_record(best, value_of(model, best)), floor)


def _candidates(compilation: Compilation, bounding: Bounding) -> np.ndarray:
    model = compilation.model
    value = model.value[model.option_reservation]
    candidate = (bounding.margin >= _WORTH_TRYING * value) | (bounding.share > 0.0)
    candidate[top_options(model.first_option, bounding.margin, _BEST_TRIED)] = True
    return candidate


def _guide(compilation: Compilation, bounding: Bounding, candidate: np.ndarray) -> Guide:
    model = compilation.model
    units = len(model.unit_choice)
    gain, size, surplus = np.zeros(units), np.zeros(units), np.zeros(units)
    np.add.at(gain, model.unit_of, model.value)
    np.add.at(size, model.unit_of, model.duration)
    margin = best_by_reservation(model.first_option, bounding.margin)
    np.add.at(surplus, model.unit_of, np.where(np.isfinite(margin), margin, -1e18))
    options = np.flatnonzero(candidate)
    order = options[np.argsort(model.option_slab[options], kind="stable")].astype(np.int32)
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


def _fill(compilation: Compilation, timeline: Timeline, work: Workspace, guide: Guide) -> None:
    """Place every unit that fits, those that gain most over their price first."""
    model = compilation.model
    for unit in np.argsort(-guide.surplus, kind="stable").tolist():
        first, last = int(model.first_member[unit]), int(model.first_member[unit + 1])
        if any(timeline.option_at[member] != NOTHING for member in model.member[first:last]):
            continue
        if place_unit(model, timeline, work, unit, ALL_SLABS, 0.0):
            keep_changes(work)
        else:
            undo_changes(model, timeline, work)


def _place_published(problem: Problem, compilation: Compilation, timeline: Timeline, work: Workspace) -> None:
    """Place what is still valid of the plan in force, whole units only, in the order of time."""
    model = compilation.model
    position = {each.id: index for index, each in enumerate(problem.reservations)}
    place = {each.id: index for index, each in enumerate(problem.resources)}
    wanted = [
        (entry.start_s, position[entry.reservation], place[entry.resource])
        for entry in problem.published
        if entry.reservation in position and entry.resource in place
    ]
    by_unit: dict[int, list[tuple[float, int, int]]] = {}
    for row in sorted(wanted):
        by_unit.setdefault(int(model.unit_of[row[1]]), []).append(row)
    for unit, rows in sorted(by_unit.items(), key=lambda each: each[1][0]):
        members = int(model.first_member[unit + 1] - model.first_member[unit])
        if len(rows) == members and all(_place_at(compilation, timeline, work, *row) for row in rows):
            keep_changes(work)
        else:
            undo_changes(model, timeline, work)


def _place_at(
    compilation: Compilation, timeline: Timeline, work: Workspace, start: float, reservation: int, resource: int
) -> bool:
    """Place one reservation so that it can start at a given time, if the rules allow."""
    model = compilation.model
    unit = int(model.unit_of[reservation])
    choice = int(model.unit_choice[unit])
    if timeline.option_at[reservation] != NOTHING or (choice != NOTHING and timeline.choice_taken[choice] > 0):
        return False
    if not _has_allocation(compilation, timeline, reservation):
        return False
    for option in range(model.first_option[reservation], model.first_option[reservation + 1]):
        if compilation.piece_resource[model.option_piece[option]] != resource:
            continue
        release, due = float(model.option_start[option]), float(model.option_latest[option])
        if not release - TOLERANCE_S <= start <= due + TOLERANCE_S:
            continue
        slab = int(model.option_slab[option])
        count = int(timeline.held[slab])
        # Entries come in the order of time, so the end of the slab is the place.
        if fitting_start(model, timeline, reservation, slab, count, start, start) == np.inf:
            return False
        touch(model, timeline, work, slab)
        is_pinned = model.first_partner[reservation] != model.first_partner[reservation + 1]
        insert(model, timeline, option, count, start, start if is_pinned else max(due, start))
        return True
    return False


def _has_allocation(compilation: Compilation, timeline: Timeline, reservation: int) -> bool:
    model = compilation.model
    run = slice(model.first_charge[reservation], model.first_charge[reservation + 1])
    allocations, seconds = model.charge_allocation[run], model.charge_seconds[run]
    return bool((timeline.used[allocations] + seconds <= model.allocation_limit[allocations] + TOLERANCE_S).all())


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
        done += search(
            model, state.timeline, state.work, state.guide, record, batch, hot, max(hot * 0.9, scale * _COLD), enough
        )
        # Sums drift by rounding; the value is what is placed.
        record.number[CURRENT] = value_of(model, state.timeline)
        if record.number[CURRENT] > record.number[BEST]:
            save_record(state.timeline, record)


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
