"""Energetic reasoning: the time that observations must spend in part of a piece.

An observation of length d that may start between a and l spends at least
``min(overlap of [a, a + d) with [t1, t2), overlap of [l, l + d) with [t1, t2))`` in an interval [t1, t2): sliding it,
the overlap rises and then falls, so its least value is at an end. The sum over what is chosen may not exceed t2 - t1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from armillary.scheduler.kernel.acceleration import entry_point
from armillary.scheduler.kernel.problem import FloatArray

_CROWDED = 1e-3
"""An instant is crowded if what must be running then exceeds one by more than this."""
_SHORTEST_S = 1e-2


class Cut(NamedTuple):
    """Part ``[start_s, end_s)`` of a piece, and the seconds in it."""

    piece: int
    start_s: float
    end_s: float

    @property
    def capacity(self) -> float:
        """Seconds available."""
        return self.end_s - self.start_s


def energies(earliest: FloatArray, latest: FloatArray, length: FloatArray, cut: Cut) -> FloatArray:
    """The least seconds that each option must spend in a cut, if chosen."""
    left = np.minimum(earliest + length, cut.end_s) - np.maximum(earliest, cut.start_s)
    right = np.minimum(latest + length, cut.end_s) - np.maximum(latest, cut.start_s)
    energy: FloatArray = np.maximum(np.minimum(left, right), 0.0)
    return energy


def crowded_instants(piece: int, latest: FloatArray, end: FloatArray, share: FloatArray) -> list[Cut]:
    """Spans in which more than one observation must be running: apart from each other, the most crowded first.

    Args:
        piece: for the cuts.
        latest: latest starts.
        end: earliest ends; whatever starts later than it could end is left aside.
        share: how much of each is chosen.
    """
    must = np.flatnonzero(end > latest)
    latest, end, share = latest[must], end[must], share[must]
    covers = (latest[None, :] <= latest[:, None]) & (latest[:, None] < end[None, :])
    load = covers @ share
    until = np.where(covers, end[None, :], np.inf).min(axis=1, initial=np.inf)
    cuts: list[Cut] = []
    for at in np.argsort(-load, kind="stable").tolist():
        if load[at] <= 1.0 + _CROWDED:
            break
        cut = Cut(piece, float(latest[at]), float(until[at]))
        if cut.capacity > _SHORTEST_S and all(
            cut.end_s <= other.start_s or other.end_s <= cut.start_s for other in cuts
        ):
            cuts.append(cut)
    return cuts


@entry_point
def most_violated(
    earliest: FloatArray, latest: FloatArray, length: FloatArray, share: FloatArray, start: float, end: float
) -> tuple[float, float, float]:
    """The interval of a piece ``[start, end)`` whose time is most oversold by shares of options.

    Interval ends are taken among release times and latest starts, due times and earliest ends: between them the sum is
    linear, so the worst interval has its ends there.

    Returns:
        Seconds oversold (0 if none), start and end of the interval.
    """
    worst, worst_start, worst_end = 0.0, start, end
    count = len(earliest)
    for i in range(2 * count):
        t1 = earliest[i] if i < count else latest[i - count]
        if t1 < start:
            continue
        for j in range(2 * count):
            t2 = latest[j] + length[j] if j < count else earliest[j - count] + length[j - count]
            if t2 <= t1 or t2 > end or (t1 == start and t2 == end):
                continue
            total = t1 - t2
            for k in range(count):
                left = min(earliest[k] + length[k], t2) - max(earliest[k], t1)
                right = min(latest[k] + length[k], t2) - max(latest[k], t1)
                total += share[k] * max(min(left, right), 0.0)
            if total > worst:
                worst, worst_start, worst_end = total, t1, t2
    return worst, worst_start, worst_end
