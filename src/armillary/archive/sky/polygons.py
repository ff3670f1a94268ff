"""Polygons on the celestial sphere, whose edges are great circles.

Everything is computed with unit vectors, so that the poles and right ascension 0 are places like any other. A polygon
is smaller than a hemisphere; its inside is the side of its bounding circle. Right ascensions and declinations are in
degrees, ICRS.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]
"""Unit vectors, one in each row: shape (n, 3)."""

_MOST_VERTICES: Final = 1000
_TOUCHING: Final = 1e-12
"""Sine of the angle (0.2 microarcseconds) within which a point counts as lying on an edge."""


class InvalidRegion(ValueError):
    """Something that should be a region of the sky is not; the message says why."""


@dataclass(frozen=True)
class Polygon:
    """A closed region bounded by great-circle arcs."""

    vertices: Vectors
    """Corners, the first one not repeated."""
    center: NDArray[np.float64]
    """Centre of the bounding circle."""
    cosine_radius: float
    """Cosine of the angular radius of the bounding circle."""

    @property
    def radius_deg(self) -> float:
        """Angular radius of the bounding circle."""
        return math.degrees(math.acos(max(-1.0, min(1.0, self.cosine_radius))))

    def contains(self, points: Vectors) -> NDArray[np.bool_]:
        """Which points lie inside or on the edge."""
        repeated = np.broadcast_to(self.vertices, (len(points), *self.vertices.shape))
        return contains(repeated, np.broadcast_to(self.center, (len(points), 3)), points)

    def intersects(self, other: Polygon) -> bool:
        """Whether the regions have a point in common."""
        return bool(intersects(self.vertices[np.newaxis], self.center[np.newaxis], other)[0])


def unit_vectors(ra_deg: Any, dec_deg: Any) -> Vectors:
    """Directions as unit vectors, shape (n, 3)."""
    ra, dec = np.radians(np.atleast_1d(ra_deg)), np.radians(np.atleast_1d(dec_deg))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def polygon_from_corners(corners: Sequence[tuple[float, float]]) -> Polygon:
    """A polygon from its corners (ra, dec) in degrees; a closing corner equal to the first is accepted.

    Raises:
        InvalidRegion: Fewer than three corners, a coordinate outside of the sky, edges that cross each other, or an
            extent of a hemisphere or more.
    """
    if not 3 <= len(corners) <= _MOST_VERTICES:
        raise InvalidRegion(f"a polygon has between 3 and {_MOST_VERTICES} corners, not {len(corners)}")
    for ra, dec in corners:
        if not (math.isfinite(ra) and -360 <= ra <= 720 and -90 <= dec <= 90):
            raise InvalidRegion(
                f"({ra:g}, {dec:g}) is not a right ascension (0..360) and declination (-90..90) in degrees"
            )
    points = unit_vectors(*zip(*corners, strict=True))
    if len(points) > 3 and np.allclose(points[0], points[-1], rtol=0, atol=1e-13):
        points = points[:-1]
    polygon = _bounded(points)
    if _crosses_itself(points):
        raise InvalidRegion("the polygon crosses itself; list its corners in order around it")
    return polygon


def polygon_from_vertices(vertices: Vectors) -> Polygon:
    """A polygon from stored unit vectors that were checked before."""
    return _bounded(vertices)


def corners_of_geojson(area: Any) -> list[tuple[float, float]]:
    """The outer ring of a GeoJSON polygon, as (ra, dec) in degrees.

    Raises:
        InvalidRegion: It is not a GeoJSON polygon with one ring of at least four positions.
    """
    if not isinstance(area, Mapping) or area.get("type") != "Polygon":
        raise InvalidRegion("not a GeoJSON object of type Polygon")
    rings = area.get("coordinates")
    if not isinstance(rings, Sequence) or len(rings) != 1 or not isinstance(rings[0], Sequence):
        raise InvalidRegion("a footprint has exactly one ring of coordinates")
    corners = [_position(position) for position in rings[0]]
    if len(corners) < 4 or corners[0] != corners[-1]:
        raise InvalidRegion("a ring has at least four positions and ends where it begins")
    return corners


def contains(vertices: NDArray[np.float64], centers: Vectors, points: Vectors) -> NDArray[np.bool_]:
    """Which of many polygons contain a point: broadcast over polygons (m, k, 3) and points (m or 1, 3).

    The winding of the edges as seen from the point is a full turn inside, none outside. Seen from the antipode of an
    inner point it is a full turn too, which the side of the centre decides.
    """
    following = np.roll(vertices, -1, axis=1)
    point = points[:, np.newaxis, :]
    # Edge by edge: the angle under which the point sees it, signed.
    normal_from = np.cross(point, vertices)
    normal_to = np.cross(point, following)
    sine = np.einsum("mkj,mkj->mk", np.broadcast_to(point, vertices.shape), np.cross(normal_from, normal_to))
    cosine = np.einsum("mkj,mkj->mk", normal_from, normal_to)
    winding = np.abs(np.arctan2(sine, cosine).sum(axis=1))
    is_near = np.einsum("mj,mj->m", centers, np.broadcast_to(points, centers.shape)) > 0
    return np.asarray(is_near & ((winding > math.pi) | _on_an_edge(vertices, following, point).any(axis=1)))


def intersects(vertices: NDArray[np.float64], centers: Vectors, region: Polygon) -> NDArray[np.bool_]:
    """Which of many polygons (m, k, 3) have a point in common with a region."""
    answer = contains(vertices, centers, region.vertices[:1])
    repeated = np.broadcast_to(region.vertices, (len(vertices), *region.vertices.shape))
    answer |= contains(repeated, np.broadcast_to(region.center, centers.shape), vertices[:, 0, :])
    open_ones = np.flatnonzero(~answer)
    if open_ones.size:
        answer[open_ones] = _edges_cross(vertices[open_ones], region.vertices)
    return answer


def centers_of(vertices: NDArray[np.float64]) -> Vectors:
    """The centres of the bounding circles of many polygons (m, k, 3)."""
    return _normalised(vertices.sum(axis=1))


def come_within(vertices: NDArray[np.float64], point: NDArray[np.float64], radius_deg: float) -> NDArray[np.bool_]:
    """Which of many polygons (m, k, 3) come within an angle of a point.

    Most that do have a corner there, which is soon told; the others have an edge there, or all of it inside.
    """
    chord = 2 * math.sin(math.radians(radius_deg) / 2)
    answer = np.asarray((np.square(vertices - point).sum(axis=-1) <= chord * chord).any(axis=1))
    open_ones = np.flatnonzero(~answer)
    answer[open_ones] = _outline_distance_deg(vertices[open_ones], point) <= radius_deg
    open_ones = np.flatnonzero(~answer)
    answer[open_ones] = contains(vertices[open_ones], centers_of(vertices[open_ones]), point[np.newaxis])
    return answer


def angular_distance_deg(
    vertices: NDArray[np.float64], centers: Vectors, point: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance of a point from each of many polygons (m, k, 3), in degrees; 0 inside."""
    inside = contains(vertices, centers, point[np.newaxis])
    return np.where(inside, 0.0, _outline_distance_deg(vertices, point))


