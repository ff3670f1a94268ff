"""Half-open intervals of anything that can be ordered: datetimes, or seconds as floats.

Every list is sorted and disjoint, and so is every answer. Empty intervals never appear.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

Moment = TypeVar("Moment", datetime, float)


def union(*lists: Iterable[tuple[Moment, Moment]]) -> list[tuple[Moment, Moment]]:
    """What is in any of the lists, which need not be sorted or disjoint; touching intervals become one."""
    joined: list[tuple[Moment, Moment]] = []
    for start, end in sorted(interval for intervals in lists for interval in intervals):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def intersect(
    first: Sequence[tuple[Moment, Moment]], second: Sequence[tuple[Moment, Moment]]
) -> list[tuple[Moment, Moment]]:
    """What is in both lists."""
    shared: list[tuple[Moment, Moment]] = []
    i = j = 0
    while i < len(first) and j < len(second):
        start, end = max(first[i][0], second[j][0]), min(first[i][1], second[j][1])
        if start < end:
            shared.append((start, end))
        if first[i][1] <= second[j][1]:
            i += 1
        else:
            j += 1
    return shared


def subtract(
    intervals: Sequence[tuple[Moment, Moment]], holes: Iterable[tuple[Moment, Moment]]
) -> list[tuple[Moment, Moment]]:
    """What is in `intervals` and in none of the holes, which need not be sorted or disjoint."""
    left = list(intervals)
    for hole_start, hole_end in union(holes):
        cut: list[tuple[Moment, Moment]] = []
        for start, end in left:
            cut.extend(
                piece for piece in ((start, min(end, hole_start)), (max(start, hole_end), end)) if piece[0] < piece[1]
            )
        left = cut
    return left


def clip(intervals: Iterable[tuple[Moment, Moment]], start: Moment, end: Moment) -> list[tuple[Moment, Moment]]:
    """What of the intervals lies between `start` and `end`."""
    bounds = ((max(start, own_start), min(end, own_end)) for own_start, own_end in intervals)
    return [bound for bound in bounds if bound[0] < bound[1]]
