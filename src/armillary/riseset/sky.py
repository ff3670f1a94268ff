"""The sky as seen from the centre of the Earth, on a fixed grid of days: what all observers share.

Days are TAI days (``floor(tai_s / 86400)``), so that the nodes of a table do not depend on what was asked for: a span
cut in two gives the same answer as the whole. Blocks of 32 days are computed once and kept.

Frames: GCRS to CIRS (true equator of date, celestial intermediate origin) by the IAU 2006/2000A precession-nutation
from ERFA; Earth rotation by the Earth rotation angle of UT1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import erfa
import numpy as np

from armillary.riseset.ephemeris import barycentric
from armillary.riseset.interpolation import NODES_AFTER, NODES_BEFORE, cubic_coefficients
from armillary.riseset.quantities import AU_KM, DAY_S, SPEED_OF_LIGHT_KM_S
from armillary.riseset.timescales import (
    JD_OF_1970,
    TT_MINUS_TAI_S,
    FloatArray,
    earth_orientation,
    tdb_from_tai,
)

BLOCK_DAYS: Final = 32
_ERA_RAD_PER_UT1_S: Final = 2.0 * np.pi * 1.002_737_811_911_354_48 / DAY_S  # IAU 2000 resolution B1.8
_BLOCKS_KEPT: Final = 160  # 14 years, about 100 kB each
_SKIES_KEPT: Final = 24
_MOON_STEP_S: Final = 3600.0  # 4-point interpolation of the Moon at this step errs by 0.01 mas
_SUN_STEP_S: Final = 21_600.0
_SCHWARZSCHILD_AU: Final = 1.974_125_743_36e-8  # of the Sun, twice GM/c^2
_ARRAYS: Final = ("theta", "theta_rate", "pole", "frame", "earth_km", "earth_velocity_km_s", "sun_km", "moon", "sun")


Blocks = tuple[int, int]  # first and last (exclusive) block of days: the key of everything that is kept


@dataclass(frozen=True, eq=False)
class Sky:
    """Tables for the days ``first_day`` to ``last_day`` (exclusive).

    Attributes:
        theta: Earth rotation angle (rad, 0 to 2 pi) at the beginning of each day, (days,).
        theta_rate: its rate during the day, rad/s, (days,).
        pole: coordinates of the pole at the beginning of the day and their rate per day, rad, (days, 4): x, y, dx, dy.
        frame: cubic coefficients of the GCRS to CIRS matrix and of the equation of the origins, (days, 4, 10).
        earth_km, earth_velocity_km_s, sun_km: barycentric state at the beginning of each day, (days + 1, 3).
        moon, sun: cubic coefficients of the geocentric apparent place in CIRS, au, (intervals, 4, 3).
    """

    first_day: int
    last_day: int
    theta: FloatArray
    theta_rate: FloatArray
    pole: FloatArray
    frame: FloatArray
    earth_km: FloatArray
    earth_velocity_km_s: FloatArray
    sun_km: FloatArray
    moon: FloatArray
    sun: FloatArray

    @property
    def first_s(self) -> float:
        """TAI seconds at which the tables begin."""
        return self.first_day * DAY_S

    @property
    def last_s(self) -> float:
        """TAI seconds at which the tables end."""
        return self.last_day * DAY_S

    def _day(self, tai_s: FloatArray) -> tuple[np.ndarray, FloatArray]:
        scaled = tai_s / DAY_S - self.first_day
        day = np.clip(scaled.astype(np.int64), 0, len(self.theta) - 1)
        return day, scaled - day

    def earth_rotation(self, tai_s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Earth rotation angle, pole x and pole y (rad)."""
        day, fraction = self._day(tai_s)
        x, y, dx, dy = np.moveaxis(self.pole[day], -1, 0)
        return self.theta[day] + self.theta_rate[day] * fraction * DAY_S, x + dx * fraction, y + dy * fraction

    def aberration_stretch(self, direction: FloatArray, tai_s: FloatArray) -> FloatArray:
        """By how much :func:`observed_direction` has lengthened vectors of some CIRS directions, (times, 3)."""
        day, fraction = self._day(tai_s)
        u = fraction[:, None]
        velocity = self.earth_velocity_km_s[day] * (1.0 - u) + self.earth_velocity_km_s[day + 1] * u
        matrix, _ = self.matrix_and_origins(tai_s)
        stretch: FloatArray = 1.0 + np.einsum("ti,tij,tj->t", direction, matrix, velocity) / SPEED_OF_LIGHT_KM_S
        return stretch

    def matrix_and_origins(self, tai_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The GCRS to CIRS matrix, (..., 3, 3), and the equation of the origins (rad)."""
        day, fraction = self._day(tai_s)
        u = fraction[..., None]
        c = self.frame[day]
        value = c[..., 0, :] + u * (c[..., 1, :] + u * (c[..., 2, :] + u * c[..., 3, :]))
        return value[..., :9].reshape((*tai_s.shape, 3, 3)), value[..., 9]


def frame_at(tai_s: FloatArray) -> FloatArray:
    """Elements of the GCRS to CIRS matrix and, last, the equation of the origins: (times, 10).

    IAU 2006/2000A; 60 microseconds each.
    """
    tt1, tt2 = np.full_like(tai_s, JD_OF_1970), (tai_s + TT_MINUS_TAI_S) / DAY_S
    npb = erfa.pnm06a(tt1, tt2)
    x, y = npb[:, 2, 0], npb[:, 2, 1]
    s = erfa.s06(tt1, tt2, x, y)
    matrix = erfa.c2ixys(x, y, s)
    return np.concatenate([matrix.reshape(-1, 9), erfa.eors(npb, s)[:, None]], axis=1)


def observed_direction(
    geometric_km: FloatArray,
    earth_velocity_km_s: FloatArray,
    sun_to_earth_km: FloatArray,
    sun_to_body_km: FloatArray | None = None,
) -> FloatArray:
    """Geometric (light-time corrected) geocentric vectors turned by light deflection and aberration, au.

    The length is the distance times ``1 + (v/c) cos(angle to the motion)``, so that aberration amounts to adding one
    vector: only then can the observer's own place be subtracted afterwards (see :mod:`tracks`).

    Args:
        geometric_km: from the Earth to the body, (..., 3).
        earth_velocity_km_s: barycentric, (..., 3).
        sun_to_earth_km: (..., 3).
        sun_to_body_km: (..., 3); without it the Sun bends nothing (the Sun itself, and the Moon).
    """
    length = np.linalg.norm(geometric_km, axis=-1, keepdims=True)
    direction = geometric_km / length
    sun_au = np.linalg.norm(sun_to_earth_km, axis=-1) / AU_KM
    if sun_to_body_km is not None:
        away = sun_to_earth_km / (sun_au * AU_KM)[..., None]
        behind = sun_to_body_km / np.linalg.norm(sun_to_body_km, axis=-1, keepdims=True)
        direction = erfa.ld(1.0, direction, behind, away, sun_au, 1e-6 / np.maximum(sun_au * sun_au, 1.0))
    beta = earth_velocity_km_s / SPEED_OF_LIGHT_KM_S
    lorentz = np.sqrt(1.0 - np.sum(beta * beta, axis=-1))
    stretch = 1.0 + np.sum(beta * direction, axis=-1, keepdims=True)
    vector: FloatArray = erfa.ab(direction, beta, sun_au, lorentz) * (length * stretch / AU_KM)
    return vector


def geocentric_body(name: str, tai_s: FloatArray) -> FloatArray:
    """Geocentric apparent place (light time, deflection, aberration) of a body, axes of the GCRS, au, (times, 3)."""
    tdb = tdb_from_tai(tai_s)
    earth, velocity = barycentric("earth", tdb)
    sun, _ = barycentric("sun", tdb)
    place, _ = barycentric(name, tdb)
    for _iteration in range(3):  # light time; each round gains a factor of 1e4
        delay = np.linalg.norm(place - earth, axis=-1) / SPEED_OF_LIGHT_KM_S
        place, _ = barycentric(name, tdb - delay)
    bent_by = None if name in {"sun", "moon"} else place - sun
    return observed_direction(place - earth, velocity, earth - sun, bent_by)


def grid(first_day: int, last_day: int, step_s: float) -> FloatArray:
    """Nodes of a cubic table of the days: TAI seconds."""
    count = round((last_day - first_day) * DAY_S / step_s)
    return first_day * DAY_S + step_s * np.arange(-NODES_BEFORE, count + NODES_AFTER, dtype=np.float64)


def into_frame(frame: FloatArray, vectors: FloatArray) -> FloatArray:
    """Turn vectors (..., times, 3) by the matrices in ``frame`` (times, 10)."""
    turned: FloatArray = np.einsum("tij,...tj->...ti", frame[:, :9].reshape(-1, 3, 3), vectors)
    return turned


def _interpolated(coefficients: FloatArray, first_s: float, step_s: float, tai_s: FloatArray) -> FloatArray:
    scaled = (tai_s - first_s) / step_s
    interval = np.clip(np.floor(scaled).astype(np.int64), 0, len(coefficients) - 1)
    u = (scaled - interval)[:, None]
    c = coefficients[interval]
    value: FloatArray = c[:, 0] + u * (c[:, 1] + u * (c[:, 2] + u * c[:, 3]))
    return value


@lru_cache(maxsize=_BLOCKS_KEPT)
def _block(number: int) -> tuple[FloatArray, ...]:
    """Tables of one block, in the order of ``_ARRAYS``."""
    first, last = number * BLOCK_DAYS, (number + 1) * BLOCK_DAYS
    midnight = np.arange(first, last + 1, dtype=np.float64) * DAY_S
    ut1_minus_tai, x, y = earth_orientation().at(midnight)
    theta = erfa.era00(np.full_like(midnight, JD_OF_1970), (midnight + ut1_minus_tai) / DAY_S)
    rate = _ERA_RAD_PER_UT1_S * (1.0 + np.diff(ut1_minus_tai) / DAY_S)
    pole = np.stack([x[:-1], y[:-1], np.diff(x), np.diff(y)], axis=1)

    # Two days of margin either side: the nodes of the Moon and the Sun reach one step beyond the block.
    frame_nodes = frame_at(np.arange(first - 2, last + 4, dtype=np.float64) * DAY_S)
    wide = cubic_coefficients(frame_nodes)  # covers first - 1 .. last + 2
    tables = []
    for body, step in (("moon", _MOON_STEP_S), ("sun", _SUN_STEP_S)):
        nodes = grid(first, last, step)
        frame = _interpolated(wide, (first - 1) * DAY_S, DAY_S, nodes)
        tables.append(cubic_coefficients(into_frame(frame, geocentric_body(body, nodes))))

    tdb = tdb_from_tai(midnight)
    earth, velocity = barycentric("earth", tdb)
    sun, _ = barycentric("sun", tdb)
    return (theta[:-1], rate, pole, wide[1 : 1 + BLOCK_DAYS], earth, velocity, sun, tables[0], tables[1])


@lru_cache(maxsize=_SKIES_KEPT)
def sky_of(blocks: Blocks) -> Sky:
    """The sky of some blocks, first to last (exclusive)."""
    first_block, last_block = blocks
    tables = [_block(number) for number in range(first_block, last_block)]
    joined = {}
    for index, name in enumerate(_ARRAYS):
        parts = [table[index] for table in tables]
        if name in {"earth_km", "earth_velocity_km_s", "sun_km"}:  # these hold both ends of their block
            parts = [part[:-1] for part in parts[:-1]] + parts[-1:]
        joined[name] = np.concatenate(parts)
        joined[name].flags.writeable = False
    return Sky(first_block * BLOCK_DAYS, last_block * BLOCK_DAYS, **joined)


def blocks_of(first_tai_s: float, last_tai_s: float) -> Blocks:
    """The blocks that hold a span."""
    block_s = BLOCK_DAYS * DAY_S
    return int(first_tai_s // block_s), int(last_tai_s // block_s) + 1
