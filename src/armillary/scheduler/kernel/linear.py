"""Solving the assignment relaxation: HiGHS on few columns at a time (sifting), energetic cuts as they are violated.

Most of the (reservation, piece) columns never matter. The programme starts with those that look best at guessed
prices; columns that its own prices show to be worth having are added, and so are cuts, until the Lagrangian bound meets
the programme's value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import highspy
import numpy as np
import numpy.typing as npt

from armillary.scheduler.kernel.energy import Cut, crowded_instants, most_violated
from armillary.scheduler.kernel.model import NOTHING
from armillary.scheduler.kernel.pricing import TEMPERATURE, guess_prices, is_cool
from armillary.scheduler.kernel.problem import FloatArray, IntegerArray
from armillary.scheduler.kernel.relaxation import ChoiceRows, Prices, Relaxation, Row, best_by_reservation, choice_rows
from armillary.scheduler.kernel.rules import Link, broken_cliques, broken_links

_DUAL, _PRIMAL = 1, 4
"""HiGHS's numbers of the simplex methods."""
_MANY_COLUMNS = 50_000
_FIRST_COLUMNS = 2
"""Columns per reservation to start with."""
_MORE_COLUMNS = 3
"""Columns per reservation added in a round."""
_WHOLE_GAP, _MOST_WHOLE = 1e-3, 300
"""How near the best whole set-ups are wanted, and for how many of them at most that is tried."""
_ENOUGH = 1e-7
"""Sifting ends when the bound is within this share of the programme's value."""
_TIGHT = 0.5
"""Pieces filled less than this are not searched for cuts."""
_VIOLATION = 1e-3
"""A cut is added if more than this share of its time is oversold."""
_MOST_ROUNDS = 200
_COOL, _COOL_COLUMNS = 0.003, 4
"""Temperature at which the first columns are drawn, and how many, where prices are known well."""


@dataclass(frozen=True, slots=True)
class Bounding:
    """What the relaxation taught."""

    prices: Prices
    bound: float
    margin: FloatArray
    """By option (while it is being found: by part): value less cost at the prices (the reduced cost)."""
    share: FloatArray
    """By option (by part): how much of it the programme chooses."""
    columns: int = 0
    rounds: int = 0
    used: FloatArray | None = None
    """By use of a set-up: 1 where it is well used, else 0; None if that was not found out."""


class Solution(NamedTuple):
    """What the programme answers."""

    prices: Prices
    share: FloatArray
    """By part: how much of it is chosen."""
    used: FloatArray
    """By use of a set-up: how much it is used."""
    value: float


