"""The constraints, one after the other, on segments of (target, site) items: exact for every kind of target.

Each filter keeps the parts of the segments where a smooth function is not negative (:mod:`crossings`), so that every
edge is a refined root and nothing is decided on a grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from armillary.riseset.constraints import Constraints
from armillary.riseset.crossings import Segments, keep_where
from armillary.riseset.limits import altitude_limits
from armillary.riseset.nights import MOON_DISTANCE_CURVATURE, Location, moon_track, usable
from armillary.riseset.sites import Site
from armillary.riseset.sky import Blocks, sky_of
from armillary.riseset.timescales import FloatArray
from armillary.riseset.topocentric import View, observers_at
from armillary.riseset.tracks import AnyTracks, IntArray, Tracks

_ROTATION_CURVATURE: Final = 5.4e-9  # square of the Earth's rate of rotation, rad/s^2
_HOUR_S: Final = 3600.0
_CHANCE_RAD: Final = 1e-3  # what polar motion, diurnal aberration and the part of a day may change, generously


@dataclass(frozen=True, eq=False)
class Question:
    """Tracks seen from sites under one set of constraints; item number = track * number of sites + site."""

    tracks: AnyTracks
    n_tracks: int
    sites: tuple[Site, ...]
    constraints: Constraints
    blocks: Blocks

    def view(self) -> View:
        """The view from the sites."""
        return View(sky_of(self.blocks), observers_at(self.sites))

    def split(self, item: IntArray) -> tuple[IntArray, IntArray]:
        """Track and site of items."""
        return np.divmod(item, len(self.sites))

    def per_site(self, values: list[float], segments: Segments) -> FloatArray:
        """One value per site, spread over segments."""
        return np.array(values, dtype=float)[segments.item % len(self.sites)]

    @property
    def longest_piece_s(self) -> float:
        """Length of the pieces to begin a search with: about what the curvature can decide."""
        total = _ROTATION_CURVATURE + self.tracks.curvature
        return float(min(4.0 * _HOUR_S, max(20.0, 1.0 / np.sqrt(total))))

    def cos_dec(self, segments: Segments) -> FloatArray | float:
        """How far from the axis the tracks turn, for segments: less than 1 is known of stars alone."""
        if not isinstance(self.tracks, Tracks) or not self.tracks.at_infinity:
            return 1.0
        x, y, _ = np.moveaxis(self.tracks.coefficients[:, :, 0], -1, 0)
        widest = np.hypot(x, y).max(axis=1) + 1e-4  # between the beginnings of two days
        return np.asarray(widest[segments.item // len(self.sites)])

    def cos_latitude(self, segments: Segments) -> FloatArray:
        """That of the site, for segments."""
        return self.per_site([math.cos(math.radians(site.latitude_deg)) for site in self.sites], segments) + 1e-5

    def curvature_of_altitude(self, segments: Segments) -> FloatArray:
        """A bound on the second derivative of the sine of the altitude, for segments."""
        turning = _ROTATION_CURVATURE * self.cos_latitude(segments) * self.cos_dec(segments)
        return turning + self.tracks.curvature


def clipped(segments: Segments, start_s: float, end_s: float) -> Segments:
    """Segments cut to a span."""
    inside = Segments(segments.item, np.maximum(segments.start, start_s), np.minimum(segments.end, end_s))
    return inside.take(inside.end > inside.start)


def usable_segments(
    locations: list[Location], n_tracks: int, constraints: Constraints, blocks: Blocks, span: tuple[float, float]
) -> Segments:
    """The usable nights of every site, for every track."""
    nights = [
        clipped(usable(blocks, place, constraints.twilight, constraints.max_moon_illumination), *span)
        for place in locations
    ]
    site = np.repeat(np.arange(len(nights)), [len(night) for night in nights])
    start = np.concatenate([night.start for night in nights])
    end = np.concatenate([night.end for night in nights])
    item = (np.arange(n_tracks)[:, None] * len(locations) + site[None, :]).ravel()
    return Segments(item, np.tile(start, n_tracks), np.tile(end, n_tracks))


def _with_a_chance(question: Question, segments: Segments) -> Segments:
    """Leave out the stars that stay below the lowest altitude of a site all the time."""
    if not isinstance(question.tracks, Tracks) or not question.tracks.at_infinity:
        return segments
    dec = np.arcsin(question.tracks.coefficients[:, :, 0, 2].clip(-1.0, 1.0))
    latitude = np.radians([site.latitude_deg for site in question.sites])
    lowest = np.radians([altitude_limits(site, question.constraints).lowest_deg for site in question.sites])
    nearest = latitude[None, :].clip(dec.min(axis=1)[:, None], dec.max(axis=1)[:, None])  # declination to the zenith
    highest = np.pi / 2.0 - np.abs(latitude[None, :] - nearest)
    return segments.take((highest > lowest[None, :] - _CHANCE_RAD).ravel()[segments.item])


def above_lowest(question: Question, view: View, segments: Segments) -> Segments:
    """While the target is above the higher of horizon and airmass limit."""
    limits = [altitude_limits(site, question.constraints).lowest_deg for site in question.sites]
    sines = np.sin(np.radians(np.array(limits)))

    def height(item: IntArray, tai_s: FloatArray) -> FloatArray:
        track, site = question.split(item)
        height_above = view.sin_altitude(view.directions(question.tracks, track, site, tai_s), site)
        margin: FloatArray = height_above - sines[site]
        return margin

    needed = np.array(limits)[segments.item % len(limits)] > -90.0
    asked = segments.take(needed)
    kept = keep_where(height, asked, question.curvature_of_altitude(asked), question.longest_piece_s)
    return _merged(segments.take(~needed), kept)


def outside_blind_spot(question: Question, view: View, segments: Segments) -> Segments:
    """While the target is not too close to the zenith."""
    limits = [altitude_limits(site, question.constraints).highest_deg for site in question.sites]
    sines = np.sin(np.radians(np.array(limits)))

    def depth(item: IntArray, tai_s: FloatArray) -> FloatArray:
        track, site = question.split(item)
        margin: FloatArray = sines[site] - view.sin_altitude(view.directions(question.tracks, track, site, tai_s), site)
        return margin

    needed = np.array([site.zenith_blind_spot_deg > 0.0 for site in question.sites])[segments.item % len(limits)]
    asked = segments.take(needed)
    kept = keep_where(depth, asked, question.curvature_of_altitude(asked), question.longest_piece_s)
    return _merged(segments.take(~needed), kept)


def within_hour_angles(question: Question, view: View, segments: Segments) -> Segments:
    """While the mount reaches the target's hour angle.

    The hour angle ``H`` is within half the range of the middle of the range where cos(H - middle) >= cos(half). Times
    the cosine of the declination this is smooth everywhere, the pole included.
    """
    low = np.radians(15.0 * np.array([site.ha_limit_neg_h for site in question.sites]))
    high = np.radians(15.0 * np.array([site.ha_limit_pos_h for site in question.sites]))
    middle, cos_half = (low + high) / 2.0, np.cos((high - low) / 2.0)

    def reach(item: IntArray, tai_s: FloatArray) -> FloatArray:
        track, site = question.split(item)
        seen = view.directions(question.tracks, track, site, tai_s)
        x, y = seen.x, seen.y
        margin: FloatArray = x * np.cos(middle[site]) - y * np.sin(middle[site]) - np.hypot(x, y) * cos_half[site]
        return margin

    needed = np.array([site.limits_hour_angle for site in question.sites])[segments.item % len(low)]
    asked = segments.take(needed)
    # The distance from the axis is constant for a star; with a motion of its own it bends as much again.
    curvature = _ROTATION_CURVATURE * question.cos_dec(asked)
    if question.tracks.curvature > 0.0:
        curvature = 2.0 * (curvature + question.tracks.curvature)
    return _merged(segments.take(~needed), keep_where(reach, asked, curvature, question.longest_piece_s))


def away_from_moon(question: Question, view: View, segments: Segments) -> Segments:
    """While the target is at least so far from the Moon, both as the observer sees them."""
    if question.constraints.min_moon_distance_deg <= 0.0:
        return segments
    cosine = np.cos(np.radians(question.constraints.min_moon_distance_deg))
    moon = moon_track(view.sky)

    def distance(item: IntArray, tai_s: FloatArray) -> FloatArray:
        track, site = question.split(item)
        one = view.directions(question.tracks, track, site, tai_s)
        other = view.directions(moon, np.zeros_like(site), site, tai_s)
        value: FloatArray = cosine - (one.x * other.x + one.y * other.y + one.z * other.z)
        return value

    own = question.tracks.curvature
    curvature = MOON_DISTANCE_CURVATURE + own + 2.0 * np.sqrt(own * MOON_DISTANCE_CURVATURE)
    longest = 6 * _HOUR_S if own < 1e-9 else question.longest_piece_s
    return keep_where(distance, segments, curvature, longest)


def _merged(first: Segments, second: Segments) -> Segments:
    """Two sets of segments of different items, in order again."""
    if not len(first):
        return second
    item = np.concatenate([first.item, second.item])
    start = np.concatenate([first.start, second.start])
    end = np.concatenate([first.end, second.end])
    return Segments(item, start, end).take(np.lexsort((start, item)))


def observable(question: Question, span: tuple[float, float]) -> Segments:
    """Everything the constraints ask, over a span of TAI seconds."""
    segments = usable_segments(
        [site.location for site in question.sites], question.n_tracks, question.constraints, question.blocks, span
    )
    segments = _with_a_chance(question, segments)
    view = question.view()
    for keep in (above_lowest, within_hour_angles, outside_blind_spot, away_from_moon):
        segments = keep(question, view, segments)
    return segments