def _outline_distance_deg(vertices: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of a point from the edges of each of many polygons (m, k, 3), in degrees."""
    following = np.roll(vertices, -1, axis=1)
    normals = _normalised(np.cross(vertices, following))
    projected = point - np.einsum("mkj,j->mk", normals, point)[..., np.newaxis] * normals
    within = (np.einsum("mkj,mkj->mk", np.cross(normals, vertices), projected) >= 0) & (
        np.einsum("mkj,mkj->mk", np.cross(following, normals), projected) >= 0
    )
    to_edge = np.where(within, np.abs(np.einsum("mkj,j->mk", normals, point)), np.inf)
    to_corner = np.linalg.norm(vertices - point, axis=-1)
    edge = np.degrees(np.arcsin(np.clip(to_edge, 0, 1)))
    corner = np.degrees(2 * np.arcsin(np.clip(to_corner / 2, 0, 1)))
    return np.asarray(np.minimum(np.where(np.isfinite(to_edge), edge, np.inf), corner).min(axis=1))


def _position(position: Any) -> tuple[float, float]:
    if not isinstance(position, Sequence) or isinstance(position, str) or len(position) not in {2, 3}:
        raise InvalidRegion("a position is a list of two numbers, right ascension and declination in degrees")
    ra, dec = position[0], position[1]
    for value in (ra, dec):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InvalidRegion(f"{value!r} is not a finite number of degrees")
    return float(ra), float(dec)


def _bounded(points: Vectors) -> Polygon:
    total = points.sum(axis=0)
    length = float(np.linalg.norm(total))
    if length < 1e-9:
        raise InvalidRegion("the polygon covers a hemisphere or more")
    center = total / length
    cosine = float((points @ center).min())
    if cosine <= 0:
        raise InvalidRegion("the polygon covers a hemisphere or more")
    return Polygon(points, center, min(1.0, cosine))


def _crosses_itself(points: Vectors) -> bool:
    count = len(points)
    if count < 4:
        return False
    starts, ends = points, np.roll(points, -1, axis=0)
    first, second = np.triu_indices(count, k=2)
    apart = ~((first == 0) & (second == count - 1))  # neighbours share a corner
    first, second = first[apart], second[apart]
    return bool(_properly_cross(starts[first], ends[first], starts[second], ends[second]).any())


def _properly_cross(a: Vectors, b: Vectors, c: Vectors, d: Vectors) -> NDArray[np.bool_]:
    """Which pairs of arcs a-b and c-d cross in a point that is an end of neither."""
    sides = [_side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)]
    opposite = (sides[0] * sides[1] < 0) & (sides[2] * sides[3] < 0)
    # Great circles meet in two antipodal points: both arcs must hold the same one.
    same_half = np.einsum("nj,nj->n", a + b, c + d) > 0
    return np.asarray(opposite & same_half)


def _side(a: Vectors, b: Vectors, point: Vectors) -> NDArray[np.float64]:
    value = np.einsum("...j,...j->...", np.cross(a, b), point)
    return np.where(np.abs(value) < _TOUCHING, 0.0, value)


def _edges_cross(vertices: NDArray[np.float64], others: Vectors) -> NDArray[np.bool_]:
    """Which polygons (m, k, 3) have an edge that meets an edge of another one (n, 3)."""
    starts, ends = vertices[:, :, np.newaxis, :], np.roll(vertices, -1, axis=1)[:, :, np.newaxis, :]
    froms, tos = others[np.newaxis, np.newaxis], np.roll(others, -1, axis=0)[np.newaxis, np.newaxis]
    first, second = _side(starts, ends, froms), _side(starts, ends, tos)
    third, fourth = _side(froms, tos, starts), _side(froms, tos, ends)
    same_half = np.einsum("...j,...j->...", starts + ends, froms + tos) > 0
    meets = (first * second <= 0) & (third * fourth <= 0) & same_half
    parallel = (first == 0) & (second == 0) & (third == 0) & (fourth == 0)  # both arcs on one great circle
    touching = parallel & (_between(starts, ends, froms) | _between(starts, ends, tos) | _between(froms, tos, starts))
    return np.asarray(((meets & ~parallel) | touching).any(axis=(1, 2)))


def _between(start: Any, end: Any, point: Any) -> NDArray[np.bool_]:
    """Whether points on the great circle of an arc lie on the arc."""
    span = np.einsum("...j,...j->...", start, end)
    return np.asarray(
        (np.einsum("...j,...j->...", start, point) >= span - _TOUCHING)
        & (np.einsum("...j,...j->...", end, point) >= span - _TOUCHING)
    )


def _on_an_edge(vertices: NDArray[np.float64], following: NDArray[np.float64], point: Vectors) -> NDArray[np.bool_]:
    normals = _normalised(np.cross(vertices, following))
    off = np.abs(np.einsum("mkj,mkj->mk", normals, np.broadcast_to(point, normals.shape)))
    return np.asarray((off < _TOUCHING) & _between(vertices, following, np.broadcast_to(point, vertices.shape)))


def _normalised(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0))
