"""Barycentric places of the Earth, the Moon, the Sun and the planets, from JPL's DE421 (see ``data/``).

Axes are those of the ICRS; the argument is TDB; kilometres and seconds. The coefficients were rounded to 1 m for the
Moon and to 20 m .. 1 km for the others, 0.5 mas and less as seen from the Earth.

Source: Folkner, Williams & Boggs 2009, "The Planetary and Lunar Ephemeris DE421", IPN Progress Report 42-178.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from armillary.riseset.quantities import DAY_S
from armillary.riseset.timescales import JD_OF_1970, FloatArray


@dataclass(frozen=True)
class Chebyshev:
    """Piecewise Chebyshev series: ``coefficients`` (order, axis, interval) in km."""

    first_s: float
    interval_s: float
    coefficients: FloatArray

    def position_and_velocity(self, tdb_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Place (km) and velocity (km/s) at times of TDB, each of shape ``tdb_s.shape + (3,)``."""
        scaled = (tdb_s - self.first_s) / self.interval_s
        interval = np.clip(scaled.astype(np.int64), 0, self.coefficients.shape[2] - 1)
        x = 2.0 * (scaled - interval) - 1.0
        series = self.coefficients[:, :, interval]  # (order, axis, *times)
        value, slope = series[0] + series[1] * x, series[1] + np.zeros_like(x)
        before, now = np.ones_like(x), x
        slope_before, slope_now = np.zeros_like(x), np.ones_like(x)
        for coefficient in series[2:]:
            slope_before, slope_now = slope_now, 2.0 * now + 2.0 * x * slope_now - slope_before
            before, now = now, 2.0 * x * now - before
            value = value + coefficient * now
            slope = slope + coefficient * slope_now
        return np.moveaxis(value, 0, -1), np.moveaxis(slope, 0, -1) * (2.0 / self.interval_s)


def unpack(planes: np.ndarray, quantum_km: float) -> FloatArray:
    """Coefficients (order, axis, interval) in km from planes of bytes (see ``data/build.py``)."""
    zigzag = np.zeros(planes.shape[1:], dtype=np.int64)
    for number, plane in enumerate(planes):
        zigzag |= plane.astype(np.int64) << (8 * number)
    return ((zigzag >> 1) ^ -(zigzag & 1)).astype(np.float64) * quantum_km


@cache
def _series(body: str) -> Chebyshev:
    with np.load(str(files("armillary.riseset") / "data" / "de421.npz")) as archive:
        first_jd, days, quantum = archive[f"{body}_layout"]
        coefficients = unpack(archive[body], quantum)
    return Chebyshev((first_jd - JD_OF_1970) * DAY_S, days * DAY_S, coefficients)


@cache
def _moon_share() -> float:
    with np.load(str(files("armillary.riseset") / "data" / "de421.npz")) as archive:
        return 1.0 / (1.0 + float(archive["earth_moon_mass_ratio"]))


def barycentric(body: str, tdb_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Place (km) and velocity (km/s) of a body about the barycentre of the Solar System.

    Args:
        body: "earth", or a name of :data:`armillary.riseset.targets.BODIES`. From Mars outwards it is the barycentre
            of the planet and its moons (0.1 arcsec from the planet at most).
        tdb_s: seconds of TDB since 1970-01-01T00:00:00 TDB, any shape.
    """
    if body not in {"earth", "moon"}:
        return _series(body).position_and_velocity(tdb_s)
    place, velocity = _series("earthmoon").position_and_velocity(tdb_s)
    moon, moon_velocity = _series("moon").position_and_velocity(tdb_s)
    share = _moon_share() if body == "earth" else _moon_share() - 1.0
    return place - share * moon, velocity - share * moon_velocity
