"""Regions of the sky as people and clients write them: well-known text, GeoJSON, cones."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from armillary.archive.sky.polygons import InvalidRegion, Polygon, polygon_from_corners, unit_vectors

_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_POINT: Final = re.compile(rf"\s*(?:SRID=4326;)?\s*POINT\s*\(\s*({_NUMBER})\s+({_NUMBER})\s*\)\s*", re.IGNORECASE)
_POLYGON: Final = re.compile(r"\s*(?:SRID=4326;)?\s*POLYGON\s*\(\s*\(([^()]*)\)\s*\)\s*", re.IGNORECASE)
_PAIR: Final = re.compile(rf"\s*({_NUMBER})\s+({_NUMBER})\s*")
_LARGEST_CONE_DEG: Final = 90.0


@dataclass(frozen=True)
class Point:
    """A direction."""

    direction: NDArray[np.float64]


@dataclass(frozen=True)
class Cone:
    """Everything within an angle of a direction."""

    direction: NDArray[np.float64]
    radius_deg: float


Region = Point | Cone | Polygon


def point_at(ra_deg: float, dec_deg: float) -> Point:
    """A direction from right ascension and declination.

    Raises:
        InvalidRegion: They are not on the sky.
    """
    if not (math.isfinite(ra_deg) and -360 <= ra_deg <= 360 and -90 <= dec_deg <= 90):
        raise InvalidRegion(
            f"({ra_deg:g}, {dec_deg:g}) is not a right ascension (0..360) and declination (-90..90) in degrees"
        )
    return Point(unit_vectors(ra_deg, dec_deg)[0])


def cone_around(ra_deg: float, dec_deg: float, radius_deg: float) -> Cone:
    """A cone.

    Raises:
        InvalidRegion: The direction is not on the sky, or the radius is negative or more than 90 degrees.
    """
    if not 0 <= radius_deg <= _LARGEST_CONE_DEG:
        raise InvalidRegion(f"the radius is {radius_deg:g} degrees; it must be between 0 and {_LARGEST_CONE_DEG:g}")
    return Cone(point_at(ra_deg, dec_deg).direction, radius_deg)


def region_from_text(text: str) -> Point | Polygon:
    """A point or polygon in well-known text: ``POINT(ra dec)`` or ``POLYGON((ra dec, ra dec, ...))``, degrees.

    Raises:
        InvalidRegion: It is neither, or is not on the sky.
    """
    if point := _POINT.fullmatch(text):
        return point_at(float(point[1]), float(point[2]))
    if polygon := _POLYGON.fullmatch(text):
        pairs = [_PAIR.fullmatch(pair) for pair in polygon[1].split(",")]
        if all(pairs):
            return polygon_from_corners([(float(pair[1]), float(pair[2])) for pair in pairs if pair])
    raise InvalidRegion(
        "expected POINT(ra dec) or POLYGON((ra dec, ra dec, ra dec, ra dec)) in degrees, "
        f"for example POINT(83.82 -5.39), not {text[:60]!r}"
    )


def wire_area(area: dict[str, Any] | None) -> dict[str, Any] | None:
    """A stored footprint as the wire shows it: right ascension between -180 and 180, like geographic longitude."""
    if area is None:
        return None
    ring = [[ra if -180 <= ra <= 180 else round((ra + 180) % 360 - 180, 10), dec] for ra, dec in area["coordinates"][0]]
    return {"type": "Polygon", "coordinates": [ring]}
