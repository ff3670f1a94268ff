"""Algebra of windows: lists of half-open ``(start, end)`` pairs, sorted and disjoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

Window = tuple[datetime, datetime]


def union(*window_lists: Iterable[Window]) -> list[Window]:
    """What lies in any of the lists (which may overlap and be unsorted); windows that touch become one."""
    merged: list[Window] = []
    for start, end in sorted(window for windows in window_lists for window in windows):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def intersect(first: Sequence[Window], *others: Sequence[Window]) -> list[Window]:
    """What lies in all of the lists, each sorted and disjoint. Linear in their lengths."""
    result = list(first)
    for windows in others:
        result = _intersect_two(result, windows)
    return result


def _intersect_two(left: Sequence[Window], right: Sequence[Window]) -> list[Window]:
    result: list[Window] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            result.append((start, end))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return result


def subtract(windows: Sequence[Window], holes: Iterable[Window]) -> list[Window]:
    """What lies in the windows (sorted, disjoint) but in none of the holes (any order)."""
    result: list[Window] = []
    gaps = union(holes)
    first = 0
    for start, end in windows:
        while first < len(gaps) and gaps[first][1] <= start:
            first += 1
        now, index = start, first
        while index < len(gaps) and gaps[index][0] < end:
            if now < gaps[index][0]:
                result.append((now, gaps[index][0]))
            now = max(now, gaps[index][1])
            index += 1
        if now < end:
            result.append((now, end))
    return result


def clip(windows: Iterable[Window], start: datetime, end: datetime) -> list[Window]:
    """The parts of windows within ``[start, end)``."""
    return [(max(a, start), min(b, end)) for a, b in windows if max(a, start) < min(b, end)]
