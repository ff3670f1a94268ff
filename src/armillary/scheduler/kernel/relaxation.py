"""The assignment relaxation: prices of time and a true upper bound.

Forget *when* within a piece an observation runs; keep that a piece has only so much time. What is left is a linear
programme over (reservation, piece) with one capacity row per piece, tightened by energetic cuts for parts of pieces
(:mod:`~armillary.scheduler.kernel.energy`) and one row per allocation. Every feasible schedule satisfies it.

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
    cuts: list[Cut] = field(default_factory=list)
    cut_options: list[tuple[IntegerArray, FloatArray]] = field(default_factory=list)
    """Per cut: the options in it, and their least seconds inside it."""
    by_piece: IntegerArray = field(init=False)
    """Options sorted by piece."""
    first_in_piece: IntegerArray = field(init=False)
    length: FloatArray = field(init=False)
    """By option: seconds it takes from its piece, the least gap after it included."""
    capacity: FloatArray = field(init=False)
    """By piece: seconds, one least gap (after the last observation) included."""

    def __post_init__(self) -> None:
        model = self.compilation.model
        self.by_piece = np.argsort(model.option_piece, kind="stable").astype(np.int32)
        pieces = len(self.compilation.piece_start)
        self.first_in_piece = np.searchsorted(model.option_piece[self.by_piece], np.arange(pieces + 1)).astype(np.int32)
        gap = self.compilation.piece_gap
        self.length = model.duration[model.option_reservation] + gap[model.option_piece]
        self.capacity = self.compilation.piece_end - self.compilation.piece_start + gap

    def free_prices(self) -> Prices:
        """All time for nothing."""
        return Prices(
            np.zeros(len(self.capacity)),
            np.zeros(len(self.cuts)),
            np.zeros(len(self.compilation.model.allocation_limit)),
        )

    def options_of_piece(self, piece: int) -> IntegerArray:
        """The options in one piece."""
        return self.by_piece[self.first_in_piece[piece] : self.first_in_piece[piece + 1]]

    def add_cut(self, cut: Cut) -> None:
        """Take part of a piece's time into account separately."""
        model = self.compilation.model
        options = self.options_of_piece(cut.piece)
        energy = energies(model.option_start[options], model.option_latest[options], self.length[options], cut)
        inside = energy > 0.0
        self.cuts.append(cut)
        self.cut_options.append((options[inside], energy[inside]))

    def option_cost(self, prices: Prices) -> FloatArray:
        """By option: the price of what it takes (time and allocations)."""
        model = self.compilation.model
        cost: FloatArray = self.length * prices.piece[model.option_piece]
        # Prices found before the last cuts were made have none for them: those cuts cost nothing then.
        for price, (options, energy) in zip(prices.cut.tolist(), self.cut_options, strict=False):
            if price > 0.0:
                cost[options] += price * energy
        if len(prices.allocation):
            cost += self._charge_cost(prices)[model.option_reservation]
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
            margin: by option, value less cost at these prices.
        """
        model = self.compilation.model
        worth: float = float(self.capacity @ prices.piece) + float(model.allocation_limit @ prices.allocation)
        worth += float(prices.cut @ np.array([cut.capacity for cut in self.cuts[: len(prices.cut)]]))
        gains = self.unit_gain(best_by_reservation(model.first_option, margin))
        lone = model.unit_choice == NOTHING
        worth += float(np.maximum(gains[lone], 0.0).sum())
        if not lone.all():
            best = np.zeros(int(model.unit_choice.max()) + 1)
            np.maximum.at(best, model.unit_choice[~lone], gains[~lone])
            worth += float(best.sum())
        return worth

    def unit_gain(self, best_margin: FloatArray) -> FloatArray:
        """By unit: the sum of its members' best margins; minus infinity if a member has no option."""
        model = self.compilation.model
        if not len(model.member):
            return np.zeros(0)
        gain: FloatArray = np.add.reduceat(best_margin[model.member], model.first_member[:-1])
        return gain


def best_by_reservation(first_option: IntegerArray, margin: FloatArray) -> FloatArray:
    """The largest margin of each reservation's options; minus infinity where it has none."""
    best = np.full(len(first_option) - 1, -np.inf)
    some = np.flatnonzero(np.diff(first_option))
    if len(some):
        best[some] = np.maximum.reduceat(margin, first_option[some])
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
