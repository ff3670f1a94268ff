"""From sequences to start times: the second goals, without loss of the first.

A sequence leaves each observation some slack. Within it, an observation starts where the published plan has it (least
change), else where its preference costs least (airmass), else as early as possible. Going from the first to the last,
no choice can make a later observation infeasible: none starts after its latest start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from armillary.scheduler.kernel.model import NOTHING, Compilation
from armillary.scheduler.kernel.problem import Entry, FloatArray, IntegerArray, Preference, Problem
from armillary.scheduler.kernel.search import Record

Wishes = Mapping[tuple[int, str], float]


@dataclass(frozen=True, slots=True)
class Timing:
    """Puts times to the sequences of a problem."""

    problem: Problem
    compilation: Compilation

    def entries(self, record: Record, *, secondary: bool = True) -> tuple[Entry, ...]:
        """The schedule of a record, sorted by resource and start."""
        model = self.compilation.model
        published = self._published() if secondary else {}
        preferences = self._preferences() if secondary else {}
        found: list[tuple[int, float, Entry]] = []
        for slab in range(len(record.held)):
            options = record.sequence[slab, : record.held[slab]]
            latest = self._latest(slab, options, record)
            end, before = float(model.slab_entry[slab]), int(model.slab_entry_setup[slab])
            reservations = model.option_reservation[options]
            rows = zip(
                reservations.tolist(),
                record.release[reservations].tolist(),
                latest.tolist(),
                model.duration[reservations].tolist(),
                model.setup[reservations].tolist(),
                self.compilation.piece_resource[model.option_piece[options]].tolist(),
                strict=True,
            )
            for reservation, release, due, duration, setup, place in rows:
                earliest = release if before == NOTHING else max(release, end + self._gap(slab, before, setup))
                name = self.problem.resources[place].id
                wish = published.get((reservation, name))
                start = _choose(earliest, due, wish, preferences.get((reservation, name)))
                found.append((place, start, Entry(self.problem.reservations[reservation].id, name, start)))
                end, before = start + duration, setup
        found.sort(key=lambda each: each[:2])
        return tuple(entry for _, _, entry in found)

    def _latest(self, slab: int, options: IntegerArray, record: Record) -> FloatArray:
        """Latest starts, from the last to the first."""
        model = self.compilation.model
        latest = np.zeros(len(options))
        limit, setup = float(model.slab_exit[slab]), int(model.slab_exit_setup[slab])
        for position in range(len(options) - 1, -1, -1):
            reservation = int(model.option_reservation[options[position]])
            end = limit if setup == NOTHING else limit - self._gap(slab, int(model.setup[reservation]), setup)
            latest[position] = min(float(record.due[reservation]), end - float(model.duration[reservation]))
            limit, setup = float(latest[position]), int(model.setup[reservation])
        return latest

    def _gap(self, slab: int, before: int, after: int) -> float:
        model = self.compilation.model
        return float(model.slab_gap[slab] + model.changes[model.slab_changes[slab], before, after])

    def _published(self) -> dict[tuple[int, str], float]:
        position = {each.id: index for index, each in enumerate(self.problem.reservations)}
        return {
            (position[entry.reservation], entry.resource): entry.start_s
            for entry in self.problem.published
            if entry.reservation in position
        }

    def _preferences(self) -> dict[tuple[int, str], Preference]:
        position = {each.id: index for index, each in enumerate(self.problem.reservations)}
        return {(position[each.reservation], each.resource): each for each in self.problem.preferences}


def _choose(earliest: float, latest: float, wish: float | None, preference: Preference | None) -> float:
    latest = max(earliest, latest)  # rounding: they may cross by less than the tolerance
    if wish is not None:
        return min(max(wish, earliest), latest)
    if preference is None:
        return earliest
    times = np.concatenate([[earliest], preference.time_s, [latest]])
    times = np.unique(np.clip(times, earliest, latest))
    costs = np.interp(times, preference.time_s, preference.cost)
    return float(times[int(np.argmin(costs))])
