"""Where the path of one star crosses the limits of one site during one piece of a night.

A star crosses an altitude at hour angles ``-H0`` and ``H0`` of a closed formula, up to what the formula leaves out (the
place changes during the day, the pole moves, the observer moves): an arcsecond. Newton's iteration on the full
function removes it. Where the star's highest or lowest altitude lies within 2e-5 (4") of a limit the formula cannot
tell whether there is a crossing; the search then answers "unresolved", and :mod:`armillary.riseset.filters` decides.
"""

from __future__ import annotations

import math
from typing import Final

from armillary.riseset.compiled.arrays import Place, Rotation, Star, compiled
from armillary.riseset.compiled.directions import ROTATION_RAD_S, earth_rotation_angle, star_direction
from armillary.riseset.timescales import FloatArray

UNRESOLVED: Final = -1
NEVER: Final = -2
GRAZING: Final = 2e-5  # of the sine of an altitude
NEAREST_TO_POLE: Final = 1e-3  # cosine of a declination beyond which hour angles are not smooth enough
# Hour angle by which the closed formula may be wrong: near a grazing altitude, and near a pole.
_FORMULA_RAD: Final = 5e-3
_SLACK_S: Final = _FORMULA_RAD / ROTATION_RAD_S
# What a step of Newton's leaves is step^2 rate |cot H| / 2: a microsecond when step^2 is this times |tan H|.
_SETTLED_S2: Final = 2e-6 / ROTATION_RAD_S
_LONG_S: Final = 4.0 * _SLACK_S  # the closed formula tells on which side of a limit the middle of such a piece lies
_NEWTON_ROUNDS: Final = 12
_TWO_PI: Final = 2.0 * math.pi
_ALTITUDE: Final = 0
_HOUR_ANGLE: Final = 1


@compiled
def _root(
    kind: int,
    limit: float,
    guess_s: float,
    star: Star,
    rotation: Rotation,
    place: Place,
) -> float:
    """The time near a guess at which the star crosses a limit; NaN when Newton does not settle there."""
    time = guess_s
    for _ in range(_NEWTON_ROUNDS):
        x, y, z = star_direction(star, rotation, place, time)
        if kind == _ALTITUDE:
            height = place.sin_latitude * z + place.cos_latitude * x
            step = (height - limit) / (place.cos_latitude * y * ROTATION_RAD_S)
            settled = step * step * abs(x) < _SETTLED_S2 * abs(y)
        else:
            error = math.atan2(-y, x) - limit
            if abs(error) > math.pi:
                error -= math.copysign(_TWO_PI, error)
            step = error / ROTATION_RAD_S
            settled = abs(step) < 1.0  # hour angles grow evenly
        time -= step
        if not abs(time - guess_s) < _SLACK_S:
            return math.nan
        if settled:
            return time
    return math.nan


@compiled
def _add_crossings(
    edges: FloatArray,
    count: int,
    kind: int,
    limit: float,
    phase: float,
    start_s: float,
    end_s: float,
    star: Star,
    rotation: Rotation,
    place: Place,
) -> int:
    """Append to ``edges``, of which there are ``count``, the crossings of a limit within a piece.

    ``phase`` is by how much the Earth turns (rad) until the star stands there, from ``_SLACK_S`` before the start.

    Returns:
        The new number of edges, or ``UNRESOLVED``.
    """
    guess = start_s - _SLACK_S + (phase % _TWO_PI) / ROTATION_RAD_S
    while guess < end_s + _SLACK_S:
        root = _root(kind, limit, guess, star, rotation, place)
        if math.isnan(root):
            return UNRESOLVED
        if start_s < root < end_s:
            edges[count] = root
            count += 1
        guess += _TWO_PI / ROTATION_RAD_S
    return count


@compiled
def half_arc(limit: float, sin_dec: float, cos_dec: float, place: Place) -> float:
    """Hour angle (rad) at which a star stands at an altitude (sine); pi if always above, ``NEVER``, ``UNRESOLVED``."""
    level, reach = sin_dec * place.sin_latitude, cos_dec * place.cos_latitude
    if limit > level + reach + GRAZING:
        return NEVER
    if limit < level - reach - GRAZING:
        return math.pi
    if limit > level + reach - GRAZING or limit < level - reach + GRAZING:
        return UNRESOLVED
    return math.acos((limit - level) / reach)


