"""Nights, risings and settings, phases of the Moon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, Literal

import erfa
import numpy as np
from numpy.typing import NDArray

from armillary.riseset import nights
from armillary.riseset.constraints import TWILIGHT_ALTITUDE_DEG, Twilight, require_twilight
from armillary.riseset.crossings import find_roots
from armillary.riseset.errors import InvalidConstraint
from armillary.riseset.filters import clipped
from armillary.riseset.intervals import Window
from armillary.riseset.quantities import DAY_S, require_between
from armillary.riseset.sites import Site
from armillary.riseset.sky import blocks_of, geocentric_body
from armillary.riseset.timescales import (
    JD_OF_1970,
    TT_MINUS_TAI_S,
    FloatArray,
    datetime_from_unix,
    require_span,
    require_times,
    tai_from_unix,
    tai_of,
    unix_from_tai,
)
from armillary.riseset.tracks import IntArray

Sense = Literal["rise", "set"]
Phase = Literal["new", "first quarter", "full", "last quarter"]
PartOfDay = Literal["day", "civil", "nautical", "astronomical", "night"]

_PHASES: Final[tuple[Phase, ...]] = ("new", "first quarter", "full", "last quarter")
# The part of the day that lies below each altitude of the Sun, from the top.
_PARTS: Final[tuple[tuple[PartOfDay, Twilight], ...]] = (
    ("civil", "sunset"),
    ("nautical", "civil"),
    ("astronomical", "nautical"),
    ("night", "astronomical"),
)
_ELONGATION_CURVATURE: Final = (
    2e-12  # of the Moon's elongation from the Sun, rad/s^2: 0.3 rad of wobble in 27.6 days, 4 times
)
_SUN_DISC_CROSSING_DEG: Final = -5.0 / 6.0


@dataclass(frozen=True, slots=True)
class TwilightPeriod:
    """A half-open part of a day between two altitudes of the Sun's centre.

    ``name``: "day" above -5/6 deg, "civil" above -6, "nautical" above -12, "astronomical" above -18, else "night".
    """

    start: datetime
    end: datetime
    name: PartOfDay


def _tai_span(start: datetime, end: datetime) -> tuple[float, float]:
    first, last = require_span(start, end)
    return tai_of(first), tai_of(last)


def dark_windows(site: Site, start: datetime, end: datetime, twilight: Twilight | None = "nautical") -> list[Window]:
    """While the Sun's centre is below the altitude of a twilight; all of the span for None.

    Polar night gives the whole span, midnight sun an empty list.
    """
    require_twilight(twilight)
    unix_first, unix_last = require_span(start, end)
    first, last = _tai_span(start, end)
    if last <= first:
        return []
    blocks = blocks_of(first, last)
    found = (
        nights.whole(blocks)
        if twilight is None
        else nights.dark(blocks, site.location, TWILIGHT_ALTITUDE_DEG[twilight])
    )
    inside = clipped(found, first, last)
    low, high = unix_from_tai(inside.start).clip(unix_first), unix_from_tai(inside.end).clip(max=unix_last)
    return [(datetime_from_unix(a), datetime_from_unix(b)) for a, b in zip(low.tolist(), high.tolist(), strict=True)]


def _crossing_events(
    times: FloatArray, rises: NDArray[np.bool_], span: tuple[float, float]
) -> list[tuple[datetime, Sense]]:
    inside = (times >= span[0]) & (times < span[1])
    unix = unix_from_tai(times[inside])
    return [
        (datetime_from_unix(t), "rise" if up else "set")
        for t, up in zip(unix.tolist(), rises[inside].tolist(), strict=True)
    ]


def sun_events(
    site: Site, start: datetime, end: datetime, altitude_deg: float = _SUN_DISC_CROSSING_DEG
) -> list[tuple[datetime, Sense]]:
    """Times in ``[start, end)`` at which the Sun's centre crosses an airless altitude, in order."""
    require_between(altitude_deg, -90.0, 90.0, "altitude_deg", InvalidConstraint)
    span = _tai_span(start, end)
    return _crossing_events(*nights.sun_crossings(blocks_of(*span), site.location, float(altitude_deg)), span)


