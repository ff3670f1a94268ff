"""Measures of a plan: what is published with it and watched over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from armillary.scheduler.kernel.linear import Bounding
from armillary.scheduler.kernel.model import Compilation
from armillary.scheduler.kernel.plan import Statistics
from armillary.scheduler.kernel.problem import Entry, Identifier, Preference, Problem, Reservation

_SAME_S = 1e-3


def measure(
    problem: Problem,
    compilation: Compilation,
    entries: Sequence[Entry],
    *,
    before: Sequence[Entry],
    floor: float,
    constructed: float,
    bounding: Bounding,
    cuts: int,
    clocks: tuple[Mapping[str, float], Mapping[str, float]],
) -> Statistics:
    """The statistics of a plan; ``before`` is the same plan without regard to the secondary goals."""
    kept, moved, dropped, added = _changes(problem, entries)
    _, moved_before, dropped_before, _ = _changes(problem, before)
    return Statistics(
        scheduled=len(entries),
        utilisation=_utilisation(problem, compilation, entries),
        kept=kept,
        moved=moved,
        dropped=dropped,
        added=added,
        floor=floor,
        mean_cost=_mean_cost(problem, entries),
        mean_start_s=_mean_start(problem, entries),
        unfairness=_unfairness(problem, entries),
        before_secondary={
            "changes": float(moved_before + dropped_before),
            "mean_cost": _mean_cost(problem, before),
            "mean_start_s": _mean_start(problem, before),
            "unfairness": _unfairness(problem, before),
        },
        constructed_value=constructed,
        reservations=len(problem.reservations),
        options=len(compilation.model.option_start),
        columns=bounding.columns,
        cuts=cuts,
        cpu_s=clocks[0],
        wall_s=clocks[1],
    )


def _changes(problem: Problem, entries: Sequence[Entry]) -> tuple[int, int, int, int]:
    known = {each.id for each in problem.reservations}
    old = {entry.reservation: entry for entry in problem.published if entry.reservation in known}
    new = {entry.reservation: entry for entry in entries}
    both = [name for name in new if name in old]
    kept = sum(
        new[name].resource == old[name].resource and abs(new[name].start_s - old[name].start_s) < _SAME_S
        for name in both
    )
    return kept, len(both) - kept, len(old) - len(both), len(new) - len(both)


def _by_id(problem: Problem) -> dict[Identifier, Reservation]:
    return {each.id: each for each in problem.reservations}


def _utilisation(problem: Problem, compilation: Compilation, entries: Sequence[Entry]) -> dict[str, float]:
    reservations = _by_id(problem)
    used: dict[str, float] = defaultdict(float)
    for entry in entries:
        used[entry.resource] += reservations[entry.reservation].duration_s
    free = np.zeros(len(problem.resources))
    np.add.at(free, compilation.piece_resource, compilation.piece_end - compilation.piece_start)
    return {
        each.id: used[each.id] / float(free[index]) if free[index] > 0.0 else 0.0
        for index, each in enumerate(problem.resources)
    }


def _mean_start(problem: Problem, entries: Sequence[Entry]) -> float:
    reservations = _by_id(problem)
    total = sum(reservations[entry.reservation].value for entry in entries)
    weighted = sum(reservations[entry.reservation].value * entry.start_s for entry in entries)
    return weighted / total if total > 0.0 else 0.0


def _mean_cost(problem: Problem, entries: Sequence[Entry]) -> float:
    preferences: dict[tuple[Identifier, str], Preference] = {
        (each.reservation, each.resource): each for each in problem.preferences
    }
    worst: dict[Identifier, float] = defaultdict(float)
    for each in problem.preferences:
        worst[each.reservation] = max(worst[each.reservation], float(np.max(each.cost)))
    reservations = _by_id(problem)
    total, weighted = 0.0, 0.0
    for entry in entries:
        if entry.reservation not in worst:
            continue
        preference = preferences.get((entry.reservation, entry.resource))
        cost = (
            worst[entry.reservation]
            if preference is None
            else float(np.interp(entry.start_s, preference.time_s, preference.cost))
        )
        total += reservations[entry.reservation].value
        weighted += reservations[entry.reservation].value * cost
    return weighted / total if total > 0.0 else 0.0


def _unfairness(problem: Problem, entries: Sequence[Entry]) -> float:
    granted: dict[tuple[float, str], float] = defaultdict(float)
    asked: dict[tuple[float, str], float] = defaultdict(float)
    scheduled = {entry.reservation for entry in entries}
    for each in problem.reservations:
        asked[each.rank, each.party] += each.duration_s
        granted[each.rank, each.party] += each.duration_s if each.id in scheduled else 0.0
    shares: dict[float, list[float]] = defaultdict(list)
    for (rank, party), seconds in asked.items():
        shares[rank].append(granted[rank, party] / seconds)
    return float(np.mean([np.std(each) for each in shares.values()])) if shares else 0.0
