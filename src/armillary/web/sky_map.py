"""A frame's footprint on the sky: on a map of all of it, and close up.

North is up and east is left, as one sees the sky. Coordinates are right ascension and declination in degrees, ICRS.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Corner = tuple[float, float]
"""Right ascension and declination in degrees; or a place in a drawing."""

_WIDTH: Final = 360.0
_HEIGHT: Final = 180.0
_CLOSE_UP: Final = 200.0
_MARGIN: Final = 24.0
_MERIDIANS: Final = range(-180, 181, 60)
_PARALLELS: Final = range(-60, 61, 30)
_NICE_ARCSEC: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 72000)


@dataclass(frozen=True, slots=True)
class SkyMap:
    """What the page draws."""

    ra_text: str
    dec_text: str
    size_text: str
    grid: tuple[str, ...]
    """Meridians and parallels of the whole sky, as points of polylines."""
    x: float
    y: float
    """Where the frame is on the map of the whole sky."""
    outline: str
    """The footprint close up, as points of a polygon."""
    scale_text: str
    scale_length: float


def sky_map(area: Mapping[str, Any] | None) -> SkyMap | None:
    """The maps of a footprint (GeoJSON polygon); ``None`` without one."""
    corners = _corners(area)
    if not corners:
        return None
    center = _middle(corners)
    plane = [flat for corner in corners if (flat := _tangent(corner, center)) is not None]
    if len(plane) < 3:
        return None
    reach = max(max(abs(x), abs(y)) for x, y in plane) or 1e-9
    scale = (_CLOSE_UP / 2 - _MARGIN) / reach
    across, up = (2 * max(abs(point[axis]) for point in plane) for axis in (0, 1))
    nice = max((step for step in _NICE_ARCSEC if step <= reach * 3600), default=_NICE_ARCSEC[0])
    x, y = _whole_sky(center)
    return SkyMap(
        ra_text=_sexagesimal(center[0] % 360 / 15, 2),
        dec_text=("-" if center[1] < 0 else "+") + _sexagesimal(abs(center[1]), 1),
        size_text=f"{_angle(across * 3600)} by {_angle(up * 3600)}",
        grid=tuple(_grid()),
        x=round(x, 2),
        y=round(y, 2),
        outline=_points((_CLOSE_UP / 2 - px * scale, _CLOSE_UP / 2 - py * scale) for px, py in plane),
        scale_text=_angle(nice),
        scale_length=round(nice / 3600 * scale, 2),
    )


def _corners(area: Mapping[str, Any] | None) -> list[Corner]:
    if not area or area.get("type") != "Polygon":
        return []
    return [(float(position[0]), float(position[1])) for position in area["coordinates"][0][:-1]]


def _middle(corners: Sequence[Corner]) -> Corner:
    """The middle of the box around a footprint, however many corners are on which side."""
    vectors = [_vector(corner) for corner in corners]
    center = _direction([sum(vector[axis] for vector in vectors) for axis in range(3)])
    plane = [flat for corner in corners if (flat := _tangent(corner, center)) is not None]
    if not plane:
        return center
    east, north = (
        math.radians((min(point[axis] for point in plane) + max(point[axis] for point in plane)) / 2) for axis in (0, 1)
    )
    ra, dec = (math.radians(angle) for angle in center)
    to_east = (-math.sin(ra), math.cos(ra), 0.0)
    to_north = (-math.sin(dec) * math.cos(ra), -math.sin(dec) * math.sin(ra), math.cos(dec))
    start = _vector(center)
    return _direction([start[axis] + east * to_east[axis] + north * to_north[axis] for axis in range(3)])


def _direction(vector: Sequence[float]) -> Corner:
    x, y, z = vector
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


def _vector(corner: Corner) -> tuple[float, float, float]:
    ra, dec = (math.radians(angle) for angle in corner)
    return math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)


def _tangent(corner: Corner, center: Corner) -> Corner | None:
    """East and north of the centre in degrees, on the plane that touches the sky there."""
    ra, dec = math.radians(corner[0] - center[0]), math.radians(corner[1])
    middle = math.radians(center[1])
    depth = math.sin(middle) * math.sin(dec) + math.cos(middle) * math.cos(dec) * math.cos(ra)
    if depth <= 0:
        return None
    east = math.cos(dec) * math.sin(ra) / depth
    north = (math.cos(middle) * math.sin(dec) - math.sin(middle) * math.cos(dec) * math.cos(ra)) / depth
    return math.degrees(east), math.degrees(north)


def _whole_sky(corner: Corner) -> Corner:
    """Hammer's projection: an ellipse with equal areas, right ascension 0 in the middle, east to the left."""
    ra = math.radians((corner[0] + 180) % 360 - 180) if abs(corner[0]) != 180 else math.radians(corner[0])
    dec = math.radians(corner[1])
    depth = math.sqrt(1 + math.cos(dec) * math.cos(ra / 2))
    east, north = 2 * math.cos(dec) * math.sin(ra / 2) / depth, math.sin(dec) / depth
    return _WIDTH / 2 * (1 - east / 2), _HEIGHT / 2 * (1 - north)


def _grid() -> Iterable[str]:
    for ra in _MERIDIANS:
        yield _points(_whole_sky((ra, dec)) for dec in range(-90, 91, 5))
    for dec in _PARALLELS:
        yield _points(_whole_sky((ra, dec)) for ra in range(-180, 181, 5))


def _points(places: Iterable[Corner]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _sexagesimal(value: float, decimals: int) -> str:
    total = round(value * 3600, decimals)
    whole, seconds = divmod(total, 60)
    units, minutes = divmod(int(whole), 60)
    width = 3 + decimals if decimals else 2
    return f"{units:02d}:{minutes:02d}:{seconds:0{width}.{decimals}f}"


def _angle(arcsec: float) -> str:
    if arcsec >= 3600:
        return f"{arcsec / 3600:.3g}°"
    return f"{arcsec / 60:.3g} arcmin" if arcsec >= 60 else f"{arcsec:.3g} arcsec"
