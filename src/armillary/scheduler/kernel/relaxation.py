"""The assignment relaxation: prices of time and a true upper bound.

Forget *when* within a piece an observation runs; keep that a piece has only so much time. What is left is a linear
programme over (reservation, piece) with one capacity row per piece, tightened by energetic cuts for spans of pieces
(:mod:`~armillary.scheduler.kernel.energy`) and one row per allocation. Every feasible schedule satisfies it.

An option that can start only within a time not much longer than itself is taken apart into *parts*: the same option
with a fraction of its starts. A part must be running at some time whatever its start, which no other can share; for
narrow windows that, and not the time there is in all, is what limits a schedule.

The bound reported is not the solver's objective but the Lagrangian value of its prices, computed here: for *any*
non-negative prices it is a bound, whatever the solver's tolerances or however early it was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from armillary.scheduler.kernel.energy import Cut, energies
from armillary.scheduler.kernel.model import NOTHING, Compilation
from armillary.scheduler.kernel.problem import FloatArray, GroupKind, IntegerArray
from armillary.scheduler.kernel.rules import Clique, Link, Uses, clique_parts, uses_of

Row = Cut | Link | Clique
"""A row of the programme that is added when a solution breaks it."""

_NARROW = 1.0
"""Options are taken apart if their starts span no more than this share of their duration."""
_MANY_NARROW = 0.25
"""Share of reservations with such options from which on taking them apart is worth its time."""
_PARTS = (32, 16, 8, 4, 2, 1)
"""Parts per duration: the most of these by which there are not many parts in all."""
_MOST_PER_OPTION, _FEW_PARTS = 12, 5000
"""This many parts for each option, and a few more, are not many."""


@dataclass(slots=True)
class Prices:
    """What a second costs: per piece, per cut and per allocation (all >= 0)."""

    piece: FloatArray
    cut: FloatArray
    allocation: FloatArray


@dataclass(slots=True)
class Relaxation:
    """The rows of the linear programme, and what prices mean for options."""

    compilation: Compilation
    cuts: list[Row] = field(default_factory=list)
    cut_parts: list[tuple[IntegerArray, FloatArray]] = field(default_factory=list)
    """Per cut: the parts in it, and what each counts (for a span of time: its least seconds inside)."""
    uses: Uses = field(init=False)
    first_part: IntegerArray = field(init=False)
    """Runs of parts by reservation."""
    first_of_option: IntegerArray = field(init=False)
    """Runs of parts by option."""
    reservation: IntegerArray = field(init=False)
    """By part, as all that follows but where said."""
    piece: IntegerArray = field(init=False)
    start: FloatArray = field(init=False)
    """Earliest start."""
    latest: FloatArray = field(init=False)
    """Latest start."""
    length: FloatArray = field(init=False)
    """Seconds it takes from its piece, the least gap after it included."""
    value: FloatArray = field(init=False)
    by_piece: IntegerArray = field(init=False)
    """Parts sorted by piece."""
    first_in_piece: IntegerArray = field(init=False)
    capacity: FloatArray = field(init=False)
    """By piece: seconds, one least gap (after the last observation) and one use of a set-up included."""

    def __post_init__(self) -> None:
        model = self.compilation.model
        option = self._take_apart()
        self.reservation, self.piece = model.option_reservation[option], model.option_piece[option]
        self.first_part = self.first_of_option[model.first_option]
        gap = self.compilation.piece_gap
        self.length = model.duration[self.reservation] + gap[self.piece]
        self.value = model.value[self.reservation]
        self.by_piece = np.argsort(self.piece, kind="stable").astype(np.int32)
        pieces = len(self.compilation.piece_start)
        self.first_in_piece = np.searchsorted(self.piece[self.by_piece], np.arange(pieces + 1)).astype(np.int32)
        self.uses = uses_of(self.compilation)
        self.capacity = self.compilation.piece_end - self.compilation.piece_start + gap + self.uses.first_free(pieces)

    def _take_apart(self) -> IntegerArray:
        """Set the runs and the starts of the parts; their options."""
        model = self.compilation.model
        slack = model.option_latest - model.option_start
        duration = model.duration[model.option_reservation]
        is_narrow = slack <= _NARROW * duration
        share = np.where(is_narrow, slack / duration, 0.0)
        count = np.ones(len(slack), dtype=np.int32)
        narrow = np.count_nonzero(np.bincount(model.option_reservation[is_narrow], minlength=len(model.duration)))
        for parts in _PARTS if narrow > _MANY_NARROW * len(model.duration) else ():
            count = np.maximum(np.ceil(share * parts), 1).astype(np.int32)
            if count.sum() <= _MOST_PER_OPTION * len(count) + _FEW_PARTS:
                break
        self.first_of_option = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
        option: IntegerArray = np.repeat(np.arange(len(count)), count).astype(np.int32)
        position = np.arange(len(option)) - self.first_of_option[option]
        step = (slack / count)[option]
        self.start = model.option_start[option] + position * step
        self.latest = np.where(position == count[option] - 1, model.option_latest[option], self.start + step)
        return option

    def free_prices(self) -> Prices:
        """All time for nothing."""
        return Prices(
            np.zeros(len(self.capacity)),
            np.zeros(len(self.cuts)),
            np.zeros(len(self.compilation.model.allocation_limit)),
        )

    def parts_of_piece(self, piece: int) -> IntegerArray:
        """The parts in one piece."""
        return self.by_piece[self.first_in_piece[piece] : self.first_in_piece[piece + 1]]

    def add_cut(self, cut: Row) -> None:
        """Take a span of a piece's time, a change of set-up or a distance rule into account."""
        self.cuts.append(cut)
        self.cut_parts.append(self.parts_in(cut))

    def parts_in(self, cut: Row) -> tuple[IntegerArray, FloatArray]:
        """The parts in a cut, and what each counts."""
        if isinstance(cut, Cut):
            parts = self.parts_of_piece(cut.piece)
            energy = energies(self.start[parts], self.latest[parts], self.length[parts], cut)
            return parts[energy > 0.0], energy[energy > 0.0]
        if isinstance(cut, Link):
            parts = np.arange(self.first_of_option[cut.option], self.first_of_option[cut.option + 1], dtype=np.int32)
        else:
            parts = clique_parts(cut, self.compilation.model, self.first_part, self.start, self.latest)
        return parts, np.ones(len(parts))

    def option_cost(self, prices: Prices) -> FloatArray:
        """By option: the price of what it takes (time and allocations) where it is cheapest."""
        return -self.best_of_option(-self.part_cost(prices))

    def best_of_option(self, by_part: FloatArray) -> FloatArray:
        """By option: the largest of its parts."""
        return np.maximum.reduceat(by_part, self.first_of_option[:-1]) if len(by_part) else by_part

    def sum_of_option(self, by_part: FloatArray) -> FloatArray:
        """By option: the sum of its parts."""
        return np.add.reduceat(by_part, self.first_of_option[:-1]) if len(by_part) else by_part

    def part_cost(self, prices: Prices) -> FloatArray:
        """By part: the price of what it takes (time and allocations)."""
        cost: FloatArray = self.length * prices.piece[self.piece]
        # Prices found before the last cuts were made have none for them: those cuts cost nothing then.
        for price, (parts, energy) in zip(prices.cut.tolist(), self.cut_parts, strict=False):
            if price > 0.0:
                cost[parts] += price * energy
        if len(prices.allocation):
            cost += self._charge_cost(prices)[self.reservation]
        return cost

    def _charge_cost(self, prices: Prices) -> FloatArray:
        model = self.compilation.model
        owner = np.repeat(np.arange(len(model.duration)), np.diff(model.first_charge))
        charged: FloatArray = model.charge_seconds * prices.allocation[model.charge_allocation]
        cost: FloatArray = np.bincount(owner, weights=charged, minlength=len(model.duration)).astype(np.float64)
        return cost

    def bound(self, prices: Prices, margin: FloatArray) -> float:
        """The Lagrangian bound: what the time is worth, plus what each unit gains over its cheapest option.

        Args:
            prices: any non-negative prices.
            margin: by part, value less cost at these prices.
        """
        model = self.compilation.model
        worth: float = float(self.capacity @ prices.piece) + float(model.allocation_limit @ prices.allocation)
        worth += float(prices.cut @ np.array([cut.capacity for cut in self.cuts[: len(prices.cut)]]))
        worth += float(np.maximum(self._use_gain(prices), 0.0).sum())
        gains = self.unit_gain(best_by_reservation(self.first_part, margin))
        lone = model.unit_choice == NOTHING
        worth += float(np.maximum(gains[lone], 0.0).sum())
        if not lone.all():
            best = np.zeros(int(model.unit_choice.max()) + 1)
            np.maximum.at(best, model.unit_choice[~lone], gains[~lone])
            worth += float(best.sum())
        return worth

    def _use_gain(self, prices: Prices) -> FloatArray:
        """By use of a set-up: what its options pay for it, less the price of the time that changing to it takes."""
        gain: FloatArray = -self.uses.seconds * prices.piece[self.uses.piece]
        for price, cut in zip(prices.cut.tolist(), self.cuts, strict=False):
            if isinstance(cut, Link):
                gain[cut.use] += price
        return gain

    def unit_gain(self, best_margin: FloatArray) -> FloatArray:
        """By unit: the sum of its members' best margins; minus infinity if a member has no option."""
        model = self.compilation.model
        if not len(model.member):
            return np.zeros(0)
        gain: FloatArray = np.add.reduceat(best_margin[model.member], model.first_member[:-1])
        return gain


