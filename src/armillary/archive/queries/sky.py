from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from django.db import connection
from django.db.models import QuerySet

from armillary.archive.models import Frame
from armillary.archive.queries.among import among
from armillary.archive.sky import polygons
from armillary.archive.sky.index import UNDIVIDED, cell_ranges
from armillary.archive.sky.words import Cone, Point, Region

_ROUNDING: Final = 1e-13
"""Slack of the bounding-circle test, in cosine: it only selects candidates."""
_AT_A_TIME: Final = 20_000

_CIRCLE = "center_x * %s + center_y * %s + center_z * %s >= cosine_radius * %s - sine_radius * %s - %s"


def intersecting(frames: QuerySet[Frame], region: Region) -> QuerySet[Frame]:
    """The frames whose footprint has a point in common with a region."""
    return among(frames, "pk", [frame for batch in _candidates(region) for frame in batch.touching(region)])


def covering(frames: QuerySet[Frame], region: Point | polygons.Polygon) -> QuerySet[Frame]:
    """The frames whose footprint contains the whole region."""
    return among(frames, "pk", [frame for batch in _candidates(region) for frame in batch.containing(region)])


class _Batch:
    """Candidates whose footprints have the same number of corners."""

    def __init__(self, frames: Sequence[int], corners: bytes) -> None:
        self._frames = np.array(frames)
        self._vertices = np.frombuffer(corners, dtype="<f8").reshape(len(frames), -1, 3)

    def touching(self, region: Region) -> list[int]:
        if isinstance(region, polygons.Polygon):
            return self._those(polygons.intersects(self._vertices, self._centers, region))
        if isinstance(region, Cone):
            return self._those(polygons.come_within(self._vertices, region.direction, region.radius_deg))
        return self.containing(region)

    def containing(self, region: Point | polygons.Polygon) -> list[int]:
        if isinstance(region, Point):
            return self._those(polygons.contains(self._vertices, self._centers, region.direction[np.newaxis]))
        inside = np.ones(len(self._frames), dtype=bool)
        for corner in region.vertices:
            inside &= polygons.contains(self._vertices, self._centers, corner[np.newaxis])
        return self._those(inside)

    @property
    def _centers(self) -> polygons.Vectors:
        return polygons.centers_of(self._vertices)

    def _those(self, chosen: Any) -> list[int]:
        found: list[int] = self._frames[chosen].tolist()
        return found


def _candidates(region: Region) -> Iterator[_Batch]:
    """The frames whose bounding circle touches that of the region, found by the index of cells."""
    center, radius_deg = _bounding_circle(region)
    x, y, z = (float(part) for part in center)
    ranges = cell_ranges(x, y, z, radius_deg)
    divided = [found for found in ranges if found.size_class != UNDIVIDED]
    cosine, sine = float(np.cos(np.radians(radius_deg))), float(np.sin(np.radians(radius_deg)))
    circle = [x, y, z, cosine, sine, _ROUNDING]
    clause = "size_class = %s AND cell BETWEEN %s AND %s"
    table = connection.ops.quote_name(Frame._meta.db_table)  # noqa: SLF001  Django documents _meta
    if connection.vendor == "sqlite":
        # Its statistics know how many rows a size class has on average, and not that the largest one is nearly empty.
        table += " INDEXED BY archive_by_sky"
    parts = [f"SELECT id, vertices FROM {table} WHERE {clause} AND {_CIRCLE}" for _ in divided]  # noqa: S608  only names and placeholders
    parts.append(f"SELECT id, vertices FROM {table} WHERE size_class = %s AND {_CIRCLE}")  # noqa: S608  the same
    parameters = [value for found in divided for value in (found.size_class, found.first, found.last, *circle)]
    with connection.cursor() as cursor:
        # Each range in a SELECT of its own: both databases then walk the index once for each, whatever they estimate.
        for start in range(0, len(parts), 100):
            own = parameters[start * 9 : (start + 100) * 9] + (
                [UNDIVIDED, *circle] if start + 100 >= len(parts) else []
            )
            cursor.execute(" UNION ALL ".join(parts[start : start + 100]), own)
            while rows := cursor.fetchmany(_AT_A_TIME):
                yield from _grouped(rows)


def _grouped(rows: list[tuple[int, Any]]) -> Iterator[_Batch]:
    sizes = [len(vertices) for _, vertices in rows]
    for own in sorted(set(sizes)):
        frames, corners = zip(*(row for row, size in zip(rows, sizes, strict=True) if size == own), strict=True)
        yield _Batch(frames, b"".join(corners))


def _bounding_circle(region: Region) -> tuple[Any, float]:
    if isinstance(region, Point):
        return region.direction, 0.0
    if isinstance(region, Cone):
        return region.direction, region.radius_deg
    return region.center, region.radius_deg
