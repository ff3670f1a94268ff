"""Where targets go, as seen from the centre of the Earth: tables that any number of sites can share.

A track is the geocentric apparent direction (light time, light deflection, annual aberration, precession-nutation) in
CIRS on a uniform grid, interpolated by cubics. Bodies at a finite distance keep their length, so that the observer's
own place on the rotating Earth is subtracted exactly at every instant. Doing this after the aberration rather than
before errs by (v/c)(parallax) of the body's velocity relative to the Earth: 0.01" for the Moon, less than 0.1" for an
asteroid at 0.01 au.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, cast

import erfa
import numpy as np
from numpy.typing import NDArray

from armillary.riseset import orbits as two_body
from armillary.riseset import satellites
from armillary.riseset.daynodes import DayNodes, day_nodes
from armillary.riseset.ephemeris import barycentric
from armillary.riseset.interpolation import NODES_AFTER, NODES_BEFORE, cubic_coefficients
from armillary.riseset.quantities import DAY_S
from armillary.riseset.sky import Sky, frame_at, geocentric_body, grid, into_frame, observed_direction
from armillary.riseset.targets import Comet, EarthSatellite, MajorPlanet, MinorPlanet, SiderealTarget, SolarSystemBody
from armillary.riseset.timescales import FloatArray, tdb_from_tai

IntArray = NDArray[np.int64]
Vectors = tuple[FloatArray, FloatArray, FloatArray]  # x, y and z apart, each (times,)

_BODY_STEP_S: Final = 21_600.0
# Below this distance from the Sun an orbit curves too much for six-hourly nodes; at half-hourly ones 0.05 au is still
# good to a few mas.
_SUNGRAZER_AU: Final = 0.3
_SUNGRAZER_STEP_S: Final = 1800.0
_DEG_RAD: Final = np.pi / 180.0
_MAS_RAD: Final = _DEG_RAD / 3.6e6
_CATALOGUE_UNITS: Final = np.array([_DEG_RAD, _DEG_RAD, _MAS_RAD, _MAS_RAD, 1e-3, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Tracks:
    """Several tracks on one grid.

    Attributes:
        coefficients: cubic coefficients of the place, (tracks, intervals, 4, 3): au, or of unit vectors for stars.
        first_s, step_s: the grid, TAI seconds.
        at_infinity: whether the observer's place makes no difference (stars).
        curvature: bound on the second derivative of the direction's own motion, rad/s^2, see :mod:`crossings`.
    """

    coefficients: FloatArray
    first_s: float
    step_s: float
    at_infinity: bool
    curvature: float

    @cached_property
    def _columns(self) -> FloatArray:
        """The coefficients by power and axis, (12, tracks * intervals): what one gathers from soonest."""
        return np.ascontiguousarray(self.coefficients.reshape(-1, 12).T)

    def terrestrial(self, track: IntArray, tai_s: FloatArray, turn: FloatArray) -> Vectors:
        """Place with x towards the meridian at angle ``turn`` (rad) east of the origin."""
        scaled = (tai_s - self.first_s) / self.step_s
        n_intervals = self.coefficients.shape[1]
        interval = scaled.astype(np.int64)
        np.minimum(interval, n_intervals - 1, out=interval)
        u = scaled - interval
        c = self._columns.take(track * n_intervals + interval, axis=1)
        x, y, z = (c[axis] + u * (c[3 + axis] + u * (c[6 + axis] + u * c[9 + axis])) for axis in range(3))
        return _turned(x, y, z, turn)


@dataclass(frozen=True, eq=False)
class SatelliteTracks:
    """Satellites, propagated at the instants asked for: nothing to tabulate."""

    targets: tuple[EarthSatellite, ...]
    sky: Sky
    curvature: float
    at_infinity: bool = False

    def terrestrial(self, track: IntArray, tai_s: FloatArray, turn: FloatArray) -> Vectors:
        """As of :class:`Tracks`."""
        theta, _, _ = self.sky.earth_rotation(tai_s)
        place = np.empty((len(tai_s), 3))
        for number in np.unique(track):
            chosen = track == number
            place[chosen] = satellites.terrestrial(self.targets[number], tai_s[chosen])
        x, y, z = place.T
        return _turned(x, y, z, turn - theta)  # already turned by the Earth's rotation


AnyTracks = Tracks | SatelliteTracks


def _turned(x: FloatArray, y: FloatArray, z: FloatArray, angle: FloatArray) -> Vectors:
    c, s = np.cos(angle), np.sin(angle)
    return c * x + s * y, c * y - s * x, z


def catalogue(targets: Sequence[SiderealTarget]) -> FloatArray:
    """Catalogue data as ERFA's astrometry wants it, (n, 7).

    Columns: ra, dec (rad), d(ra)/dt, d(dec)/dt (rad/yr), parallax (arcsec), radial velocity (km/s), epoch (year).
    """
    table = np.array(
        [
            (t.ra_deg, t.dec_deg, _ra_rate(t), t.pm_dec_mas_yr, t.parallax_mas, t.radial_velocity_km_s, t.epoch)
            for t in targets
        ],
        dtype=float,
    )
    table *= _CATALOGUE_UNITS
    return table


def _ra_rate(target: SiderealTarget) -> float:
    """Without the cosine, mas/yr. At a pole right ascension has no rate; 1e-9 rad is 0.2 mas from it."""
    return target.pm_ra_mas_yr and target.pm_ra_mas_yr / max(math.cos(math.radians(target.dec_deg)), 1e-9)


def star_nodes(table: FloatArray, days: DayNodes) -> FloatArray:
    """Apparent directions in CIRS of catalogue stars at the beginning of days, (stars, days, 3).

    Space motion, parallax, light deflection by the Sun, annual aberration and precession-nutation are in them.
    """
    ra, dec, ra_rate, dec_rate, parallax, radial_velocity, epoch = (table[:, i, None] for i in range(7))
    direction = erfa.pmpx(
        ra, dec, ra_rate, dec_rate, parallax, radial_velocity, days.year[None, :] - epoch, days.earth_au[None]
    )
    direction = erfa.ldsun(direction, days.from_sun, days.sun_au)
    lorentz = np.sqrt(1.0 - np.sum(days.beta * days.beta, axis=1))
    return into_frame(days.frame, erfa.ab(direction, days.beta, days.sun_au, lorentz))


def sidereal_tracks(targets: Sequence[SiderealTarget], first_day: int, last_day: int) -> Tracks:
    """Tracks of stars over some days, with daily nodes (interpolation error below 1 mas)."""
    nodes = star_nodes(catalogue(targets), day_nodes(first_day - NODES_BEFORE, last_day + NODES_AFTER))
    return Tracks(cubic_coefficients(nodes), first_day * DAY_S, DAY_S, at_infinity=True, curvature=0.0)


def _motion_bound(nodes: FloatArray, step_s: float) -> float:
    """A bound on the acceleration of directions, rad/s^2, from the nodes of geocentric places (au)."""
    distance = np.linalg.norm(nodes, axis=-1)
    # An observer is at most 4.3e-5 au from the centre; a body that grazes the Earth is kept away from zero.
    nearest = np.maximum(distance.min() - 4.3e-5, 1e-5)
    speed = np.abs(np.diff(nodes, axis=-2)).max() * np.sqrt(3.0) / step_s
    rate = speed / nearest
    return float(2.0 * rate * rate + 4.3e-5 / nearest * 5.4e-9 + 2.0 * rate * 7.3e-5)


def body_tracks(targets: Sequence[SolarSystemBody], sky: Sky) -> Tracks:
    """Tracks of the Sun, the Moon and planets; all on the Moon's grid when the Moon is among them."""
    step = 3600.0 if any(target.name == "moon" for target in targets) else _BODY_STEP_S
    tai = grid(sky.first_day, sky.last_day, step)
    places = np.stack([geocentric_body(target.name, tai) for target in targets])
    nodes = into_frame(_frames(sky, tai), places)
    return Tracks(cubic_coefficients(nodes), sky.first_s, step, at_infinity=False, curvature=_motion_bound(nodes, step))


