"""The problem as arrays: what the compiled search and the linear programme work on.

Vocabulary: a *piece* is a maximal time in which a resource is free (its windows less fixed observations). An *option*
is a reservation with a stretch of one piece long enough for it; continuous starts within. A *slab* is one or more
neighbouring pieces so near each other that a gap may reach across; observations of different slabs do not interact.
A *unit* is what is scheduled or not as a whole: one reservation, or all of an all-of group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from armillary.scheduler.kernel.problem import (
    FloatArray,
    Group,
    GroupKind,
    Identifier,
    IntegerArray,
    Problem,
    Resource,
)

NOTHING = -1
"""Stands for "none" in arrays of indices."""


class Model(NamedTuple):
    """Constant arrays. ``first_*`` arrays delimit runs: the run of ``i`` is ``first[i]:first[i + 1]``."""

    duration: FloatArray
    value: FloatArray
    setup: IntegerArray
    unit_of: IntegerArray
    first_option: IntegerArray
    option_reservation: IntegerArray
    option_piece: IntegerArray
    option_slab: IntegerArray
    option_start: FloatArray
    """Earliest start."""
    option_latest: FloatArray
    """Latest start."""
    first_member: IntegerArray
    """Runs of ``member`` by unit."""
    member: IntegerArray
    unit_choice: IntegerArray
    """The one-of group of a unit."""
    first_charge: IntegerArray
    charge_allocation: IntegerArray
    charge_seconds: FloatArray
    allocation_limit: FloatArray
    first_partner: IntegerArray
    """Runs of the distance rules by reservation."""
    partner: IntegerArray
    partner_low: FloatArray
    """Least start(reservation) - start(partner)."""
    partner_high: FloatArray
    partner_mirrored: IntegerArray
    """1 where the rule holds for the absolute difference."""
    slab_open: FloatArray
    """Start of the slab's first piece."""
    slab_close: FloatArray
    """End of the slab's last piece."""
    slab_gap: FloatArray
    slab_changes: IntegerArray
    """Which table of ``changes``."""
    slab_entry: FloatArray
    """When the fixed observation before the slab ends."""
    slab_entry_setup: IntegerArray
    slab_exit: FloatArray
    """When the fixed observation after the slab starts."""
    slab_exit_setup: IntegerArray
    changes: FloatArray
    """Shape (tables, setups, setups): seconds on top of the gap from one setup to the next."""


@dataclass(frozen=True, slots=True)
class Compilation:
    """A model with what is needed to read it and to bound it."""

    model: Model
    piece_resource: IntegerArray
    piece_start: FloatArray
    piece_end: FloatArray
    piece_slab: IntegerArray
    piece_gap: FloatArray
    """The least gap after any observation in the piece."""
    slab_capacity: int
    """No slab can hold more observations."""
    group_kind: Sequence[GroupKind | None]
    """By reservation."""
    had_window: IntegerArray
    """By reservation: 0 no window, 1 none long enough, 2 none long enough outside fixed observations, 3 usable."""


class _Pieces(NamedTuple):
    resource: IntegerArray
    start: FloatArray
    end: FloatArray


def compile_problem(problem: Problem) -> Compilation:
    """The arrays of a problem."""
    setups = {name: index for index, name in enumerate(sorted(_setups(problem)))}
    tables, table_of = _change_tables(problem.resources, setups)
    pieces = _free_pieces(problem, with_fixed=True)
    piece_slab, slabs = _slabs(problem, pieces, tables, table_of, setups)
    duration = np.array([r.duration_s for r in problem.reservations], dtype=np.float64)
    options = _options(problem, pieces, duration)
    unit_of, first_member, member, choice, kinds = _units(problem)
    model = Model(
        duration=duration,
        value=np.array([r.value for r in problem.reservations], dtype=np.float64),
        setup=np.array([setups[r.setup] for r in problem.reservations], dtype=np.int32),
        unit_of=unit_of,
        first_option=_runs(options.reservation, len(duration)),
        option_reservation=options.reservation,
        option_piece=options.piece,
        option_slab=piece_slab[options.piece],
        option_start=options.start,
        option_latest=options.latest,
        first_member=first_member,
        member=member,
        unit_choice=choice,
        **_charges(problem),
        **_partners(problem),
        **slabs,
        changes=tables,
    )
    return Compilation(
        model=model,
        piece_resource=pieces.resource,
        piece_start=pieces.start,
        piece_end=pieces.end,
        piece_slab=piece_slab,
        piece_gap=_least_gaps(problem, pieces, tables, table_of, model),
        slab_capacity=_slab_capacity(model, len(slabs["slab_gap"])),
        group_kind=kinds,
        had_window=_window_history(problem, model, duration),
    )


