"""Where smooth functions of time change sign: all of them, however short the time between two changes.

A function comes with a bound ``m`` on its second derivative. On a piece of length ``h`` that bound decides what
sampling alone cannot:

* both ends on one side, and the nearer one further than ``m h^2 / 8`` from zero: no root within;
* ends on different sides, and further apart than ``m h^2``: the slope cannot change sign, exactly one root within.

Any other piece is halved and looked at again, until it is shorter than 10 ms. A grazing extremum, whose crossings lie
seconds apart, is therefore found, and nothing that stays away from the limit is ever invented. Everything is done for
all pieces of all functions at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from armillary.riseset.timescales import FloatArray
from armillary.riseset.tracks import IntArray

# value(item, time): the function of each item at each time, all of shape (n,)
Function = Callable[[IntArray, FloatArray], FloatArray]

_SHORTEST_PIECE_S: Final = 0.01
_TOLERANCE_S: Final = 1e-5
_REFINEMENT_ROUNDS: Final = 60


@dataclass(frozen=True, eq=False)
class Segments:
    """Spans of time (TAI seconds), each belonging to an item; in order of item, then of time."""

    item: IntArray
    start: FloatArray
    end: FloatArray

    def take(self, chosen: np.ndarray) -> Segments:
        """Those that a mask or an index array chooses."""
        return Segments(self.item[chosen], self.start[chosen], self.end[chosen])

    def __len__(self) -> int:
        return len(self.item)


@dataclass(frozen=True, eq=False)
class _Pieces:
    segment: IntArray
    a: FloatArray
    b: FloatArray
    fa: FloatArray
    fb: FloatArray

    def take(self, chosen: np.ndarray) -> _Pieces:
        return _Pieces(self.segment[chosen], self.a[chosen], self.b[chosen], self.fa[chosen], self.fb[chosen])


def _joined(parts: list[_Pieces]) -> _Pieces:
    return _Pieces(
        np.concatenate([p.segment for p in parts]),
        np.concatenate([p.a for p in parts]),
        np.concatenate([p.b for p in parts]),
        np.concatenate([p.fa for p in parts]),
        np.concatenate([p.fb for p in parts]),
    )


def _first_pieces(function: Function, segments: Segments, longest_s: float) -> _Pieces:
    """Cut the segments at the multiples of ``longest_s``: where a segment begins makes no difference to its roots."""
    first = np.floor(segments.start / longest_s).astype(np.int64) + 1
    last = np.ceil(segments.end / longest_s).astype(np.int64)
    counts = np.maximum(last - first, 0) + 1
    segment = np.repeat(np.arange(len(segments)), counts)
    number = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)
    b = np.minimum((first[segment] + number) * longest_s, segments.end[segment])
    a = np.maximum((first[segment] + number - 1) * longest_s, segments.start[segment])
    value_b = function(segments.item[segment], b)
    value_a = np.empty_like(value_b)
    value_a[1:] = value_b[:-1]
    begins = number == 0
    value_a[begins] = function(segments.item, segments.start)
    return _Pieces(segment, a, b, value_a, value_b)


def find_roots(
    function: Function, segments: Segments, curvature: FloatArray | float, longest_s: float
) -> tuple[IntArray, FloatArray]:
    """The times within segments at which the function of the segment's item changes sign.

    Args:
        function: its values; a value of 0 counts as positive.
        segments: where to look.
        curvature: bound on the second derivative, one or one per segment, units of the function per s^2.
        longest_s: length of the pieces to begin with.

    Returns:
        (segment index, time), in order.
    """
    if not len(segments):
        return np.empty(0, np.int64), np.empty(0)
    bound = np.broadcast_to(np.asarray(curvature, dtype=float), (len(segments),))
    pieces = _first_pieces(function, segments, longest_s)
    brackets: list[_Pieces] = []
    while len(pieces.a):
        length = pieces.b - pieces.a
        bend = bound[pieces.segment] * length * length
        crosses = (pieces.fa >= 0) != (pieces.fb >= 0)
        short = length < _SHORTEST_PIECE_S
        single = crosses & (short | (np.abs(pieces.fb - pieces.fa) > bend))
        brackets.append(pieces.take(single))
        none = ~crosses & (short | (np.minimum(np.abs(pieces.fa), np.abs(pieces.fb)) > bend / 8.0))
        rest = pieces.take(~(single | none))
        middle = (rest.a + rest.b) / 2.0
        value = function(segments.item[rest.segment], middle)
        pieces = _joined(
            [
                _Pieces(rest.segment, rest.a, middle, rest.fa, value),
                _Pieces(rest.segment, middle, rest.b, value, rest.fb),
            ]
        )
    found = _joined(brackets)
    time = _refined(function, segments.item[found.segment], found)
    order = np.lexsort((time, found.segment))
    return found.segment[order], time[order]


def _refined(function: Function, item: IntArray, bracket: _Pieces) -> FloatArray:
    """Roots of bracketed functions by the Illinois form of false position, all at once, to 10 microseconds."""
    a, b, fa, fb = bracket.a.copy(), bracket.b.copy(), bracket.fa.copy(), bracket.fb.copy()
    root = np.where(fa == 0, a, b)
    active = np.flatnonzero((fa != 0) & (fb != 0))
    for round_number in range(_REFINEMENT_ROUNDS):
        if not len(active):
            return root
        low, high, flow, fhigh = a[active], b[active], fa[active], fb[active]
        guess = high - fhigh * (high - low) / (fhigh - flow)
        if round_number % 8 == 7:  # never slower than bisection every eighth round
            guess = (low + high) / 2.0
        value = function(item[active], guess)
        moved = np.abs(guess - root[active])
        root[active] = guess
        opposite = (value >= 0) != (fhigh >= 0)
        # b holds the newest point; a the one across the root, its weight halved while it stays.
        a[active] = np.where(opposite, high, low)
        fa[active] = np.where(opposite, fhigh, flow / 2.0)
        b[active], fb[active] = guess, value
        done = (value == 0) | (moved < _TOLERANCE_S) | (np.abs(b[active] - a[active]) < _TOLERANCE_S)
        active = active[~done]
    return root


def keep_where(function: Function, segments: Segments, curvature: FloatArray | float, longest_s: float) -> Segments:
    """The parts of segments where the function of their item is not negative."""
    if not len(segments):
        return segments
    index, time = find_roots(function, segments, curvature, longest_s)
    everything = np.concatenate([np.arange(len(segments)), index])
    start = np.concatenate([segments.start, time])
    order = np.lexsort((start, everything))
    everything, start = everything[order], start[order]
    end = np.empty_like(start)
    end[:-1] = start[1:]
    is_last = np.append(everything[1:] != everything[:-1], True)
    end[is_last] = segments.end[everything[is_last]]
    parts = Segments(segments.item[everything], start, end)
    middle = function(parts.item, (parts.start + parts.end) / 2.0)
    return parts.take((middle >= 0) & (parts.end > parts.start))