def _frames(sky: Sky, tai_s: FloatArray) -> FloatArray:
    """Frames at nodes: exact outside of the sky's days, interpolated inside."""
    inside = (tai_s >= sky.first_s) & (tai_s < sky.last_s)
    frames = np.empty((len(tai_s), 10))
    matrix, origins = sky.matrix_and_origins(tai_s[inside])
    frames[inside, :9], frames[inside, 9] = matrix.reshape(-1, 9), origins
    frames[~inside] = frame_at(tai_s[~inside])
    return frames


def orbit_tracks(
    targets: Sequence[MinorPlanet | Comet | MajorPlanet], sky: Sky, step_s: float = _BODY_STEP_S
) -> Tracks:
    """Tracks of two-body orbits."""
    orbits = two_body.orbits_of(list(targets))
    tai = grid(sky.first_day, sky.last_day, step_s)
    tdb = tdb_from_tai(tai)
    earth, velocity = barycentric("earth", tdb)
    sun, sun_velocity = barycentric("sun", tdb)
    from_earth, about_sun = two_body.geocentric(orbits, tdb, earth, sun, sun_velocity)
    places = observed_direction(from_earth, velocity, earth - sun, about_sun)
    nodes = into_frame(_frames(sky, tai), places)
    return Tracks(
        cubic_coefficients(nodes), sky.first_s, step_s, at_infinity=False, curvature=_motion_bound(nodes, step_s)
    )