def _setups(problem: Problem) -> set[str]:
    return {r.setup for r in problem.reservations} | {f.setup for f in problem.fixed} | {""}


def _change_tables(resources: Sequence[Resource], setups: dict[str, int]) -> tuple[FloatArray, IntegerArray]:
    """One table per distinct ``setup_change_s``; a 1 x 1 table of 0 where no resource states any."""
    if not any(resource.setup_change_s for resource in resources):
        return np.zeros((1, len(setups), len(setups))), np.zeros(len(resources), dtype=np.int32)
    distinct: dict[tuple[tuple[tuple[str, str], float], ...], int] = {}
    table_of = np.zeros(len(resources), dtype=np.int32)
    for index, resource in enumerate(resources):
        key = tuple(sorted(resource.setup_change_s.items()))
        table_of[index] = distinct.setdefault(key, len(distinct))
    tables = np.zeros((len(distinct), len(setups), len(setups)))
    for key, number in distinct.items():
        for (before, after), seconds in key:
            if before in setups and after in setups:
                tables[number, setups[before], setups[after]] = seconds
    return tables, table_of


def _free_pieces(problem: Problem, *, with_fixed: bool) -> _Pieces:
    """Windows of all resources less fixed observations, sorted by resource and start."""
    rows: list[tuple[int, float, float]] = []
    for index, resource in enumerate(problem.resources):
        busy = sorted((f.start_s, f.end_s) for f in problem.fixed if with_fixed and f.resource == resource.id)
        windows = np.asarray(resource.windows, dtype=np.float64).reshape(-1, 2).tolist()
        rows.extend((index, a, b) for start, end in windows for a, b in _without(start, end, busy))
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return _Pieces(table[:, 0].astype(np.int32), table[:, 1].copy(), table[:, 2].copy())