class Programme:
    """The linear programme over the columns admitted so far."""

    def __init__(self, relaxation: Relaxation) -> None:
        self._relaxation = relaxation
        self._rows: ChoiceRows = choice_rows(relaxation.compilation)
        model = relaxation.compilation.model
        self._choices = len(model.duration)
        self._pieces = len(relaxation.capacity)
        self._column_of = np.full(len(relaxation.start), NOTHING, dtype=np.int64)
        self.columns = np.zeros(0, dtype=np.int64)
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]
        self._highs.setOptionValue("output_flag", False)  # noqa: FBT003 - HiGHS's own signature
        self._highs.setOptionValue("threads", 1)
        self._has_new_rows = False
        self._highs.changeObjectiveSense(highspy.ObjSense.kMaximize)
        upper = np.concatenate([self._rows.upper, relaxation.capacity, model.allocation_limit])
        lower = np.concatenate([self._rows.lower, np.full(len(upper) - self._choices, -np.inf)])
        empty = np.zeros(0, dtype=np.int32)
        self._highs.addRows(len(upper), lower, upper, 0, np.zeros(len(upper), dtype=np.int32), empty, np.zeros(0))
        uses = relaxation.uses
        self._uses = len(uses.piece)
        self._highs.addCols(
            self._uses,
            np.zeros(self._uses),
            np.zeros(self._uses),
            np.ones(self._uses),
            self._uses,
            np.arange(self._uses, dtype=np.int32),
            (self._choices + uses.piece).astype(np.int32),
            uses.seconds,
        )

    def admit(self, parts: np.ndarray) -> int:
        """Add the columns of those parts that are not in yet; how many."""
        parts = np.unique(parts)
        parts = parts[self._column_of[parts] == NOTHING]
        count = len(parts)
        if not count:
            return 0
        self._column_of[parts] = self._uses + len(self.columns) + np.arange(count)
        self.columns = np.concatenate([self.columns, parts])
        column, row, weight = self._entries(parts)
        order = np.lexsort((row, column))
        starts = np.searchsorted(column[order], np.arange(count)).astype(np.int32)
        self._highs.addCols(
            count,
            self._relaxation.value[parts],
            np.zeros(count),
            np.full(count, np.inf),
            len(order),
            starts,
            row[order].astype(np.int32),
            weight[order],
        )
        return count

    def is_admitted(self) -> npt.NDArray[np.bool_]:
        """By part: whether it has a column."""
        admitted: npt.NDArray[np.bool_] = self._column_of != NOTHING
        return admitted

    def _entries(self, added: np.ndarray) -> tuple[np.ndarray, np.ndarray, FloatArray]:
        """(column counted from 0, row, coefficient) of new columns."""
        model = self._relaxation.compilation.model
        owner = self._relaxation.reservation[added]
        local = np.arange(len(added))
        parts: list[tuple[np.ndarray, np.ndarray, FloatArray]] = [
            (local, self._rows.row[owner], np.ones(len(added))),
            (local, self._choices + self._relaxation.piece[added], self._relaxation.length[added]),
        ]
        for column, reservation in enumerate(owner.tolist()):
            followers = self._rows.followers[reservation]
            if len(followers):
                parts.append((np.full(len(followers), column), followers, np.full(len(followers), -1.0)))
            run = slice(model.first_charge[reservation], model.first_charge[reservation + 1])
            if run.start < run.stop:
                rows = self._choices + self._pieces + model.charge_allocation[run]
                parts.append((np.full(len(rows), column), rows, model.charge_seconds[run]))
        first_cut = self._choices + self._pieces + len(model.allocation_limit)
        position = np.full(len(self._column_of), NOTHING, dtype=np.int64)
        position[added] = local
        for number, (members, energy) in enumerate(self._relaxation.cut_parts):
            inside = position[members] != NOTHING
            columns = position[members[inside]]
            parts.append((columns, np.full(len(columns), first_cut + number), energy[inside]))
        return (
            np.concatenate([part[0] for part in parts]),
            np.concatenate([part[1] for part in parts]),
            np.concatenate([part[2] for part in parts]),
        )

    def add_cut(self, cut: Row) -> None:
        """Add a cut to the relaxation and its row to the programme."""
        self._relaxation.add_cut(cut)
        self._add_row(cut, *self._relaxation.cut_parts[-1])

    def _add_row(self, cut: Row, parts: IntegerArray, energy: FloatArray) -> None:
        self._has_new_rows = True
        column = self._column_of[parts]
        inside = column != NOTHING
        columns, weights = column[inside].astype(np.int32), energy[inside]
        if isinstance(cut, Link):
            columns, weights = np.append(columns, np.int32(cut.use)), np.append(weights, -1.0)
        self._highs.addRow(-np.inf, cut.capacity, len(columns), columns, weights)

    def whole_uses(self, time_limit_s: float) -> FloatArray | None:
        """Which set-ups to use in which piece, each wholly or not at all; None if that takes too long.

        The programme is of no use afterwards.
        """
        relaxation = self._relaxation
        known = {cut.option for cut in relaxation.cuts if isinstance(cut, Link)}
        admitted = relaxation.sum_of_option(self.is_admitted().astype(np.float64)) > 0.0
        for option in np.flatnonzero(admitted & (relaxation.uses.of_option != NOTHING)).tolist():
            if option not in known:
                link = Link(option, int(relaxation.uses.of_option[option]))
                self._add_row(link, *relaxation.parts_in(link))
        for use in range(self._uses):
            self._highs.changeColIntegrality(use, highspy.HighsVarType.kInteger)
        self._highs.setOptionValue("mip_rel_gap", _WHOLE_GAP)
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + max(time_limit_s, 0.001))
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        used: FloatArray = np.round(np.array(self._highs.getSolution().col_value)[: self._uses])
        return used

    def solve(self, time_limit_s: float) -> Solution | None:
        """None if the solver was stopped or failed."""
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + max(time_limit_s, 0.001))
        # The basis stays feasible for the primal when columns are added, for the dual when rows are; of very many
        # columns the primal is the quicker one all the same.
        is_dual = self._has_new_rows and len(self.columns) < _MANY_COLUMNS
        self._highs.setOptionValue("simplex_strategy", _DUAL if is_dual else _PRIMAL)
        self._has_new_rows = False
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = self._highs.getSolution()
        dual = np.maximum(np.array(solution.row_dual), 0.0)
        a, b = self._choices, self._choices + self._pieces
        c = b + len(self._relaxation.compilation.model.allocation_limit)
        chosen = np.array(solution.col_value)
        share = np.zeros(len(self._column_of))
        share[self.columns] = chosen[self._uses :]
        prices = Prices(dual[a:b], dual[c:], dual[b:c])
        return Solution(prices, share, chosen[: self._uses], float(self._highs.getInfo().objective_function_value))


