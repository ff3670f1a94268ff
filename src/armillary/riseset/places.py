"""Where a target stands, and how much air lies before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from armillary.riseset import fixed
from armillary.riseset.errors import InvalidConstraint, InvalidTarget
from armillary.riseset.nights import view_from
from armillary.riseset.quantities import ARCSEC_RAD, require_finite
from armillary.riseset.sites import Site
from armillary.riseset.sky import blocks_of
from armillary.riseset.targets import FixedTarget, SiderealTarget, Target
from armillary.riseset.timescales import (
    FloatArray,
    datetime_from_unix,
    require_span,
    require_times,
    tai_from_unix,
)
from armillary.riseset.topocentric import View
from armillary.riseset.tracks import AnyTracks, Tracks, tracks_of


@dataclass(frozen=True, eq=False)
class Positions:
    """Apparent topocentric places, arrays of the shape of the times asked for.

    Attributes:
        ra_deg, dec_deg: true equator and equinox of date (0 to 360, -90 to 90); light time, light deflection, annual
            and diurnal aberration and parallax included, no refraction.
        altitude_deg, azimuth_deg: airless; azimuth from north through east. Polar motion included.
        hour_angle_h: -12 to 12, west positive, about the Earth's crust-fixed pole (as ERFA's ``atioq``).
        airmass: 1/sin(altitude); NaN below the horizon.
        distance_au: from the observer; infinite for a target without parallax.
    """

    ra_deg: FloatArray
    dec_deg: FloatArray
    altitude_deg: FloatArray
    azimuth_deg: FloatArray
    hour_angle_h: FloatArray
    airmass: FloatArray
    distance_au: FloatArray


def airmass_of(altitude_deg: FloatArray) -> FloatArray:
    """Plane-parallel airmass 1/sin(altitude); NaN at and below the horizon."""
    sine = np.sin(np.radians(altitude_deg))
    return np.where(sine > 0.0, 1.0 / np.where(sine > 0.0, sine, 1.0), np.nan)


def positions(target: Target, site: Site, times: datetime | Sequence[datetime] | FloatArray) -> Positions:
    """Apparent topocentric places of a target at times (aware datetimes, or an array of Unix seconds).

    Raises:
        InvalidTime: a time without a zone, or none at all.
        EphemerisRange: a time outside of the ephemeris.
        InvalidTarget: not a target.
    """
    unix = require_times(times)
    shape, tai = unix.shape, tai_from_unix(unix).ravel()
    if not isinstance(target, Target):
        raise InvalidTarget(f"not a target: {target!r}.")
    if not tai.size:
        return Positions(*(np.empty(shape) for _ in range(7)))
    span = (float(tai.min()), float(tai.max()))
    view = view_from(blocks_of(*span), site.location)
    if isinstance(target, FixedTarget):
        columns = _fixed_columns(target, site, view, tai)
    else:
        [(_, tracks)] = tracks_of([target], view.sky, span)
        columns = _sky_columns(tracks, view, tai)
        if isinstance(target, SiderealTarget):
            columns[-1] = np.full(tai.shape, _star_distance_au(target))
    ra, dec, altitude, azimuth, hour_angle, distance = (column.reshape(shape) for column in columns)
    return Positions(ra, dec, altitude, azimuth, hour_angle, airmass_of(altitude), distance)


def _star_distance_au(target: SiderealTarget) -> float:
    return 1.0 / (target.parallax_mas / 1000.0 * ARCSEC_RAD) if target.parallax_mas > 0 else math.inf


def _right_ascension_deg(view: View, tai: FloatArray, hour_angle: FloatArray) -> FloatArray:
    """Right ascension about the true equinox, from the hour angle (rad) about the celestial pole."""
    theta, _, _ = view.sky.earth_rotation(tai)
    _, origins = view.sky.matrix_and_origins(tai)
    degrees: FloatArray = np.degrees(theta + view.observers.longitude[0] - hour_angle - origins) % 360.0
    return degrees


def _sky_columns(tracks: AnyTracks, view: View, tai: FloatArray) -> list[FloatArray]:
    zero = np.zeros(len(tai), np.int64)
    seen = view.directions(tracks, zero, zero, tai, polar_motion=False)
    x, y, z = seen.x, seen.y, seen.z
    ra, dec = _right_ascension_deg(view, tai, np.arctan2(-y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
    seen = view.directions(tracks, zero, zero, tai)
    x, y, z = seen.x, seen.y, seen.z
    sin_phi, cos_phi = view.observers.sin_latitude[0], view.observers.cos_latitude[0]
    up, north = sin_phi * z + cos_phi * x, cos_phi * z - sin_phi * x
    distance = seen.distance_au
    if isinstance(tracks, Tracks) and not tracks.at_infinity:
        distance = view.true_distance_au(seen, zero, tai)
    altitude = np.degrees(np.arctan2(up, np.hypot(north, y)))
    azimuth = np.degrees(np.arctan2(y, north)) % 360.0
    return [ra, dec, altitude, azimuth, np.degrees(np.arctan2(-y, x)) / 15.0, distance]


def _fixed_columns(target: FixedTarget, site: Site, view: View, tai: FloatArray) -> list[FloatArray]:
    hour_angle, dec = fixed.equatorial(target, site.latitude_deg)
    altitude, azimuth = fixed.horizontal(target, site.latitude_deg)
    ra = _right_ascension_deg(view, tai, np.full(tai.shape, math.radians(15.0 * hour_angle)))
    return [ra, *(np.full(tai.shape, value) for value in (dec, altitude, azimuth, hour_angle, math.inf))]


def airmass_curve(
    target: Target, site: Site, start: datetime, end: datetime, step_s: float
) -> tuple[list[datetime], FloatArray]:
    """Airmass every ``step_s`` seconds from ``start`` on, before ``end``; NaN below the horizon.

    The same definition as ``Constraints.max_airmass``: 1/sin(airless altitude).
    """
    require_finite(step_s, "step_s", InvalidConstraint)
    if step_s <= 0.0:
        raise InvalidConstraint(f"step_s must be positive, not {step_s!r}.")
    first, last = require_span(start, end)
    unix = first + step_s * np.arange(max(math.ceil((last - first) / step_s), 0), dtype=np.float64)
    unix = unix[unix < last]
    return [datetime_from_unix(t) for t in unix.tolist()], positions(target, site, unix).airmass


def icrs_separation_deg(
    ra1_deg: float | FloatArray, dec1_deg: float | FloatArray, ra2_deg: float | FloatArray, dec2_deg: float | FloatArray
) -> float | FloatArray:
    """Angle between directions of one frame, degrees; numbers or arrays. Accurate at 0 and at 180 degrees."""
    a1, d1, a2, d2 = (np.radians(value) for value in (ra1_deg, dec1_deg, ra2_deg, dec2_deg))
    delta = a2 - a1
    x = np.cos(d2) * np.sin(delta)
    y = np.cos(d1) * np.sin(d2) - np.sin(d1) * np.cos(d2) * np.cos(delta)
    z = np.sin(d1) * np.sin(d2) + np.cos(d1) * np.cos(d2) * np.cos(delta)
    angle = np.degrees(np.arctan2(np.hypot(x, y), z))
    return float(angle) if np.ndim(angle) == 0 else angle