def best_by_reservation(first: IntegerArray, margin: FloatArray) -> FloatArray:
    """The largest margin of each reservation's run of options or parts; minus infinity where it has none."""
    best = np.full(len(first) - 1, -np.inf)
    some = np.flatnonzero(np.diff(first))
    if len(some):
        best[some] = np.maximum.reduceat(margin, first[some])
    return best


@dataclass(frozen=True, slots=True)
class ChoiceRows:
    """The "at most once" rows: one per reservation or one-of group; all-of members equal the first one's row."""

    row: IntegerArray
    """By reservation: the row it counts in."""
    lower: FloatArray
    upper: FloatArray
    followers: Sequence[IntegerArray]
    """By reservation: rows in which it counts -1 (the first member of an all-of group, against the others)."""


def choice_rows(compilation: Compilation) -> ChoiceRows:
    """Rows for groups, so that the programme's choice is at most one option each."""
    model = compilation.model
    row = np.arange(len(model.duration), dtype=np.int32)
    upper = np.ones(len(row))
    nobody = np.zeros(0, dtype=np.int32)
    followers: list[IntegerArray] = [nobody] * len(row)
    first_of_choice: dict[int, int] = {}
    for unit in range(len(model.unit_choice)):
        members = model.member[model.first_member[unit] : model.first_member[unit + 1]]
        choice = int(model.unit_choice[unit])
        if choice != NOTHING:
            row[members[0]] = first_of_choice.setdefault(choice, int(members[0]))
        elif compilation.group_kind[members[0]] is GroupKind.AND:
            followers[members[0]] = members[1:]
            upper[members[1:]] = 0.0
    return ChoiceRows(row, np.where(upper == 0.0, 0.0, -np.inf), upper, followers)
