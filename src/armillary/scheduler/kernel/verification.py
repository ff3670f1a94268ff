"""Whether a plan keeps every rule of its problem: checked from the definitions, with none of the solver's code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from armillary.scheduler.kernel.problem import Entry, Fixed, GroupKind, Identifier, Problem, Reservation, Resource

_TOLERANCE_S = 1e-3


def violations(problem: Problem, entries: Sequence[Entry]) -> list[str]:
    """Every rule that a plan breaks, as sentences; empty for a feasible plan."""
    check = _Check(problem, entries)
    return [
        *check.identities(),
        *check.windows(),
        *check.overlaps(),
        *check.groups(),
        *check.caps(),
        *check.distances(),
    ]


class _Check:
    def __init__(self, problem: Problem, entries: Sequence[Entry]) -> None:
        self._problem = problem
        self._entries = entries
        self._reservations: dict[Identifier, Reservation] = {each.id: each for each in problem.reservations}
        self._resources: dict[str, Resource] = {each.id: each for each in problem.resources}
        self._start = {entry.reservation: entry.start_s for entry in entries}

    def identities(self) -> Iterator[str]:
        seen: set[Identifier] = set()
        for entry in self._entries:
            if entry.reservation not in self._reservations or entry.resource not in self._resources:
                yield f"{entry} names what the problem does not have"
            if entry.reservation in seen:
                yield f"reservation {entry.reservation!r} is scheduled twice"
            seen.add(entry.reservation)

    def windows(self) -> Iterator[str]:
        open_windows = {
            each.id: np.asarray(each.windows, dtype=np.float64).reshape(-1, 2).tolist()
            for each in self._problem.resources
        }
        own = self._own_windows()
        for entry in self._known():
            end = entry.start_s + self._reservations[entry.reservation].duration_s
            if not _inside(entry.start_s, end, own[entry.reservation, entry.resource]):
                yield f"{entry} lies in none of its windows"
            if not _inside(entry.start_s, end, open_windows[entry.resource]):
                yield f"{entry} lies in no window of its resource"

    def _own_windows(self) -> dict[tuple[Identifier, str], list[tuple[float, float]]]:
        """The windows of what is scheduled where it is scheduled: a small part of all."""
        windows, reservations, resources = self._problem.windows, self._problem.reservations, self._problem.resources
        index = {each.id: number for number, each in enumerate(reservations)}
        place = {each.id: number for number, each in enumerate(resources)}
        key = windows.reservation.astype(np.int64) * len(resources) + windows.resource
        used = [index[entry.reservation] * len(resources) + place[entry.resource] for entry in self._known()]
        rows = np.flatnonzero(np.isin(key, np.array(used, dtype=np.int64)))
        own: dict[tuple[Identifier, str], list[tuple[float, float]]] = defaultdict(list)
        columns = (windows.reservation, windows.resource, windows.start_s, windows.end_s)
        for owner, where, start, end in zip(*(column[rows].tolist() for column in columns), strict=True):
            own[reservations[owner].id, resources[where].id].append((start, end))
        return own

    def overlaps(self) -> Iterator[str]:
        busy: dict[str, list[tuple[float, float, str, str]]] = defaultdict(list)
        for entry in self._known():
            reservation = self._reservations[entry.reservation]
            end = entry.start_s + reservation.duration_s
            busy[entry.resource].append((entry.start_s, end, reservation.setup, f"reservation {entry.reservation!r}"))
        for fixed in self._problem.fixed:
            busy[fixed.resource].append((fixed.start_s, fixed.end_s, fixed.setup, _described(fixed)))
        for name, rows in busy.items():
            resource = self._resources[name]
            rows.sort()
            for before, after in pairwise(rows):
                if _both_fixed(before, after):
                    continue
                gap = resource.gap_s + resource.setup_change_s.get((before[2], after[2]), 0.0)
                early = before[1] + gap - after[0]
                if early > _TOLERANCE_S:
                    yield f"{after[3]} starts {early:.3f} s too early after {before[3]} on {name!r}"

    def groups(self) -> Iterator[str]:
        for group in self._problem.groups:
            count = sum(member in self._start for member in group.members)
            if group.kind is GroupKind.ONEOF and count > 1:
                yield f"{count} members of the one-of group {group.id!r} are scheduled"
            if group.kind is GroupKind.AND and count not in {0, len(group.members)}:
                yield f"{count} of {len(group.members)} members of the all-of group {group.id!r} are scheduled"

    def caps(self) -> Iterator[str]:
        used: dict[str, float] = defaultdict(float)
        for entry in self._known():
            for name, seconds in self._reservations[entry.reservation].charges.items():
                used[name] += seconds
        for allocation in self._problem.allocations:
            if used[allocation.id] > allocation.limit_s + _TOLERANCE_S:
                yield f"allocation {allocation.id!r} is charged {used[allocation.id]} of {allocation.limit_s} s"

    def distances(self) -> Iterator[str]:
        for rule in self._problem.spacings:
            if rule.first in self._start and rule.second in self._start:
                distance = self._start[rule.second] - self._start[rule.first]
                distance = distance if rule.ordered else abs(distance)
                if not rule.minimum_s - _TOLERANCE_S <= distance <= rule.maximum_s + _TOLERANCE_S:
                    yield f"{rule.first!r} and {rule.second!r} are {distance} s apart, which {rule} does not allow"

    def _known(self) -> Iterator[Entry]:
        for entry in self._entries:
            if entry.reservation in self._reservations and entry.resource in self._resources:
                yield entry


def _inside(start: float, end: float, windows: Sequence[Sequence[float]]) -> bool:
    return any(a - _TOLERANCE_S <= start and end <= b + _TOLERANCE_S for a, b in windows)


def _described(fixed: Fixed) -> str:
    return f"a fixed observation at {fixed.start_s}"


def _both_fixed(before: tuple[float, float, str, str], after: tuple[float, float, str, str]) -> bool:
    return before[3].startswith("a fixed") and after[3].startswith("a fixed")
