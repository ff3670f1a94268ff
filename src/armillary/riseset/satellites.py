"""Artificial satellites: SGP4 from two-line elements (Vallado et al. 2006, through the PyPI package ``sgp4``)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import erfa
import numpy as np
from sgp4.api import SGP4_ERRORS, WGS72, Satrec

from armillary.riseset.errors import InvalidTwoLineElements
from armillary.riseset.quantities import AU_KM, DAY_S
from armillary.riseset.targets import EarthSatellite
from armillary.riseset.timescales import (
    JD_OF_1970,
    FloatArray,
    datetime_from_unix,
    earth_orientation,
    unix_from_tai,
)

EARTH_RADIUS_KM: Final = 6378.135  # WGS 72, which the elements are made with


@lru_cache(maxsize=256)
def _record(target: EarthSatellite) -> Any:
    try:
        return Satrec.twoline2rv(target.line1.rstrip(), target.line2.rstrip(), WGS72)
    except ValueError as error:
        raise InvalidTwoLineElements(f"the two-line elements cannot be read: {error}") from error


def terrestrial(target: EarthSatellite, tai_s: FloatArray) -> FloatArray:
    """Geocentric place in the terrestrial intermediate frame (Earth-fixed but for polar motion), au, (times, 3).

    Raises:
        InvalidTwoLineElements: SGP4 cannot propagate to one of the times (the orbit has decayed there).
    """
    day = unix_from_tai(tai_s) / DAY_S
    whole = np.floor(day)
    codes, teme_km, _ = _record(target).sgp4_array(whole + JD_OF_1970, day - whole)
    if codes.any():
        first = int(np.flatnonzero(codes)[0])
        raise InvalidTwoLineElements(
            f"satellite {target.line1[2:7].strip()} cannot be propagated to "
            f"{datetime_from_unix(float(unix_from_tai(tai_s)[first]))}: "
            f"{SGP4_ERRORS.get(int(codes[first]), 'unknown SGP4 error')}."
        )
    ut1_minus_tai, _, _ = earth_orientation().at(tai_s)
    gmst = erfa.gmst82(np.full_like(tai_s, JD_OF_1970), (tai_s + ut1_minus_tai) / DAY_S)  # TEME's own definition
    c, s = np.cos(gmst), np.sin(gmst)
    x, y, z = teme_km.T
    return np.stack([c * x + s * y, c * y - s * x, z], axis=1) / AU_KM


def least_height_km(target: EarthSatellite) -> float:
    """Height of the perigee above the equator's radius, at least 120 km (below, there is no orbit)."""
    record = _record(target)
    return float(max(record.a * (1.0 - record.ecco) - 1.0, 0.0188) * EARTH_RADIUS_KM)