def moon_events(site: Site, start: datetime, end: datetime) -> list[tuple[datetime, Sense]]:
    """Times in ``[start, end)`` at which the Moon's upper limb crosses -34' (topocentric semidiameter), in order."""
    span = _tai_span(start, end)
    return _crossing_events(*nights.moon_crossings(blocks_of(*span), site.location), span)


def twilights(site: Site, start: datetime, end: datetime) -> list[TwilightPeriod]:
    """The span cut at every change of twilight: contiguous, in order, from ``start`` to ``end``."""
    require_span(start, end)
    edges: list[datetime] = sorted(
        {start, end}
        | {time for altitude in TWILIGHT_ALTITUDE_DEG.values() for time, _ in sun_events(site, start, end, altitude)}
    )
    dark = {kind: dark_windows(site, start, end, kind) for _, kind in _PARTS}
    periods: list[TwilightPeriod] = []
    for first, last in pairwise(edges):
        middle = first + (last - first) / 2
        name: PartOfDay = "day"
        for part, kind in _PARTS:
            if any(a <= middle < b for a, b in dark[kind]):
                name = part
        periods.append(TwilightPeriod(first, last, name))
    return periods


def moon_illumination(times: datetime | Sequence[datetime] | FloatArray, site: Site | None = None) -> FloatArray:
    """Illuminated fraction of the Moon's disc, 0 to 1, of the shape of ``times``.

    As seen from the site; from the centre of the Earth without one (up to 0.008 different).
    """
    unix = require_times(times)
    tai = tai_from_unix(unix).ravel()
    if not tai.size:
        return np.zeros(unix.shape)
    if site is None:
        moon, sun = geocentric_body("moon", tai), geocentric_body("sun", tai)
        return nights.illuminated_fraction(moon, sun).reshape(unix.shape)
    view = nights.view_from(blocks_of(float(tai.min()), float(tai.max())), site.location)
    return nights.topocentric_illumination(view, np.zeros(len(tai), np.int64), tai).reshape(unix.shape)


def _elongation(tai_s: FloatArray) -> FloatArray:
    """Geocentric apparent ecliptic longitude of the Moon less that of the Sun, rad."""
    matrix = erfa.ecm06(np.full_like(tai_s, JD_OF_1970), (tai_s + TT_MINUS_TAI_S) / DAY_S)
    longitudes = []
    for body in ("moon", "sun"):
        x, y, _ = np.einsum("tij,tj->it", matrix, geocentric_body(body, tai_s))
        longitudes.append(np.arctan2(y, x))
    difference: FloatArray = longitudes[0] - longitudes[1]
    return difference


def moon_phase_events(start: datetime, end: datetime) -> list[tuple[datetime, Phase]]:
    """Times in ``[start, end)`` at which the Moon's ecliptic longitude leads the Sun's by a multiple of 90 deg.

    Geocentric, apparent, of date; the longitude is referred to the fixed GCRS equinox for both, which their difference
    does not feel.
    """
    first, last = _tai_span(start, end)
    if last <= first:
        return []

    def quarter(item: IntArray, tai_s: FloatArray) -> FloatArray:
        del item
        sine: FloatArray = np.sin(2.0 * _elongation(tai_s))
        return sine

    blocks = blocks_of(first, last)
    # sin(2 D) bends by 4 (dD/dt)^2 at most, with dD/dt below 14 deg a day.
    _, times = find_roots(quarter, clipped(nights.whole(blocks), first, last), 4.0 * 2.9e-6**2, 12 * 3600.0)
    number = np.rint(_elongation(times) / (np.pi / 2.0)).astype(int) % 4
    return [
        (datetime_from_unix(t), _PHASES[n]) for t, n in zip(unix_from_tai(times).tolist(), number.tolist(), strict=True)
    ]
