"""Targets and constraints of requests as the rise-set library sees them."""

from __future__ import annotations

from typing import Final, TypeAlias

from armillary import riseset
from armillary.core.requests.model import Constraints, Request, Target

Pair: TypeAlias = tuple[riseset.Target, riseset.Constraints]
"""A target with its constraints."""

_DEGREES_PER_HOUR: Final = 15.0


class UnsupportedTarget(ValueError):
    """A target that is no place in the sky; `field` is the part of it that is wrong."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def riseset_target(target: Target) -> riseset.Target:
    """The target as the rise-set library sees it.

    Raises:
        UnsupportedTarget: Its numbers describe nothing that can be looked at.
    """
    try:
        if target.type == "ORBITAL_ELEMENTS":
            return _orbit(target)
        if target.type == "TLE":
            return riseset.EarthSatellite(target.line1 or "", target.line2 or "")
        if target.type == "SATELLITE":
            return riseset.AltAzTarget(target.altitude or 0.0, target.azimuth or 0.0)
        if target.type == "HOUR_ANGLE":
            return riseset.HourAngleTarget((target.hour_angle or 0.0) / _DEGREES_PER_HOUR, target.dec or 0.0)
        return _star(target)
    except riseset.RiseSetError as refusal:
        field = {"TLE": "line1", "ORBITAL_ELEMENTS": "scheme"}.get(target.type, "type")
        raise UnsupportedTarget(str(refusal), field) from refusal


def _star(target: Target) -> riseset.SiderealTarget:
    return riseset.SiderealTarget(
        (target.ra or 0.0) % 360.0,
        target.dec or 0.0,
        pm_ra_mas_yr=target.proper_motion_ra or 0.0,
        pm_dec_mas_yr=target.proper_motion_dec or 0.0,
        parallax_mas=max(target.parallax or 0.0, 0.0),
        epoch=2000.0 if target.epoch is None else target.epoch,
    )


def _orbit(target: Target) -> riseset.Target:
    """An orbit by its shape; the seven schemes name the same few kinds of elements.

    The scheme of major planets by longitudes (ASA) gives the longitude of perihelion and the mean longitude; the
    argument of perihelion and the mean anomaly are their differences.
    """
    scheme = target.scheme or ""
    node = target.longascnode or 0.0
    epoch, inclination, eccentricity = target.epochofel or 0.0, target.orbinc or 0.0, target.eccentricity or 0.0
    if scheme in ("ASA_COMET", "MPC_COMET", "JPL_MINOR_PLANET"):
        return riseset.Comet(
            target.epochofperih or 0.0,
            inclination,
            node,
            target.argofperih or 0.0,
            target.perihdist or 0.0,
            eccentricity,
            epoch_mjd=epoch,
        )
    if scheme == "ASA_MAJOR_PLANET":
        perihelion = target.longofperih or 0.0
        argument, anomaly = (perihelion - node) % 360.0, ((target.meanlong or 0.0) - perihelion) % 360.0
    else:
        argument, anomaly = target.argofperih or 0.0, target.meananom or 0.0
    elements = (epoch, inclination, node, argument, target.meandist or 0.0, eccentricity, anomaly)
    if "MAJOR" in scheme:
        return riseset.MajorPlanet(*elements, target.dailymot or 0.0)
    return riseset.MinorPlanet(*elements)


def riseset_constraints(constraints: Constraints) -> riseset.Constraints:
    """The constraints as the rise-set library sees them; seeing and transparency are not foreseeable."""
    return riseset.Constraints(
        twilight="nautical",
        max_airmass=constraints.max_airmass,
        min_moon_distance_deg=constraints.min_lunar_distance,
        max_moon_illumination=constraints.max_lunar_phase,
    )


def sky_pairs(request: Request) -> list[Pair]:
    """The different targets of a request, each with its constraints."""
    found = {
        (riseset_target(item.target), riseset_constraints(item.constraints)): None
        for item in request.configurations
        if item.target is not None
    }
    return list(found)
