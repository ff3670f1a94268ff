"""The query parameters of SIA2 and simple cone search, as IVOA writes them (DALI 1.1, SIA 2.0)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Final

import numpy as np
from django.db.models import Q, QuerySet

from armillary.archive.models import Frame
from armillary.archive.queries.sky import intersecting
from armillary.archive.sky.polygons import InvalidRegion, polygon_from_corners
from armillary.archive.sky.words import Region, cone_around
from armillary.archive.vo.obscore import BANDS_M

LARGEST_MAXREC: Final = 10_000
DEFAULT_MAXREC: Final = 1000
_WORDS: Final = {
    "FACILITY": "site_id", "INSTRUMENT": "instrument_id", "TARGET": "target_name",
}  # fmt: skip
_UNKNOWN_HERE: Final = ("POL", "SPATRES", "SPECRP", "TIMERES")
_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)
_SPECTRA: Final = Q(configuration_type__contains="SPECTRUM")
_DEGREES_PER_SIDE: Final = 1.0

Interval = tuple[float, float]


class InvalidParameter(ValueError):
    """A parameter makes no sense; the message says which and what would be accepted."""


class Parameters:
    """The parameters of one request: names in any case, values as often as they like."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value.strip():
                self._values.setdefault(name.upper(), []).append(value.strip())

    def all(self, name: str) -> list[str]:
        """Every value of a parameter."""
        return self._values.get(name, [])

    def number(self, name: str) -> float:
        """A parameter that must be given once, as a finite number."""
        values = self.all(name)
        if len(values) != 1:
            raise InvalidParameter(f"{name} is needed, once")
        return _number(name, values[0])

    @property
    def most_rows(self) -> int:
        """``MAXREC``: how many rows the caller wants at most."""
        values = self.all("MAXREC")
        if not values:
            return DEFAULT_MAXREC
        if not values[-1].isdigit():
            raise InvalidParameter(f"MAXREC is {values[-1]!r}; it must be a whole number")
        return min(int(values[-1]), LARGEST_MAXREC)


def matching(frames: QuerySet[Frame], given: Parameters, *, authority: str) -> QuerySet[Frame]:
    """The frames that a SIA2 query asks for: any of the values of each parameter, and all parameters.

    Raises:
        InvalidParameter: One makes no sense.
    """
    for name, column in _WORDS.items():
        if values := given.all(name):
            frames = frames.filter(**{f"{column}__in": [value.split()[0] for value in values]})
    frames = _in_time(frames, given)
    frames = _by_kind(frames, given, authority)
    if any(given.all(name) for name in _UNKNOWN_HERE):
        return frames.none()  # asked for values that no frame here is known to have
    return _in_places(frames, given.all("POS"))


def interval(name: str, text: str) -> Interval:
    """One value or two with a space between, which may be infinite: ``-Inf``, ``+Inf``.

    Raises:
        InvalidParameter: It is not that.
    """
    parts = text.split()
    if len(parts) not in {1, 2}:
        raise InvalidParameter(f"{name} is {text!r}; give a value or an interval like '55000 55001'")
    first, last = _number(name, parts[0], may_be_infinite=True), _number(name, parts[-1], may_be_infinite=True)
    if first > last:
        raise InvalidParameter(f"{name} is {text!r}, an interval that ends before it begins")
    return first, last


def region(text: str) -> Region | None:
    """A ``POS``: ``CIRCLE ra dec r``, ``RANGE ra1 ra2 dec1 dec2``, ``POLYGON ra1 dec1 ...``; None is the whole sky.

    Raises:
        InvalidParameter: It is none of them, or not on the sky.
    """
    shape, *rest = text.split()
    numbers = [_number("POS", part, may_be_infinite=shape.upper() == "RANGE") for part in rest]
    try:
        if shape.upper() == "CIRCLE" and len(numbers) == 3:
            return cone_around(*numbers)
        if shape.upper() == "RANGE" and len(numbers) == 4:
            return _range(*numbers)
        if shape.upper() == "POLYGON" and len(numbers) >= 6 and len(numbers) % 2 == 0:
            return polygon_from_corners(list(zip(numbers[::2], numbers[1::2], strict=True)))
    except InvalidRegion as error:
        raise InvalidParameter(f"POS: {error}") from error
    raise InvalidParameter(
        f"POS is {text[:80]!r}; use 'CIRCLE ra dec radius', 'RANGE ra1 ra2 dec1 dec2' or 'POLYGON ra1 dec1 ...'"
    )


