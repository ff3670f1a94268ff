"""While a star is far enough from the Moon: the bisection of :mod:`armillary.riseset.crossings` for one star."""

from __future__ import annotations

from typing import Final

import numpy as np

from armillary.riseset.compiled.arrays import MoonTable, Place, Rotation, Star, compiled
from armillary.riseset.compiled.directions import moon_direction, star_direction
from armillary.riseset.nights import MOON_DISTANCE_CURVATURE
from armillary.riseset.timescales import FloatArray

# Of the cosine of the distance: the Moon's 0.65 deg/h and the parallax of a turning observer make 4.4e-6 rad/s.
_STEEPEST: Final = 6e-6
_SHORTEST_PIECE_S: Final = 0.01
_TOLERANCE_S: Final = 1e-6
_DEPTH: Final = 64


@compiled
def _clearance(
    tai_s: float,
    cos_limit: float,
    star: Star,
    moon: MoonTable,
    rotation: Rotation,
    place: Place,
) -> float:
    """Positive while the star is further from the Moon than the limit."""
    x, y, z = star_direction(star, rotation, place, tai_s)
    mx, my, mz = moon_direction(moon, rotation, place, tai_s)
    return cos_limit - (x * mx + y * my + z * mz)


@compiled
def _root(
    low: float,
    high: float,
    at_low: float,
    at_high: float,
    cos_limit: float,
    star: Star,
    moon: MoonTable,
    rotation: Rotation,
    place: Place,
) -> float:
    """The one root of a bracket: Illinois, with a bisection every eighth round."""
    root = high
    for round_number in range(60):
        guess = high - at_high * (high - low) / (at_high - at_low)
        if round_number % 8 == 7:
            guess = (low + high) / 2.0
        value = _clearance(guess, cos_limit, star, moon, rotation, place)
        moved, root = abs(guess - root), guess
        if (value >= 0.0) != (at_high >= 0.0):
            low, at_low = high, at_high
        else:
            at_low /= 2.0
        high, at_high = guess, value
        if value == 0.0 or moved < _TOLERANCE_S or abs(high - low) < _TOLERANCE_S:
            break
    return root


@compiled
def moon_edges(
    edges: FloatArray,
    start_s: float,
    end_s: float,
    cos_limit: float,
    star: Star,
    moon: MoonTable,
    rotation: Rotation,
    place: Place,
) -> int:
    """Write the times within a piece at which the distance from the Moon passes the limit, in order; their number."""
    stack = np.empty((_DEPTH, 4))
    stack[0] = (
        start_s,
        end_s,
        _clearance(start_s, cos_limit, star, moon, rotation, place),
        _clearance(end_s, cos_limit, star, moon, rotation, place),
    )
    depth, count = 1, 0
    while depth > 0:
        depth -= 1
        a, b, at_a, at_b = stack[depth]
        length = b - a
        bend = MOON_DISTANCE_CURVATURE * length * length
        crosses, short = (at_a >= 0.0) != (at_b >= 0.0), length < _SHORTEST_PIECE_S
        if crosses and (short or abs(at_b - at_a) > bend):
            edges[count] = _root(a, b, at_a, at_b, cos_limit, star, moon, rotation, place)
            count += 1
        elif crosses or not (short or min(abs(at_a), abs(at_b)) > bend / 8.0):
            middle = (a + b) / 2.0
            value = _clearance(middle, cos_limit, star, moon, rotation, place)
            stack[depth] = (middle, b, value, at_b)
            stack[depth + 1] = (a, middle, at_a, value)
            depth += 2
    return count


@compiled
def side_throughout(
    start_s: float,
    end_s: float,
    cos_limit: float,
    star: Star,
    moon: MoonTable,
    rotation: Rotation,
    place: Place,
) -> int:
    """1 when the star stays far enough from the Moon, -1 when it stays too close, 0 when one look does not tell."""
    middle = (start_s + end_s) / 2.0
    value = _clearance(middle, cos_limit, star, moon, rotation, place)
    if abs(value) <= _STEEPEST * (end_s - start_s) / 2.0:
        return 0
    return 1 if value > 0.0 else -1


@compiled
def is_clear(
    tai_s: float,
    cos_limit: float,
    star: Star,
    moon: MoonTable,
    rotation: Rotation,
    place: Place,
) -> bool:
    """Whether the star is far enough from the Moon."""
    return _clearance(tai_s, cos_limit, star, moon, rotation, place) >= 0.0