@compiled
def _add_both(
    edges: FloatArray,
    half: float,
    from_meridian: float,
    start_s: float,
    end_s: float,
    star: Star,
    rotation: Rotation,
    place: Place,
) -> int:
    """Append the crossings of the lowest altitude and of the hour-angle limits, whichever come first on either side."""
    count = 0
    narrow = place.limits_hour_angle > 0.0
    for side in (-1.0, 1.0):
        reach = math.pi
        if narrow:
            reach = place.hour_angle_high if side > 0.0 else -place.hour_angle_low
        if half < math.pi and half < reach + _FORMULA_RAD:
            phase = side * half - from_meridian
            count = _add_crossings(edges, count, _ALTITUDE, place.lowest, phase, start_s, end_s, star, rotation, place)
        if count >= 0 and narrow and reach < half + _FORMULA_RAD:
            phase = side * reach - from_meridian
            count = _add_crossings(
                edges, count, _HOUR_ANGLE, side * reach, phase, start_s, end_s, star, rotation, place
            )
        if count < 0:
            return UNRESOLVED
    return count


@compiled
def arcs_of_piece(
    start_s: float, end_s: float, star: Star, rotation: Rotation, place: Place
) -> tuple[float, float, float]:
    """Closed formula for a piece of a night no longer than a day.

    Returns:
        Half the arc above the lowest altitude and half the arc in the blind spot, as of :func:`half_arc`, and the hour
        angle at the start (rad, any turn).
    """
    day = int((start_s + end_s) / 172_800.0 + 0.5) - star.first_day
    day = min(max(day, 0), len(star.equatorial) - 1)
    right_ascension, sin_dec, cos_dec = star.equatorial[day, 0], star.equatorial[day, 1], star.equatorial[day, 2]
    half = half_arc(place.lowest, sin_dec, cos_dec, place)
    hole = half_arc(place.highest, sin_dec, cos_dec, place)
    if half >= 0.0 and place.limits_hour_angle > 0.0 and cos_dec < NEAREST_TO_POLE:
        half = float(UNRESOLVED)
    return half, hole, earth_rotation_angle(rotation, start_s) + place.longitude - right_ascension


@compiled
def edges_of_piece(
    edges: FloatArray,
    arcs: tuple[float, float, float],
    start_s: float,
    end_s: float,
    star: Star,
    rotation: Rotation,
    place: Place,
) -> int:
    """Write the times within a piece at which some limit is crossed, in order.

    Returns:
        Their number, ``NEVER`` when the star stays below its lowest altitude, or ``UNRESOLVED``.
    """
    half, hole, hour_angle = arcs
    if half == NEVER:
        return NEVER
    if half < 0.0 or hole == UNRESOLVED:
        return UNRESOLVED
    from_meridian = hour_angle - _FORMULA_RAD
    count = _add_both(edges, half, from_meridian, start_s, end_s, star, rotation, place)
    if 0.0 <= hole < math.pi:
        for side in (-1.0, 1.0):
            phase = side * hole - from_meridian
            if count >= 0:
                count = _add_crossings(
                    edges,
                    count,
                    _ALTITUDE,
                    place.highest,
                    phase,
                    start_s,
                    end_s,
                    star,
                    rotation,
                    place,
                )
    if count > 1:
        _sort(edges, count)
    return count


@compiled
def _sort(values: FloatArray, count: int) -> None:
    """Insertion: there are two or four."""
    for number in range(1, count):
        value, place = values[number], number
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value


@compiled
def is_within_limits(
    low_s: float,
    high_s: float,
    arcs: tuple[float, float, float],
    start_s: float,
    star: Star,
    rotation: Rotation,
    place: Place,
) -> bool:
    """Whether a star is observable between two neighbouring edges of a piece that starts at ``start_s``.

    That is: above the lowest altitude, below the highest, and within the mount's hour angles, at mid-time.
    """
    middle = (low_s + high_s) / 2.0
    if high_s - low_s > _LONG_S:
        half, hole, hour_angle = arcs
        angle = hour_angle + (middle - start_s) * ROTATION_RAD_S
        angle -= _TWO_PI * math.floor(angle / _TWO_PI + 0.5)
        return (
            hole < abs(angle) <= half
            and place.limits_hour_angle * angle <= place.hour_angle_high
            and place.limits_hour_angle * angle >= place.hour_angle_low
        )
    x, y, z = star_direction(star, rotation, place, middle)
    height = place.sin_latitude * z + place.cos_latitude * x
    angle = place.limits_hour_angle * math.atan2(-y, x)
    return place.lowest <= height <= place.highest and place.hour_angle_low <= angle <= place.hour_angle_high