def _range(first_ra: float, last_ra: float, first_dec: float, last_dec: float) -> Region | None:
    west, east = max(0.0, first_ra), min(360.0, last_ra)
    south, north = max(-90.0, first_dec), min(90.0, last_dec)
    if (west, east, south, north) == (0.0, 360.0, -90.0, 90.0):
        return None
    if west >= east or south >= north or east - west >= 180:
        raise InvalidParameter("a RANGE has ra1 < ra2 < ra1 + 180 and dec1 < dec2; put larger ones together of several")
    # Edges of polygons are great circles, and parallels are not: many short edges come close.
    steps = max(2, math.ceil((east - west) / _DEGREES_PER_SIDE) + 1)
    along = [float(ra) for ra in np.linspace(west, east, steps)]
    bottom = [(ra, south) for ra in along] if south > -90 else [(west, -90.0)]
    top = [(ra, north) for ra in reversed(along)] if north < 90 else [(west, 90.0)]
    return polygon_from_corners(bottom + top)


def _in_places(frames: QuerySet[Frame], places: Sequence[str]) -> QuerySet[Frame]:
    regions = [region(place) for place in places]
    if not regions or any(place is None for place in regions):
        return frames
    return reduce(or_, [intersecting(frames, place) for place in regions if place is not None])


def _in_time(frames: QuerySet[Frame], given: Parameters) -> QuerySet[Frame]:
    if times := given.all("TIME"):
        frames = frames.filter(reduce(or_, [_taken(interval("TIME", text)) for text in times]))
    if exposures := given.all("EXPTIME"):
        frames = frames.filter(reduce(or_, [_within("exposure_time", interval("EXPTIME", text)) for text in exposures]))
    return frames


def _taken(wanted: Interval) -> Q:
    """Exposures begin in the interval; those that began before it and reach into it are a matter of minutes."""
    first, last = (None if math.isinf(value) else _moment(value) for value in wanted)
    condition = Q() if first is None else Q(observation_date__gte=first)
    return condition if last is None else condition & Q(observation_date__lte=last)


def _moment(days: float) -> datetime:
    try:
        return _EPOCH + timedelta(days=days)
    except OverflowError as error:
        raise InvalidParameter(f"TIME: {days:g} is not a modified Julian date") from error


def _by_kind(frames: QuerySet[Frame], given: Parameters, authority: str) -> QuerySet[Frame]:
    if levels := given.all("CALIB"):
        frames = frames.filter(reduce(or_, [_calibrated(level) for level in levels]))
    if kinds := {kind.lower() for kind in given.all("DPTYPE")}:
        wanted = [condition for kind, condition in (("image", ~_SPECTRA), ("spectrum", _SPECTRA)) if kind in kinds]
        frames = frames.filter(reduce(or_, wanted)) if wanted else frames.none()
    if bands := given.all("BAND"):
        frames = frames.filter(primary_optical_element__in=_filters([interval("BAND", text) for text in bands]))
    if fields := given.all("FOV"):
        frames = frames.filter(reduce(or_, [_as_wide(interval("FOV", text)) for text in fields]))
    if collections := given.all("COLLECTION"):
        frames = frames if authority in collections else frames.none()
    if names := given.all("ID"):
        prefix = f"ivo://{authority}/archive?"
        frames = frames.filter(basename__in=[name.removeprefix(prefix) for name in names])
    return frames


def _calibrated(text: str) -> Q:
    first, last = interval("CALIB", text)
    levels = {1: Q(reduction_level__lte=0), 2: Q(reduction_level__gt=0)}
    return reduce(or_, [levels[level] for level in levels if first <= level <= last], Q(pk__in=[]))


def _filters(wanted: Sequence[Interval]) -> list[str]:
    return [
        name for name, (low, high) in BANDS_M.items() if any(low <= last and first <= high for first, last in wanted)
    ]


def _as_wide(wanted: Interval) -> Q:
    """The field of view is twice the radius of the bounding circle, of which the cosine is kept."""
    first, last = (max(0.0, min(180.0, value)) for value in wanted)
    return Q(cosine_radius__lte=math.cos(math.radians(first / 2)), cosine_radius__gte=math.cos(math.radians(last / 2)))


def _within(column: str, wanted: Interval) -> Q:
    condition = Q(**{f"{column}__isnull": False})
    if not math.isinf(wanted[0]):
        condition &= Q(**{f"{column}__gte": wanted[0]})
    return condition if math.isinf(wanted[1]) else condition & Q(**{f"{column}__lte": wanted[1]})


def _number(name: str, text: str, *, may_be_infinite: bool = False) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise InvalidParameter(f"{name}: {text[:40]!r} is not a number") from error
    if math.isnan(value) or (math.isinf(value) and not may_be_infinite):
        raise InvalidParameter(f"{name}: {text[:40]!r} is not a finite number")
    return value
