"""Targets that stand still over the ground: up or not, then dark or not."""

from __future__ import annotations

import math

from armillary.riseset.constraints import Constraints
from armillary.riseset.limits import altitude_limits
from armillary.riseset.sites import Site
from armillary.riseset.targets import AltAzTarget, FixedTarget

_ROUNDING_DEG = 1e-9  # a limit given as a number is met by a target at that very number


def horizontal(target: FixedTarget, latitude_deg: float) -> tuple[float, float]:
    """Altitude and azimuth, degrees."""
    if isinstance(target, AltAzTarget):
        return target.altitude_deg, target.azimuth_deg % 360.0
    north, east, up = _turned(math.radians(15.0 * target.hour_angle_h), math.radians(target.dec_deg), latitude_deg)
    return math.degrees(math.atan2(up, math.hypot(north, east))), math.degrees(math.atan2(east, north)) % 360.0


def _turned(hour_angle: float, dec: float, latitude_deg: float) -> tuple[float, float, float]:
    phi = math.radians(latitude_deg)
    x, y, z = math.cos(dec) * math.cos(hour_angle), -math.cos(dec) * math.sin(hour_angle), math.sin(dec)
    return z * math.cos(phi) - x * math.sin(phi), y, x * math.cos(phi) + z * math.sin(phi)


def equatorial(target: FixedTarget, latitude_deg: float) -> tuple[float, float]:
    """Hour angle (hours, -12 to 12) and apparent declination (degrees)."""
    if not isinstance(target, AltAzTarget):
        return (target.hour_angle_h + 12.0) % 24.0 - 12.0, target.dec_deg
    altitude, azimuth, phi = (math.radians(a) for a in (target.altitude_deg, target.azimuth_deg, latitude_deg))
    north, up = math.cos(altitude) * math.cos(azimuth), math.sin(altitude)
    x, z = up * math.cos(phi) - north * math.sin(phi), up * math.sin(phi) + north * math.cos(phi)
    y = math.cos(altitude) * math.sin(azimuth)
    return math.degrees(math.atan2(-y, x)) / 15.0, math.degrees(math.atan2(z, math.hypot(x, y)))


def is_reachable(target: FixedTarget, site: Site, constraints: Constraints) -> bool:
    """Whether a fixed direction lies within the limits of altitude and hour angle."""
    altitude, _ = horizontal(target, site.latitude_deg)
    limits = altitude_limits(site, constraints)
    if not limits.lowest_deg - _ROUNDING_DEG <= altitude <= limits.highest_deg + _ROUNDING_DEG:
        return False
    hour_angle, _ = equatorial(target, site.latitude_deg)
    rounding = _ROUNDING_DEG / 15.0
    within = site.ha_limit_neg_h - rounding <= hour_angle <= site.ha_limit_pos_h + rounding
    return within or not site.limits_hour_angle
