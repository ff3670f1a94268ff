"""Apparent topocentric directions, one at a time: :class:`armillary.riseset.topocentric.View` without arrays."""

from __future__ import annotations

import math
from typing import Final

from armillary.riseset.compiled.arrays import MoonTable, Place, Rotation, Star, compiled
from armillary.riseset.compiled.stars import Vector, interpolated
from armillary.riseset.quantities import DAY_S

ROTATION_RAD_S: Final = 2.0 * math.pi * 1.002_737_811_911_354_48 / DAY_S


@compiled
def earth_rotation_angle(rotation: Rotation, tai_s: float) -> float:
    """Earth rotation angle (rad)."""
    table = rotation.table
    scaled = tai_s / DAY_S - rotation.first_day
    day = min(max(int(scaled), 0), len(table) - 1)
    angle: float = table[day, 0] + table[day, 1] * (scaled - day)
    return angle


@compiled
def _in_hour_angle_frame(rotation: Rotation, place: Place, tai_s: float, x: float, y: float, z: float) -> Vector:
    """From CIRS to x towards the meridian, y east, z towards the pole of the Earth's crust."""
    table = rotation.table
    scaled = tai_s / DAY_S - rotation.first_day
    day = min(max(int(scaled), 0), len(table) - 1)
    u = scaled - day
    turn = table[day, 0] + table[day, 1] * u + place.longitude
    c, s = math.cos(turn), math.sin(turn)
    x, y = c * x + s * y, c * y - s * x
    pole_x, pole_y = table[day, 2] + u * table[day, 4], table[day, 3] + u * table[day, 5]
    a = pole_x * place.cos_longitude - pole_y * place.sin_longitude
    b = pole_x * place.sin_longitude + pole_y * place.cos_longitude
    return x + a * z, y - b * z, z - a * x + b * y


@compiled
def star_direction(star: Star, rotation: Rotation, place: Place, tai_s: float) -> Vector:
    """A star."""
    x, y, z = interpolated(star.coefficients, tai_s / DAY_S - star.first_day)
    x, y, z = _in_hour_angle_frame(rotation, place, tai_s, x, y, z)
    y += place.velocity
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


@compiled
def moon_direction(moon: MoonTable, rotation: Rotation, place: Place, tai_s: float) -> Vector:
    """The centre of the Moon."""
    x, y, z = interpolated(moon.coefficients, (tai_s - moon.first_s) / moon.step_s)
    x, y, z = _in_hour_angle_frame(rotation, place, tai_s, x, y, z)
    x, z = x - place.from_axis, z - place.from_equator
    y += math.sqrt(x * x + y * y + z * z) * place.velocity
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length