def _without(start: float, end: float, busy: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """``[start, end)`` less sorted, possibly overlapping, busy intervals."""
    free: list[tuple[float, float]] = []
    for busy_start, busy_end in busy:
        if busy_end <= start or busy_start >= end:
            continue
        if busy_start > start:
            free.append((start, busy_start))
        start = max(start, busy_end)
    if start < end:
        free.append((start, end))
    return free


def _slabs(
    problem: Problem, pieces: _Pieces, tables: FloatArray, table_of: IntegerArray, setups: dict[str, int]
) -> tuple[IntegerArray, dict[str, np.ndarray]]:
    """Join neighbouring pieces that a gap may span; note what fixed observation comes before and after each slab."""
    reach = np.array([r.gap_s for r in problem.resources]) + tables[table_of].max(axis=(1, 2))
    fixed = {
        index: sorted(
            (f.start_s, f.end_s, setups[f.setup]) for f in problem.fixed if f.resource == problem.resources[index].id
        )
        for index in range(len(problem.resources))
    }
    piece_slab = np.zeros(len(pieces.start), dtype=np.int32)
    bounds: list[tuple[int, float, float]] = []
    for index in range(len(pieces.start)):
        owner, start, end = int(pieces.resource[index]), float(pieces.start[index]), float(pieces.end[index])
        if bounds and bounds[-1][0] == owner and start - bounds[-1][2] < reach[owner]:
            between = any(bounds[-1][2] <= f[0] and f[1] <= start for f in fixed[owner])
            if not between:
                bounds[-1] = (owner, bounds[-1][1], end)
                piece_slab[index] = len(bounds) - 1
                continue
        bounds.append((owner, start, end))
        piece_slab[index] = len(bounds) - 1
    before = [max((f for f in fixed[o] if f[1] <= a), default=(0.0, -np.inf, NOTHING), key=_end) for o, a, _ in bounds]
    after = [min((f for f in fixed[o] if f[0] >= b), default=(np.inf, 0.0, NOTHING)) for o, _, b in bounds]
    owners = np.array([owner for owner, _, _ in bounds], dtype=np.int32)
    return piece_slab, {
        "slab_open": np.array([start for _, start, _ in bounds], dtype=np.float64),
        "slab_close": np.array([end for _, _, end in bounds], dtype=np.float64),
        "slab_gap": np.array([problem.resources[owner].gap_s for owner in owners], dtype=np.float64),
        "slab_changes": table_of[owners],
        "slab_entry": np.array([f[1] for f in before], dtype=np.float64),
        "slab_entry_setup": np.array([f[2] for f in before], dtype=np.int32),
        "slab_exit": np.array([f[0] for f in after], dtype=np.float64),
        "slab_exit_setup": np.array([f[2] for f in after], dtype=np.int32),
    }


def _end(fixed: tuple[float, float, int]) -> float:
    return fixed[1]


class _Options(NamedTuple):
    reservation: IntegerArray
    piece: IntegerArray
    start: FloatArray
    latest: FloatArray


def _options(problem: Problem, pieces: _Pieces, duration: FloatArray) -> _Options:
    """All windows cut to the pieces they meet, sorted by reservation and piece; too short ones are left out."""
    windows = problem.windows
    first, count = _meeting(pieces, windows.resource, windows.start_s, windows.end_s)
    row = np.repeat(np.arange(len(first)), count)
    piece = first[row] + _position_in_run(count)
    owner = windows.reservation[row]
    start = np.maximum(windows.start_s[row], pieces.start[piece])
    latest = np.minimum(windows.end_s[row], pieces.end[piece]) - duration[owner]
    keep = np.flatnonzero(latest >= start)
    order = keep[np.lexsort((start[keep], piece[keep], owner[keep]))]
    return _Options(owner[order].astype(np.int32), piece[order].astype(np.int32), start[order], latest[order])


def _meeting(
    pieces: _Pieces, resource: IntegerArray, start: FloatArray, end: FloatArray
) -> tuple[np.ndarray, np.ndarray]:
    """The first piece, and how many, that overlap each window ``[start, end)`` of a resource."""
    if not len(pieces.start) or not len(start):
        return np.zeros(len(start), dtype=np.int64), np.zeros(len(start), dtype=np.int64)
    low = min(float(pieces.start.min()), float(start.min()))
    span = max(float(pieces.end.max()), float(end.max())) - low + 1.0
    # Times of different resources are laid one after the other, so that one sorted search serves all.
    first = np.searchsorted(pieces.resource * span + (pieces.end - low), resource * span + (start - low), side="right")
    last = np.searchsorted(pieces.resource * span + (pieces.start - low), resource * span + (end - low), side="left")
    return first, np.maximum(last - first, 0)


def _position_in_run(count: np.ndarray) -> np.ndarray:
    """0, 1, ... within each run of the given lengths, one after the other."""
    ends = np.cumsum(count)
    position: np.ndarray = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - count, count)
    return position


def _runs(sorted_keys: IntegerArray, count: int) -> IntegerArray:
    """Where the run of each key ``0..count - 1`` starts, and the end of the last."""
    first: IntegerArray = np.searchsorted(sorted_keys, np.arange(count + 1)).astype(np.int32)
    return first


def _units(
    problem: Problem,
) -> tuple[IntegerArray, IntegerArray, IntegerArray, IntegerArray, list[GroupKind | None]]:
    """Units with their members and one-of groups, and each reservation's kind of group."""
    position = {r.id: index for index, r in enumerate(problem.reservations)}
    unit_of = np.full(len(position), NOTHING, dtype=np.int32)
    kinds: list[GroupKind | None] = [None] * len(position)
    units: list[list[int]] = []
    choice: list[int] = []

    def add(members: list[int], one_of: int) -> None:
        unit_of[members] = len(units)
        units.append(members)
        choice.append(one_of)

    for number, group in enumerate(problem.groups):
        members = _positions(group, position)
        for member in members:
            kinds[member] = group.kind
        if group.kind is GroupKind.AND:
            add(members, NOTHING)
        else:
            for member in members:
                add([member], number if group.kind is GroupKind.ONEOF else NOTHING)
    for lonely in np.flatnonzero(unit_of == NOTHING).tolist():
        add([lonely], NOTHING)
    lengths = np.array([0, *(len(unit) for unit in units)])
    flat = np.array([member for unit in units for member in unit], dtype=np.int32)
    return unit_of, np.cumsum(lengths).astype(np.int32), flat, np.array(choice, dtype=np.int32), kinds