def bound_problem(
    relaxation: Relaxation,
    known: FloatArray | None,
    seed: int,
    remaining_s: Callable[[], float],
    most_rounds: int = _MOST_ROUNDS,
    *,
    whole: bool = True,
) -> Bounding:
    """Prices and a bound, as good as the time allows (with no time at all: everything for nothing).

    Args:
        relaxation: without cuts; they are added to it.
        known: prices per piece from an earlier, similar problem; guessed if None.
        seed: for the sample of first columns.
        remaining_s: seconds left; not above 0 means stop.
        most_rounds: after which it ends in any case.
        whole: whether to find out which set-ups are used where, if there is time for it.
    """
    value = relaxation.value
    prices = relaxation.free_prices()
    best = Bounding(prices, relaxation.bound(prices, value), value, np.zeros(len(value)))
    if not len(value) or remaining_s() <= 0.0:
        return _by_option(best, relaxation)
    prices = replace(prices, piece=guess_prices(relaxation) if known is None else known)
    best = _better(best, relaxation, prices)
    is_known_well = known is None and is_cool(relaxation)
    temperature = (_COOL if is_known_well else TEMPERATURE) * value
    noise = np.random.default_rng(seed).gumbel(size=len(value))
    programme = Programme(relaxation)
    start_margin = value - relaxation.part_cost(prices)
    count = _COOL_COLUMNS if is_known_well else _FIRST_COLUMNS
    programme.admit(top_options(relaxation.first_part, start_margin + temperature * noise, count))
    for number in range(1, most_rounds + 1):
        solution = programme.solve(remaining_s()) if remaining_s() > 0.0 else None
        if solution is None:
            break
        counted = replace(best, share=solution.share, columns=len(programme.columns), rounds=number)
        best = _better(counted, relaxation, solution.prices)
        if not _refine(programme, relaxation, solution, best.bound):
            break
    if whole and 0 < len(relaxation.uses.piece) <= _MOST_WHOLE and remaining_s() > 0.0:
        best = replace(best, used=programme.whole_uses(remaining_s()))
    return _by_option(best, relaxation)


def _by_option(best: Bounding, relaxation: Relaxation) -> Bounding:
    """What was found by part, by option; the last cuts, made after the prices, cost nothing."""
    cut = np.concatenate([best.prices.cut, np.zeros(len(relaxation.cuts) - len(best.prices.cut))])
    return replace(
        best,
        prices=replace(best.prices, cut=cut),
        margin=relaxation.best_of_option(best.margin),
        share=relaxation.sum_of_option(best.share),
    )