def _satellite_tracks(targets: Sequence[EarthSatellite], sky: Sky) -> SatelliteTracks:
    lowest = min(satellites.least_height_km(target) for target in targets)
    rate = 8.5 / lowest  # km/s over km: the fastest it can cross the zenith
    return SatelliteTracks(tuple(targets), sky, curvature=2.0 * rate * rate)


def _kinds(targets: Sequence[object], sky: Sky) -> list[str]:
    kinds = ["" for _ in targets]
    orbits = [i for i, target in enumerate(targets) if isinstance(target, MinorPlanet | Comet | MajorPlanet)]
    for index, is_close in zip(orbits, _near_sun([targets[i] for i in orbits], sky), strict=True):
        kinds[index] = "sungrazer" if is_close else "orbit"
    for index, target in enumerate(targets):
        if isinstance(target, SiderealTarget):
            kinds[index] = "sidereal"
        elif isinstance(target, SolarSystemBody):
            kinds[index] = "moon" if target.name == "moon" else "body"
        elif isinstance(target, EarthSatellite):
            kinds[index] = "satellite"
    return kinds


def _near_sun(targets: Sequence[object], sky: Sky) -> list[bool]:
    if not targets:
        return []
    nodes = tdb_from_tai(np.linspace(sky.first_s, sky.last_s, max(9, (sky.last_day - sky.first_day) // 4 + 1)))
    orbits = two_body.orbits_of(cast("list[MinorPlanet | Comet | MajorPlanet]", targets))
    near: list[bool] = (two_body.least_distance_au(orbits, nodes) < _SUNGRAZER_AU).tolist()
    return near


def days_of(first_tai_s: float, last_tai_s: float) -> tuple[int, int]:
    """First and last (exclusive) TAI day of a span."""
    return int(first_tai_s // DAY_S), int(last_tai_s // DAY_S) + 1


def tracks_of(targets: Sequence[object], sky: Sky, span: tuple[float, float]) -> list[tuple[list[int], AnyTracks]]:
    """Tracks of targets not fixed to the ground, in groups of one kind: (indices into ``targets``, tracks).

    They hold during ``span`` (TAI seconds) at least.
    """
    days = days_of(*span)
    groups: dict[str, list[int]] = {}
    for index, kind in enumerate(_kinds(targets, sky)):
        groups.setdefault(kind, []).append(index)
    return [
        (members, _tracks_of_kind(kind, [targets[i] for i in members], sky, days)) for kind, members in groups.items()
    ]


def _tracks_of_kind(kind: str, targets: list[object], sky: Sky, days: tuple[int, int]) -> AnyTracks:
    if kind == "sidereal":
        return sidereal_tracks(cast("list[SiderealTarget]", targets), *days)
    if kind in {"body", "moon"}:
        return body_tracks(cast("list[SolarSystemBody]", targets), sky)
    if kind == "satellite":
        return _satellite_tracks(cast("list[EarthSatellite]", targets), sky)
    orbits = cast("list[MinorPlanet | Comet | MajorPlanet]", targets)
    return orbit_tracks(orbits, sky, _SUNGRAZER_STEP_S if kind == "sungrazer" else _BODY_STEP_S)
