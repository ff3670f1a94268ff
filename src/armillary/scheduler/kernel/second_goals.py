"""The second goals of a plan: who wants what, and the exchanges that make shares fairer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from armillary.scheduler.kernel.model import NOTHING, Compilation
from armillary.scheduler.kernel.placing import Workspace
from armillary.scheduler.kernel.problem import Entry, FloatArray, IntegerArray, Preference, Problem
from armillary.scheduler.kernel.refining import Wishes, improve
from armillary.scheduler.kernel.search import Record, make_record
from armillary.scheduler.kernel.timeline import Timeline

_MOST_EXCHANGES = 300
"""Most exchanges tried for fairness."""


def pursue(
    problem: Problem,
    compilation: Compilation,
    timeline: Timeline,
    work: Workspace,
    record: Record,
    entries: Sequence[Entry],
) -> Record:
    """The record of a plan worth as much as that of ``record``, whose schedule is ``entries``, and better otherwise."""
    position = {each.id: index for index, each in enumerate(problem.reservations)}
    wishes = _wishes(problem, compilation, position)
    in_time = sorted(entries, key=lambda entry: entry.start_s)
    order = np.array([position[entry.reservation] for entry in in_time], dtype=np.int32)
    improve(compilation.model, timeline, work, record, wishes, order, NOTHING, NOTHING)
    _Fairness(problem, compilation, timeline, work, record, wishes).improve()
    return make_record(timeline, float(record.number.max()))


def _wishes(problem: Problem, compilation: Compilation, position: dict[int | str, int]) -> Wishes:
    reservations = len(problem.reservations)
    option, start = np.full(reservations, NOTHING, dtype=np.int32), np.zeros(reservations)
    place = {each.id: index for index, each in enumerate(problem.resources)}
    for entry, found in zip(problem.published, published_options(problem, compilation).tolist(), strict=True):
        if found != NOTHING:
            index = position[entry.reservation]
            option[index], start[index] = found, entry.start_s
    worst = np.full(reservations, -np.inf)
    for preference in problem.preferences:
        index = position[preference.reservation]
        worst[index] = max(worst[index], float(np.max(preference.cost)))
    first, times, costs = _samples(compilation, problem, position, place)
    return Wishes(option, start, first, times, costs, worst, np.zeros(reservations, dtype=np.bool_))


def _samples(
    compilation: Compilation, problem: Problem, position: dict[int | str, int], place: dict[str, int]
) -> tuple[IntegerArray, FloatArray, FloatArray]:
    """The samples of the preferences by option."""
    model = compilation.model
    known: dict[tuple[int, int], Preference] = {
        (position[each.reservation], place[each.resource]): each for each in problem.preferences
    }
    count = np.zeros(len(model.option_start), dtype=np.int32)
    times, costs = [np.zeros(0)], [np.zeros(0)]
    for owner in sorted({owner for owner, _ in known}):
        for option in range(model.first_option[owner], model.first_option[owner + 1]):
            found = known.get((owner, int(compilation.piece_resource[model.option_piece[option]])))
            if found is not None:
                count[option] = len(found.time_s)
                times.append(np.asarray(found.time_s, dtype=np.float64))
                costs.append(np.asarray(found.cost, dtype=np.float64))
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
    return first, np.concatenate(times), np.concatenate(costs)


def published_options(problem: Problem, compilation: Compilation) -> IntegerArray:
    """By published entry: the option of its reservation, on its resource, that contains its start; NOTHING if none."""
    model = compilation.model
    position = {each.id: index for index, each in enumerate(problem.reservations)}
    place = {each.id: index for index, each in enumerate(problem.resources)}
    rows = np.array(
        [
            (number, position[entry.reservation], place[entry.resource], entry.start_s)
            for number, entry in enumerate(problem.published)
            if entry.reservation in position and entry.resource in place
        ],
        dtype=np.float64,
    ).reshape(-1, 4)
    owner = rows[:, 1].astype(np.int64)
    first = model.first_option[owner].astype(np.int64)
    count = model.first_option[owner + 1] - first
    row = np.repeat(np.arange(len(rows)), count)
    option = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + first[row]
    start = rows[row, 3]
    inside = (model.option_start[option] - 1e-6 <= start) & (start <= model.option_latest[option] + 1e-6)
    inside &= compilation.piece_resource[model.option_piece[option]] == rows[row, 2]
    found = np.full(len(problem.published), NOTHING, dtype=np.int32)
    last_first = np.flatnonzero(inside)[::-1]  # where several contain it, the first is written last
    found[rows[row[last_first], 0].astype(np.int64)] = option[last_first]
    return found


@dataclass(frozen=True, slots=True)
class _Fairness:
    """Exchanges between parties of one rank, of reservations of the very same value."""

    problem: Problem
    compilation: Compilation
    timeline: Timeline
    work: Workspace
    record: Record
    wishes: Wishes

    def improve(self) -> None:
        """Exchange as long as the shares of the parties come closer by it."""
        ranks: dict[float, set[str]] = defaultdict(set)
        for each in self.problem.reservations:
            ranks[each.rank].add(each.party)
        alike: dict[tuple[float, float], list[int]] = defaultdict(list)
        for index, each in enumerate(self.problem.reservations):
            if len(ranks[each.rank]) > 1 and self._is_free(index):
                alike[each.rank, each.value].append(index)
        tries = _MOST_EXCHANGES
        shares = {rank: self._shares(rank) for rank in {rank for rank, _ in alike}}
        for (rank, _), members in sorted(alike.items()):
            if len(members) > 1 and tries > 0:
                tries -= self._exchange(*shares[rank], members, tries)

    def _is_free(self, index: int) -> bool:
        """Whether other goals do not hold it: alone, without preference, not where it was published."""
        model = self.compilation.model
        unit = int(model.unit_of[index])
        alone = model.first_member[unit + 1] - model.first_member[unit] == 1
        return bool(alone and self.wishes.worst[index] == -np.inf and not self.wishes.is_kept[index])

    def _exchange(self, asked: dict[str, float], granted: dict[str, float], members: Sequence[int], tries: int) -> int:
        """Exchange among reservations of one value, noting in ``granted`` what each party then has; how many tries."""
        model, tried = self.compilation.model, 0
        nobody = np.zeros(0, dtype=np.int32)
        for joining in members:
            for leaving in members:
                if self._is_placed(joining) or not self._is_placed(leaving):
                    continue
                after = self._after(granted, leaving, joining)
                if tried >= tries or _spread(asked, after) >= _spread(asked, granted) - 1e-12:
                    continue
                tried += 1
                units = int(model.unit_of[leaving]), int(model.unit_of[joining])
                if improve(model, self.timeline, self.work, self.record, self.wishes, nobody, *units):
                    granted.update(after)
        return tried

    def _is_placed(self, index: int) -> bool:
        return bool(self.timeline.option_at[index] != NOTHING)

    def _shares(self, rank: float) -> tuple[dict[str, float], dict[str, float]]:
        """Seconds asked and granted by party of a rank."""
        asked: dict[str, float] = defaultdict(float)
        granted: dict[str, float] = defaultdict(float)
        for index, each in enumerate(self.problem.reservations):
            if each.rank == rank:
                asked[each.party] += each.duration_s
                granted[each.party] += each.duration_s if self._is_placed(index) else 0.0
        return asked, granted

    def _after(self, granted: dict[str, float], leaving: int, joining: int) -> dict[str, float]:
        after = dict(granted)
        gone, come = self.problem.reservations[leaving], self.problem.reservations[joining]
        after[gone.party] -= gone.duration_s
        after[come.party] += come.duration_s
        return after


def _spread(asked: dict[str, float], granted: dict[str, float]) -> float:
    return float(np.std([granted[party] / seconds for party, seconds in asked.items()]))