def _better(best: Bounding, relaxation: Relaxation, prices: Prices) -> Bounding:
    """With these prices instead, if the bound is as tight at them."""
    margin = relaxation.value - relaxation.part_cost(prices)
    bound = relaxation.bound(prices, margin)
    if bound > best.bound * (1.0 + _ENOUGH):
        return best
    return replace(best, prices=prices, bound=min(bound, best.bound), margin=margin)


def _refine(programme: Programme, relaxation: Relaxation, solution: Solution, bound: float) -> bool:
    """Admit columns that the prices show to be missing; if none are, cuts that the shares violate. Whether any were."""
    model = relaxation.compilation.model
    if bound - solution.value > _ENOUGH * max(1.0, float(model.value.max())):
        margin = relaxation.value - relaxation.part_cost(solution.prices)
        inside = np.where(programme.is_admitted(), margin, -np.inf)
        offered = best_by_reservation(relaxation.first_part, inside)
        is_alone = np.diff(model.first_member)[model.unit_of] == 1
        # A member of an all-of group may be worth having at a loss, for the others.
        offered[is_alone] = np.maximum(offered[is_alone], 0.0)
        missing = margin - offered[relaxation.reservation]
        missing[missing <= 1e-9 * relaxation.value] = -np.inf
        if programme.admit(top_options(relaxation.first_part, missing, _MORE_COLUMNS)):
            return True
    cuts = separate(relaxation, solution)
    for cut in cuts:
        programme.add_cut(cut)
    return bool(cuts)


def top_options(first_option: IntegerArray, score: FloatArray, count: int) -> np.ndarray:
    """Each reservation's ``count`` options of highest score; those of minus infinity are none."""
    left, found = score.copy(), [np.zeros(0, dtype=np.int64)]
    owner = np.repeat(np.arange(len(first_option) - 1), np.diff(first_option))
    for _ in range(count):
        best = best_by_reservation(first_option, left)
        ties = np.flatnonzero((left == best[owner]) & (left > -np.inf))
        options = ties[np.diff(owner[ties], prepend=-1) > 0]
        left[options] = -np.inf
        found.append(options)
    return np.concatenate(found)


def separate(relaxation: Relaxation, solution: Solution) -> list[Row]:
    """The rows that a solution breaks: of crowded times, changes of set-up and distance rules."""
    by_option = relaxation.sum_of_option(solution.share)
    found: list[Row] = [*crowded_times(relaxation, solution.share)]
    found += broken_links(relaxation.uses, by_option, solution.used)
    found += broken_cliques(
        relaxation.compilation.model, relaxation.first_part, relaxation.start, relaxation.latest, solution.share
    )
    known = set(relaxation.cuts)
    return [row for row in found if row not in known]


def crowded_times(relaxation: Relaxation, share: FloatArray) -> list[Cut]:
    """For every piece that is nearly full, the cut that the shares violate most, and those for crowded instants."""
    load = np.bincount(relaxation.piece, weights=share * relaxation.length, minlength=len(relaxation.capacity))
    cuts: list[Cut] = []
    for piece in np.flatnonzero(load > _TIGHT * relaxation.capacity).tolist():
        parts = relaxation.parts_of_piece(piece)
        parts = parts[share[parts] > 1e-6]
        start, end = float(relaxation.compilation.piece_start[piece]), float(relaxation.compilation.piece_end[piece])
        oversold, t1, t2 = most_violated(
            relaxation.start[parts],
            relaxation.latest[parts],
            relaxation.length[parts],
            share[parts],
            start,
            end + float(relaxation.compilation.piece_gap[piece]),
        )
        if oversold > _VIOLATION * (t2 - t1):
            cuts.append(Cut(piece, float(t1), float(t2)))
        cuts += crowded_instants(
            piece, relaxation.latest[parts], relaxation.start[parts] + relaxation.length[parts], share[parts]
        )
    return cuts
