"""Apparent places of stars, one at a time: the steps of ERFA's ``pmpx``, ``ldsun`` and ``ab``.

The tests hold them to ERFA within a microarcsecond.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from armillary.riseset.compiled.arrays import compiled
from armillary.riseset.daynodes import BETA, EARTH, FRAME, FROM_SUN, SUN, YEAR
from armillary.riseset.quantities import ARCSEC_RAD, AU_KM, DAY_S, SPEED_OF_LIGHT_KM_S
from armillary.riseset.timescales import FloatArray

Vector = tuple[float, float, float]

_LIGHT_YEARS_PER_AU: Final = AU_KM / SPEED_OF_LIGHT_KM_S / DAY_S / 365.25
_AU_YR_PER_KM_S: Final = DAY_S * 365.25 / AU_KM
_SCHWARZSCHILD_AU: Final = 1.974_125_743_36e-8  # of the Sun


@compiled
def _normalized(x: float, y: float, z: float) -> Vector:
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


@compiled
def _moved(star: FloatArray, earth: FloatArray, year: float) -> Vector:
    """Space motion and annual parallax: a row of :func:`armillary.riseset.tracks.catalogue` at a Julian epoch."""
    ra, dec, ra_rate, dec_rate, parallax, radial_velocity, epoch = star
    sin_ra, cos_ra, sin_dec, cos_dec = math.sin(ra), math.cos(ra), math.sin(dec), math.cos(dec)
    x, y, z = cos_ra * cos_dec, sin_ra * cos_dec, sin_dec
    along = x * earth[0] + y * earth[1] + z * earth[2]
    years = year - epoch + along * _LIGHT_YEARS_PER_AU  # Roemer's effect
    angle = parallax * ARCSEC_RAD
    recession, southward = _AU_YR_PER_KM_S * radial_velocity * angle, dec_rate * z
    return _normalized(
        x + years * (-ra_rate * y - southward * cos_ra + recession * x) - angle * earth[0],
        y + years * (ra_rate * x - southward * sin_ra + recession * y) - angle * earth[1],
        z + years * (dec_rate * cos_dec + recession * z) - angle * earth[2],
    )


@compiled
def _deflected(x: float, y: float, z: float, from_sun: FloatArray, sun_au: float) -> Vector:
    """Bent by the Sun, whose disc the limit keeps finite."""
    ex, ey, ez = from_sun
    square = max(sun_au * sun_au, 1.0)
    nearness = max(x * (x + ex) + y * (y + ey) + z * (z + ez), 1e-6 / square)
    weight = _SCHWARZSCHILD_AU / sun_au / nearness
    qx, qy, qz = ey * z - ez * y, ez * x - ex * z, ex * y - ey * x
    return (
        x + weight * (y * qz - z * qy),
        y + weight * (z * qx - x * qz),
        z + weight * (x * qy - y * qx),
    )


@compiled
def _aberrated(x: float, y: float, z: float, beta: FloatArray, sun_au: float) -> Vector:
    """Annual aberration, relativistic, in the potential of the Sun."""
    vx, vy, vz = beta
    lorentz = math.sqrt(1.0 - (vx * vx + vy * vy + vz * vz))
    along = x * vx + y * vy + z * vz
    forward, potential = 1.0 + along / (1.0 + lorentz), _SCHWARZSCHILD_AU / sun_au
    scale, push = lorentz - potential * along, forward + potential
    return _normalized(x * scale + push * vx, y * scale + push * vy, z * scale + push * vz)


@compiled
def fill_nodes(nodes: FloatArray, star: FloatArray, days: FloatArray) -> None:
    """Write the apparent direction in CIRS at the beginning of each day into ``nodes`` (days, 3).

    ``star`` is a row of :func:`armillary.riseset.tracks.catalogue`, ``days`` a table of
    :func:`armillary.riseset.daynodes.day_table`.
    """
    for day in range(nodes.shape[0]):
        row = days[day]
        x, y, z = _moved(star, row[EARTH:BETA], row[YEAR])
        x, y, z = _deflected(x, y, z, row[FROM_SUN:SUN], row[SUN])
        x, y, z = _aberrated(x, y, z, row[BETA:FROM_SUN], row[SUN])
        m = row[FRAME:EARTH]
        nodes[day, 0] = m[0] * x + m[1] * y + m[2] * z
        nodes[day, 1] = m[3] * x + m[4] * y + m[5] * z
        nodes[day, 2] = m[6] * x + m[7] * y + m[8] * z


@compiled
def fill_coefficients(coefficients: FloatArray, nodes: FloatArray) -> None:
    """Write cubic coefficients (days, 4, 3): as of :func:`armillary.riseset.interpolation.cubic_coefficients`."""
    for day in range(coefficients.shape[0]):
        for axis in range(3):
            before, left, right, after = (
                nodes[day, axis],
                nodes[day + 1, axis],
                nodes[day + 2, axis],
                nodes[day + 3, axis],
            )
            coefficients[day, 0, axis] = left
            coefficients[day, 1, axis] = right - before / 3.0 - left / 2.0 - after / 6.0
            coefficients[day, 2, axis] = (before + right) / 2.0 - left
            coefficients[day, 3, axis] = (after - before) / 6.0 + (left - right) / 2.0


@compiled
def fill_equatorial(equatorial: FloatArray, coefficients: FloatArray) -> None:
    """Write right ascension (rad), sine and cosine of the declination at the beginning of each day, (days, 3)."""
    for day in range(equatorial.shape[0]):
        x, y, z = coefficients[day, 0, 0], coefficients[day, 0, 1], coefficients[day, 0, 2]
        equatorial[day, 0] = math.atan2(y, x)
        equatorial[day, 1] = z
        equatorial[day, 2] = math.hypot(x, y)


@compiled
def interpolated(coefficients: FloatArray, scaled: float) -> Vector:
    """A cubic table (intervals, 4, 3) at a number of intervals from its beginning."""
    interval = min(max(int(scaled), 0), coefficients.shape[0] - 1)
    i, u, c = interval, scaled - interval, coefficients
    return (
        c[i, 0, 0] + u * (c[i, 1, 0] + u * (c[i, 2, 0] + u * c[i, 3, 0])),
        c[i, 0, 1] + u * (c[i, 1, 1] + u * (c[i, 2, 1] + u * c[i, 3, 1])),
        c[i, 0, 2] + u * (c[i, 1, 2] + u * (c[i, 2, 2] + u * c[i, 3, 2])),
    )


def nodes_of(catalogue: FloatArray, days: FloatArray) -> FloatArray:
    """Apparent directions in CIRS, (stars, days, 3): for tests against ERFA."""
    nodes = np.empty((len(catalogue), len(days), 3))
    for number, star in enumerate(catalogue):
        fill_nodes(nodes[number], star, days)
    return nodes