def _positions(group: Group, position: dict[Identifier, int]) -> list[int]:
    return [position[member] for member in group.members]


def _charges(problem: Problem) -> dict[str, np.ndarray]:
    position = {allocation.id: index for index, allocation in enumerate(problem.allocations)}
    rows = [
        (owner, position[name], seconds)
        for owner, reservation in enumerate(problem.reservations)
        for name, seconds in sorted(reservation.charges.items())
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return {
        "first_charge": _runs(table[:, 0].astype(np.int32), len(problem.reservations)),
        "charge_allocation": table[:, 1].astype(np.int32),
        "charge_seconds": table[:, 2].copy(),
        "allocation_limit": np.array([a.limit_s for a in problem.allocations], dtype=np.float64),
    }


def _partners(problem: Problem) -> dict[str, np.ndarray]:
    """Every distance rule twice, once from each side."""
    position = {r.id: index for index, r in enumerate(problem.reservations)} if problem.spacings else {}
    rows: list[tuple[float, ...]] = []
    for rule in problem.spacings:
        first, second, mirrored = position[rule.first], position[rule.second], 0.0 if rule.ordered else 1.0
        rows.append((second, first, rule.minimum_s, rule.maximum_s, mirrored))
        low, high = (-rule.maximum_s, -rule.minimum_s) if rule.ordered else (rule.minimum_s, rule.maximum_s)
        rows.append((first, second, low, high, mirrored))
    table = np.array(sorted(rows), dtype=np.float64).reshape(-1, 5)
    return {
        "first_partner": _runs(table[:, 0].astype(np.int32), len(problem.reservations)),
        "partner": table[:, 1].astype(np.int32),
        "partner_low": table[:, 2].copy(),
        "partner_high": table[:, 3].copy(),
        "partner_mirrored": table[:, 4].astype(np.int32),
    }


def _least_gaps(
    problem: Problem, pieces: _Pieces, tables: FloatArray, table_of: IntegerArray, model: Model
) -> FloatArray:
    """What every observation of a piece must at least keep after it (setups in use only)."""
    used = np.unique(model.setup)
    least = np.array([tables[table][np.ix_(used, used)].min() if len(used) else 0.0 for table in table_of])
    gaps = np.array([resource.gap_s for resource in problem.resources]) + least
    return gaps[pieces.resource] if len(gaps) else np.zeros(0)


def _slab_capacity(model: Model, slabs: int) -> int:
    """A bound on the observations of any slab: its span over its shortest duration."""
    if not len(model.option_slab):
        return 1
    first = np.full(slabs, np.inf)
    last = np.full(slabs, -np.inf)
    shortest = np.full(slabs, np.inf)
    duration = model.duration[model.option_reservation]
    np.minimum.at(first, model.option_slab, model.option_start)
    np.maximum.at(last, model.option_slab, model.option_latest + duration)
    np.minimum.at(shortest, model.option_slab, duration)
    used = np.isfinite(first)
    fits = np.floor((last[used] - first[used]) / (shortest[used] + model.slab_gap[used]) + 1e-9).astype(np.int64) + 1
    reservations = np.bincount(model.option_slab, minlength=slabs)[used]
    return int(np.minimum(fits, reservations).max()) + 1


def _window_history(problem: Problem, model: Model, duration: FloatArray) -> IntegerArray:
    """How far each reservation's windows got on the way to being options."""
    history = np.zeros(len(duration), dtype=np.int32)
    history[problem.windows.reservation] = 1
    if problem.fixed:
        unblocked = _options(problem, _free_pieces(problem, with_fixed=False), duration)
        history[unblocked.reservation] = 2
    history[model.option_reservation] = 3
    return history
