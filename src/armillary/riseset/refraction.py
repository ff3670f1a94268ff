"""How much the air lifts a target: only for turning an observed limit into an airless one.

Standard atmosphere (ICAO) at the site's elevation, 50 % humidity, 0.55 um. From 10 degrees up, ERFA's ``refco`` (good
to 0.1" there); below, the shape of Bennett (1982, J. Navigation 35, 255; 0.1' down to the horizon) scaled to meet it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import erfa

_JOIN_DEG: Final = 10.0
_LOWEST_DEG: Final = -1.5  # Bennett's formula has a pole at -4.4 deg; a dip below -1.5 deg is refracted as there


def _bennett_deg(altitude_deg: float) -> float:
    h = max(altitude_deg, _LOWEST_DEG)
    return 1.0 / math.tan(math.radians(h + 7.31 / (h + 4.4))) / 60.0


@lru_cache(maxsize=1024)
def _constants(elevation_m: float) -> tuple[float, float]:
    height = min(max(elevation_m, -1000.0), 11_000.0)  # the troposphere of the ICAO atmosphere
    pressure_hpa = 1013.25 * (1.0 - 2.25577e-5 * height) ** 5.25588
    a, b = erfa.refco(pressure_hpa, 15.0 - 0.0065 * height, 0.5, 0.55)
    return float(a), float(b)


def refraction_deg(altitude_deg: float, elevation_m: float) -> float:
    """Refraction of a target observed at an altitude (observed, degrees) from an elevation."""
    a, b = _constants(elevation_m)

    def tangents(h: float) -> float:
        t = math.tan(math.radians(90.0 - h))
        return math.degrees(a * t + b * t**3)

    if altitude_deg >= _JOIN_DEG:
        return tangents(altitude_deg)
    return _bennett_deg(altitude_deg) * tangents(_JOIN_DEG) / _bennett_deg(_JOIN_DEG)


def airless_altitude_deg(altitude_deg: float, elevation_m: float) -> float:
    """The airless altitude of a target that is observed at an altitude."""
    return altitude_deg - refraction_deg(altitude_deg, elevation_m)
