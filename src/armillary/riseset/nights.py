"""What a place has in common for all targets: its nights and its Moon. Computed once, and kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from armillary.riseset.constraints import TWILIGHT_ALTITUDE_DEG, Twilight
from armillary.riseset.crossings import Segments, find_roots, keep_where
from armillary.riseset.quantities import AU_KM
from armillary.riseset.sites import Site
from armillary.riseset.sky import Blocks, Sky, sky_of
from armillary.riseset.timescales import FloatArray
from armillary.riseset.topocentric import Observers, View, observers_at
from armillary.riseset.tracks import IntArray, Tracks

MOON_RADIUS_KM: Final = 1737.4  # IAU 2015 mean radius
HORIZON_REFRACTION_DEG: Final = 34.0 / 60.0

# Bounds on second derivatives (1/s^2): of the sine of an altitude, turned by the Earth with some motion of its own,
# and of the illuminated fraction of the Moon (0.6 deg/h and the parallax of a turning observer).
SUN_CURVATURE: Final = 5.7e-9
MOON_CURVATURE: Final = 6.6e-9
ILLUMINATION_CURVATURE: Final = 8e-11
# Of the cosine of the distance from the Moon: 0.95 deg/h squared, and the parallax of a turning observer.
MOON_DISTANCE_CURVATURE: Final = 1.3e-10
_HOUR_S: Final = 3600.0
_CONTEXTS_KEPT: Final = 2048  # a few kB each

Location = tuple[float, float, float]


@lru_cache(maxsize=24)
def sun_track(sky: Sky) -> Tracks:
    """The Sun's own table as a track."""
    return Tracks(
        sky.sun[None], sky.first_s, (sky.last_s - sky.first_s) / len(sky.sun), at_infinity=False, curvature=0.0
    )


@lru_cache(maxsize=24)
def moon_track(sky: Sky) -> Tracks:
    """The Moon's own table as a track."""
    step = (sky.last_s - sky.first_s) / len(sky.moon)
    return Tracks(sky.moon[None], sky.first_s, step, at_infinity=False, curvature=0.0)


@lru_cache(maxsize=256)
def _observer(location: Location) -> Observers:
    return observers_at([Site(*location)])


def view_from(blocks: Blocks, location: Location) -> View:
    """The view from one place during some blocks of days."""
    return View(sky_of(blocks), _observer(location))


def sine_of_sun_altitude(view: View, site: IntArray, tai_s: FloatArray) -> FloatArray:
    """Sine of the airless altitude of the Sun's centre."""
    directions = view.directions(sun_track(view.sky), np.zeros_like(site), site, tai_s)
    return view.sin_altitude(directions, site)


def moon_above_horizon(view: View, site: IntArray, tai_s: FloatArray) -> FloatArray:
    """Not negative while the Moon's upper limb is above -34': the rise and set of almanacs, in about radians."""
    directions = view.directions(moon_track(view.sky), np.zeros_like(site), site, tai_s)
    semidiameter = np.arcsin(MOON_RADIUS_KM / (view.true_distance_au(directions, site, tai_s) * AU_KM))
    return view.sin_altitude(directions, site) + np.sin(semidiameter + math.radians(HORIZON_REFRACTION_DEG))


def illuminated_fraction(observer_to_moon: FloatArray, observer_to_sun: FloatArray) -> FloatArray:
    """Illuminated fraction of the Moon's disc from vectors (times, 3) of one length unit."""
    moon_to_sun = observer_to_sun - observer_to_moon
    cosine = np.sum(-observer_to_moon * moon_to_sun, axis=1)
    cosine /= np.linalg.norm(observer_to_moon, axis=1) * np.linalg.norm(moon_to_sun, axis=1)
    fraction: FloatArray = (1.0 + cosine) / 2.0
    return fraction


def topocentric_illumination(view: View, site: IntArray, tai_s: FloatArray) -> FloatArray:
    """Illuminated fraction of the Moon as seen from sites."""
    zero = np.zeros_like(site)
    moon = view.directions(moon_track(view.sky), zero, site, tai_s)
    sun = view.directions(sun_track(view.sky), zero, site, tai_s)
    return illuminated_fraction(moon.vector * moon.distance_au[:, None], sun.vector * sun.distance_au[:, None])


