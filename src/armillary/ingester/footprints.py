"""Where on the sky an image is, from its header."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from armillary.core.frames import HeaderVocabulary

_ARCSECONDS: Final = 3600.0
_CIRCLE_CORNERS: Final = 24
_NEAR_POLE: Final = 1e-9
_EDGE_POINTS: Final = 1
"""Points on each edge of an image besides its corners. Edges are nearly great circles at the size of a detector."""

log = structlog.get_logger(__name__)


def footprint(headers: Sequence[Any], words: Mapping[str, Any], vocabulary: HeaderVocabulary) -> dict[str, Any] | None:
    """A GeoJSON polygon (right ascension, declination; degrees, ICRS), or ``None`` for a file without a place.

    A radius (arcseconds) with right ascension (hour angle) and declination says it directly; else the world coordinate
    systems of all images in the file do, with their distortions. A footprint that cannot be worked out is no reason to
    lose a frame: it is logged, and the frame is taken in without.

    Args:
        headers: The headers of all units of the file.
        words: The header that describes the frame.
        vocabulary: Which keyword says what.
    """
    radius = _number(words.get(vocabulary.radius))
    ra, dec = _angle(words.get(vocabulary.right_ascension), hours=True), _angle(words.get(vocabulary.declination))
    if radius and ra is not None and dec is not None:
        return _ring(_circle(ra, dec, radius / _ARCSECONDS))
    corners = [corner for header in headers for corner in _image_corners(header)]
    if not corners:
        return None
    return _ring(_hull(corners))


def _image_corners(header: Any) -> list[tuple[float, float]]:
    """The outline of one image on the sky, if it has two axes and a celestial coordinate system."""
    from astropy.io.fits.verify import VerifyError
    from astropy.wcs import WCS, NoConvergence, WcsError

    shape = _shape(header)
    if shape is None or not str(header.get("CTYPE1", "")).startswith(("RA--", "DEC-")):
        return []
    columns, rows = shape
    try:
        system = WCS(_without_compression(header), relax=True)
        if not system.has_celestial or not _says_where(header):
            return []
        outline = _outline(columns, rows)
        sky = system.celestial.all_pix2world(outline, 0)
    except (ValueError, TypeError, KeyError, MemoryError, WcsError, NoConvergence, VerifyError) as error:
        log.warning("no_footprint", reason=str(error).splitlines()[0] if str(error) else repr(error))
        return []
    corners = [(float(ra) % 360, float(dec)) for ra, dec in sky]
    return corners if all(math.isfinite(ra) and math.isfinite(dec) for ra, dec in corners) else []


def _says_where(header: Any) -> bool:
    """Whether the reference point is given: what is missing or unreadable would be taken for 0."""
    return all(_number(header.get(keyword)) is not None for keyword in ("CRVAL1", "CRVAL2"))


def _shape(header: Any) -> tuple[int, int] | None:
    prefix = "Z" if header.get("ZIMAGE") else ""
    if header.get(f"{prefix}NAXIS") != 2:
        return None
    columns, rows = header.get(f"{prefix}NAXIS1"), header.get(f"{prefix}NAXIS2")
    return (int(columns), int(rows)) if columns and rows else None


def _without_compression(header: Any) -> Any:
    """The header of a compressed image describes a table; its coordinate system is that of the image."""
    if not header.get("ZIMAGE"):
        return header
    plain = header.copy()
    for keyword in ("NAXIS", "NAXIS1", "NAXIS2"):
        plain[keyword] = header[f"Z{keyword}"]
    return plain


def _outline(columns: int, rows: int) -> list[tuple[float, float]]:
    """The outer corners of the corner pixels, and points between them, in order (first pixel centre is 0)."""
    left, right, bottom, top = -0.5, columns - 0.5, -0.5, rows - 0.5
    corners = [(left, bottom), (left, top), (right, top), (right, bottom)]
    outline: list[tuple[float, float]] = []
    for (x, y), (next_x, next_y) in zip(corners, corners[1:] + corners[:1], strict=True):
        for step in range(_EDGE_POINTS + 1):
            part = step / (_EDGE_POINTS + 1)
            outline.append((x + (next_x - x) * part, y + (next_y - y) * part))
    return outline


def _hull(corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The smallest convex region around all corners: on a plane that touches the sky at their middle."""
    vectors = [_vector(ra, dec) for ra, dec in corners]
    total = [sum(vector[axis] for vector in vectors) for axis in range(3)]
    length = math.sqrt(sum(part * part for part in total))
    if length < len(vectors) * 0.1:
        return []  # spread over half the sky: no detector
    center = [part / length for part in total]
    east, north = _tangent_axes(center)
    plane = []
    for vector in vectors:
        depth = _dot(vector, center)
        if depth <= 0:
            return []
        # Rounded to 2 microarcseconds: of points on an upright edge, none may be leftmost because of the last digit.
        plane.append((round(_dot(vector, east) / depth, 11), round(_dot(vector, north) / depth, 11)))
    outer = _convex_hull(plane)
    return [_direction([center[i] + x * east[i] + y * north[i] for i in range(3)]) for x, y in outer]


