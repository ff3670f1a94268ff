"""When a request can be observed, by telescope.

A telescope can observe a request while it is dark (nautical), every target of the request is inside the telescope's
limits and its own constraints, the request's windows allow it, and nothing keeps the telescope from work. Only
telescopes that have an instrument of every type that the request needs are considered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import numpy as np

from armillary import riseset
from armillary.core.observatory import Observatory, Telescope, riseset_site
from armillary.core.requests.facts import Downtime
from armillary.core.requests.intervals import intersect, subtract, union
from armillary.core.requests.model import Constraints, Location, Request, Target

Interval = tuple[datetime, datetime]
Pair: TypeAlias = "tuple[riseset.Target, riseset.Constraints]"

_DEGREES_PER_HOUR: Final = 15.0
_AIRMASS_STEP_S: Final = 600
_AIRMASS_TARGETS: Final = frozenset({"ICRS", "ORBITAL_ELEMENTS"})


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


# --- which telescopes ---


def instrument_types_of(request: Request) -> frozenset[str]:
    """The instrument types that a request needs, all of them on one telescope."""
    return frozenset(item.instrument_type.upper() for item in request.configurations)


def can_take(
    telescope: Telescope, location: Location | None, types: frozenset[str], *, include_unschedulable: bool = False
) -> bool:
    """Whether a telescope is where the request wants to be and has all the instruments for it."""
    if not telescope.in_service or not (location is None or _is_at(telescope, location)):
        return False
    usable = {
        instrument.type.code
        for instrument in telescope.instruments
        if instrument.is_schedulable or (include_unschedulable and instrument.is_enabled)
    }
    return types <= usable


def _is_at(telescope: Telescope, location: Location) -> bool:
    wanted = (location.telescope_class, location.site, location.enclosure, location.telescope)
    own = (telescope.telescope_class, telescope.site, telescope.enclosure, telescope.code)
    return all(not want or want.casefold() == have.casefold() for want, have in zip(wanted, own, strict=True))


def candidate_telescopes(
    request: Request, observatory: Observatory, *, include_unschedulable: bool = False
) -> list[Telescope]:
    """The telescopes that could take a request, if the sky allows."""
    types = instrument_types_of(request)
    return [
        telescope
        for telescope in observatory.telescopes()
        if can_take(telescope, request.location, types, include_unschedulable=include_unschedulable)
    ]


# --- one request ---


@dataclass(frozen=True, slots=True)
class RequestVisibility:
    """When a request can be observed."""

    by_telescope: Mapping[str, tuple[Interval, ...]]
    """`site.enclosure.telescope` → intervals; a telescope that could take it but never sees it has none."""

    def by_site(self) -> dict[str, list[Interval]]:
        """Site → when any of its telescopes can observe it; sites that never can are left out."""
        found: dict[str, list[Interval]] = {}
        for key, intervals in self.by_telescope.items():
            site = key.split(".", 1)[0]
            found[site] = union(found.get(site, []), intervals)
        return {site: intervals for site, intervals in found.items() if intervals}

    def union(self) -> list[Interval]:
        """When any telescope can observe it."""
        return union(*self.by_telescope.values())

    def largest_interval_s(self, after: datetime | None = None) -> float:
        """Length of the longest interval at any site, in seconds; with `after` only what lies after that moment."""
        lengths = [
            (end - (start if after is None else max(start, after))).total_seconds()
            for intervals in self.by_site().values()
            for start, end in intervals
        ]
        return max([0.0, *lengths])


def visible_windows(
    request: Request,
    observatory: Observatory,
    *,
    downtimes: Iterable[Downtime] = (),
    include_unschedulable: bool = False,
    windows: Sequence[Interval] | None = None,
) -> RequestVisibility:
    """When a request can be observed, by telescope.

    Args:
        request: What is to be observed.
        observatory: Where.
        downtimes: When telescopes cannot work.
        include_unschedulable: Whether instruments count that are there but not in normal operation.
        windows: Look at these instead of the request's own windows.

    Raises:
        UnsupportedTarget: A target is no place in the sky.
    """
    telescopes = candidate_telescopes(request, observatory, include_unschedulable=include_unschedulable)
    spans = union(windows if windows is not None else [(window.start, window.end) for window in request.windows])
    types = instrument_types_of(request)
    sites = list(dict.fromkeys(riseset_site(telescope) for telescope in telescopes))
    seen = dict(zip(sites, _seen(sky_pairs(request), sites, spans), strict=True))
    downtimes = tuple(downtimes)
    return RequestVisibility(
        {
            telescope.key: tuple(subtract(seen[riseset_site(telescope)], _holes(downtimes, telescope.key, types)))
            for telescope in telescopes
        }
    )


def _holes(downtimes: Iterable[Downtime], telescope_key: str, types: frozenset[str]) -> list[Interval]:
    return [(item.start, item.end) for item in downtimes if item.stops(telescope_key, types)]


def _seen(pairs: Sequence[Pair], sites: Sequence[riseset.Site], spans: Sequence[Interval]) -> list[list[Interval]]:
    """For each site when all pairs are observable at once."""
    if not pairs:
        return [list(spans) for _ in sites]
    seen: list[list[Interval]] = [[] for _ in sites]
    targets, constraints = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    for start, end in spans:
        found = riseset.observable_windows(targets, sites, start, end, constraints)
        for index in range(len(sites)):
            together = [(start, end)]
            for per_site in found:
                together = intersect(together, per_site[index])
            seen[index].extend(together)
    return seen


# --- airmass ---


def airmass_data(
    request: Request,
    observatory: Observatory,
    *,
    downtimes: Iterable[Downtime] = (),
    include_unschedulable: bool = False,
) -> dict[str, Any]:
    """How high the targets stand while the request can be observed: what the airmass endpoints answer.

    Every ten minutes of each visible interval, by site, the mean airmass of the request's targets; and the mean of
    their limits. Only for stars and orbits.
    """
    first = request.configurations[0].target if request.configurations else None
    if first is None or first.type not in _AIRMASS_TARGETS:
        return {"airmass_data": {}}
    seen = visible_windows(
        request, observatory, downtimes=downtimes, include_unschedulable=include_unschedulable
    ).by_site()
    if not seen:
        return {"airmass_data": {}}
    pairs = sky_pairs(request)
    telescopes = candidate_telescopes(request, observatory, include_unschedulable=include_unschedulable)
    places = {telescope.site: riseset_site(telescope) for telescope in reversed(telescopes)}
    limits = [constraints.max_airmass for _, constraints in pairs if constraints.max_airmass is not None]
    return {
        "airmass_data": {site: _airmass_curve(pairs, places[site], intervals) for site, intervals in seen.items()},
        "airmass_limit": sum(limits) / len(limits),
    }


def _airmass_curve(pairs: Sequence[Pair], site: riseset.Site, intervals: Sequence[Interval]) -> dict[str, list[Any]]:
    stamps = [
        stamp
        for start, end in intervals
        for stamp in np.arange(start.timestamp(), end.timestamp(), _AIRMASS_STEP_S).tolist()
    ]
    curves = [riseset.positions(target, site, np.array(stamps)).airmass for target, _ in pairs]
    times = [datetime.fromtimestamp(stamp, tz=intervals[0][0].tzinfo) for stamp in stamps]
    return {
        "times": [f"{time:%Y-%m-%dT%H:%M}" for time in times],
        "airmasses": np.mean(curves, axis=0).tolist(),
    }