def whole(blocks: Blocks) -> Segments:
    """All the days of some blocks, as one segment of item 0."""
    sky = sky_of(blocks)
    return Segments(np.zeros(1, np.int64), np.array([sky.first_s]), np.array([sky.last_s]))


@lru_cache(maxsize=_CONTEXTS_KEPT)
def dark(blocks: Blocks, location: Location, altitude_deg: float) -> Segments:
    """While the Sun's centre is below an altitude, over all the blocks."""
    view, limit = view_from(blocks, location), math.sin(math.radians(altitude_deg))
    return keep_where(
        lambda item, t: limit - sine_of_sun_altitude(view, item, t), whole(blocks), SUN_CURVATURE, _HOUR_S
    )


@lru_cache(maxsize=_CONTEXTS_KEPT)
def moon_up(blocks: Blocks, location: Location) -> Segments:
    """While the Moon is up, over all the blocks."""
    view = view_from(blocks, location)
    return keep_where(lambda item, t: moon_above_horizon(view, item, t), whole(blocks), MOON_CURVATURE, _HOUR_S)


@lru_cache(maxsize=_CONTEXTS_KEPT)
def moonlit(blocks: Blocks, location: Location, max_illumination: float) -> Segments:
    """While the Moon is up and more of it is lit than a limit."""
    view = view_from(blocks, location)
    return keep_where(
        lambda item, t: topocentric_illumination(view, item, t) - max_illumination,
        moon_up(blocks, location),
        ILLUMINATION_CURVATURE,
        6 * _HOUR_S,
    )


@lru_cache(maxsize=_CONTEXTS_KEPT)
def usable(blocks: Blocks, location: Location, twilight: Twilight | None, max_illumination: float) -> Segments:
    """Dark, and not moonlit beyond a limit: what is left of the blocks for any target."""
    night = whole(blocks) if twilight is None else dark(blocks, location, TWILIGHT_ALTITUDE_DEG[twilight])
    if max_illumination >= 1.0 or not len(night):
        return night
    return without(night, moonlit(blocks, location, max_illumination))


def without(segments: Segments, holes: Segments) -> Segments:
    """Segments less holes; both in order, disjoint and of item 0."""
    start = np.concatenate([[-np.inf], holes.end])
    end = np.concatenate([holes.start, [np.inf]])
    low = np.maximum(segments.start[:, None], start[None, :]).ravel()
    high = np.minimum(segments.end[:, None], end[None, :]).ravel()
    some = high > low
    return Segments(np.zeros(int(some.sum()), np.int64), low[some], high[some])


@lru_cache(maxsize=_CONTEXTS_KEPT)
def sun_crossings(blocks: Blocks, location: Location, altitude_deg: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Times at which the Sun's centre crosses an altitude, and whether it rises there."""
    view, limit = view_from(blocks, location), math.sin(math.radians(altitude_deg))
    _, times = find_roots(
        lambda item, t: sine_of_sun_altitude(view, item, t) - limit, whole(blocks), SUN_CURVATURE, _HOUR_S
    )
    return _with_sense(times, lambda t: sine_of_sun_altitude(view, np.zeros(len(t), np.int64), t) - limit, blocks)


@lru_cache(maxsize=_CONTEXTS_KEPT)
def moon_crossings(blocks: Blocks, location: Location) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Times at which the Moon's upper limb crosses -34', and whether it rises there."""
    view = view_from(blocks, location)
    _, times = find_roots(lambda item, t: moon_above_horizon(view, item, t), whole(blocks), MOON_CURVATURE, _HOUR_S)
    return _with_sense(times, lambda t: moon_above_horizon(view, np.zeros(len(t), np.int64), t), blocks)


def _with_sense(
    times: FloatArray, function: Callable[[FloatArray], FloatArray], blocks: Blocks
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Whether the function rises at each of its crossings: by its sign half-way from the one before."""
    edges = np.concatenate([[sky_of(blocks).first_s], times])
    before = function((edges[:-1] + edges[1:]) / 2.0)
    return times, before < 0