def _convex_hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Andrew's monotone chain, counter-clockwise; points on an edge are dropped."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return []

    def half(sequence: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for point in sequence:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= _FLAT * _extent(ordered):
                chain.pop()
            chain.append(point)
        return chain[:-1]

    return half(ordered) + half(ordered[::-1])


_FLAT: Final = 1e-9


def _extent(ordered: list[tuple[float, float]]) -> float:
    return (ordered[-1][0] - ordered[0][0]) ** 2


def _turn(first: tuple[float, float], second: tuple[float, float], third: tuple[float, float]) -> float:
    return (second[0] - first[0]) * (third[1] - first[1]) - (second[1] - first[1]) * (third[0] - first[0])


def _circle(ra: float, dec: float, radius: float) -> list[tuple[float, float]]:
    """A regular polygon around a circle on the sphere: right at every declination."""
    center = _vector(ra, dec)
    east, north = _tangent_axes(center)
    reach = math.tan(math.radians(radius)) / math.cos(math.pi / _CIRCLE_CORNERS)  # the circle fits inside
    angles = [2 * math.pi * number / _CIRCLE_CORNERS for number in range(_CIRCLE_CORNERS)]
    return [
        _direction([center[i] + reach * (math.cos(angle) * east[i] + math.sin(angle) * north[i]) for i in range(3)])
        for angle in angles
    ]


def _ring(corners: list[tuple[float, float]]) -> dict[str, Any] | None:
    if len(corners) < 3:
        return None
    ring = [[round(ra, 9), round(dec, 9)] for ra, dec in corners]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _tangent_axes(center: Sequence[float]) -> tuple[list[float], list[float]]:
    """East and north at a direction; at a pole, any two directions will do."""
    x, y, z = center
    flat = math.hypot(x, y)
    east = [-y / flat, x / flat, 0.0] if flat > _NEAR_POLE else [0.0, 1.0, 0.0]
    north = [y * 0 - z * east[1], z * east[0] - x * 0, x * east[1] - y * east[0]]
    return east, north


def _vector(ra: float, dec: float) -> list[float]:
    a, d = math.radians(ra), math.radians(dec)
    return [math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)]


def _direction(vector: Sequence[float]) -> tuple[float, float]:
    x, y, z = vector
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _angle(value: Any, *, hours: bool = False) -> float | None:
    """An angle in degrees, from degrees or from sexagesimal text (hours for right ascension)."""
    if isinstance(value, str) and ":" in value:
        parts = [_number(part.lstrip("+-")) for part in value.strip().split(":")]
        if not 2 <= len(parts) <= 3 or any(part is None for part in parts):
            return None
        size = sum(((part or 0.0) / 60.0**place for place, part in enumerate(parts)), 0.0)
        return (-size if value.strip().startswith("-") else size) * (15.0 if hours else 1.0)
    return _number(value)
