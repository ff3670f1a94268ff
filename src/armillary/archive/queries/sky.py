from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from django.db import connection
from django.db.models import QuerySet

from armillary.archive.models import Frame
from armillary.archive.queries.among import among
from armillary.archive.sky import polygons
from armillary.archive.sky.index import CellRange, cell_ranges
from armillary.archive.sky.words import Cone, Point, Region

_ROUNDING: Final = 1e-13
"""Slack of the bounding-circle test, in cosine: it only selects candidates."""
_AT_A_TIME: Final = 20_000
_PARTS: Final = 100
"""SELECTs in one statement; databases allow only so many."""

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
    cosine, sine = float(np.cos(np.radians(radius_deg))), float(np.sin(np.radians(radius_deg)))
    circle = [x, y, z, cosine, sine, _ROUNDING]
    table = connection.ops.quote_name(Frame._meta.db_table)  # noqa: SLF001  Django documents _meta
    if connection.vendor == "sqlite":
        # Its statistics know how many rows a size class has on average, and not that the largest one is nearly empty.
        table += " INDEXED BY archive_by_sky"
    clauses = _clauses(ranges)
    parts = [f"SELECT id, vertices FROM {table} WHERE {clause} AND {_CIRCLE}" for clause in clauses]  # noqa: S608  only names, numbers and placeholders
    with connection.cursor() as cursor:
        for start in range(0, len(parts), _PARTS):
            own = parts[start : start + _PARTS]
            cursor.execute(" UNION ALL ".join(own), circle * len(own))
            while rows := cursor.fetchmany(_AT_A_TIME):
                yield from _grouped(rows)


def _clauses(ranges: Iterable[CellRange]) -> list[str]:
    """Where to look, each in a SELECT of its own, so that databases walk the index whatever they estimate.

    SQLite walks it once for each range. PostgreSQL joins the places of all ranges of a size class before it reads any
    row, which takes less time, and much less to plan.
    """
    if connection.vendor == "sqlite":
        return [f"size_class = {own.size_class} AND cell BETWEEN {own.first} AND {own.last}" for own in ranges]
    by_class: dict[int, list[str]] = {}
    for own in ranges:
        by_class.setdefault(own.size_class, []).append(f"cell BETWEEN {own.first} AND {own.last}")
    return [f"size_class = {number} AND ({' OR '.join(cells)})" for number, cells in by_class.items()]


def _grouped(rows: list[tuple[int, Any]]) -> Iterator[_Batch]:
    keys, vertices = zip(*rows, strict=True)
    sizes = np.fromiter(map(len, vertices), np.intp, len(vertices))
    alike = np.argsort(sizes, kind="stable")
    for own in np.split(alike, np.flatnonzero(np.diff(sizes[alike])) + 1):
        yield _Batch([keys[row] for row in own], b"".join([vertices[row] for row in own]))


def _bounding_circle(region: Region) -> tuple[Any, float]:
    if isinstance(region, Point):
        return region.direction, 0.0
    if isinstance(region, Cone):
        return region.direction, region.radius_deg
    return region.center, region.radius_deg
