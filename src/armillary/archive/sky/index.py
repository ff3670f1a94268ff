"""An index of footprints that needs nothing of a database but a b-tree.

A footprint is filed under the HEALPix cell (nested, order 29) of its centre and under a size class. A search asks, for
each class, for the cells within the searched radius plus the largest radius of the class: a handful of ranges. What
comes back is checked against bounding circles, in SQL, and then against the exact polygons.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from armillary.archive.sky.polygons import Polygon, Vectors

_ORDER: Final = 29
LARGEST_RADII_DEG: Final = (0.15, 0.6, 2.5)
"""Footprints up to these radii form size classes 0, 1, 2; class 3 holds everything larger, and is not divided."""
UNDIVIDED: Final = len(LARGEST_RADII_DEG)
_FINEST_COVER: Final = 12


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What is stored of a footprint to find it again."""

    cell: int
    """HEALPix cell of the centre, nested, order 29."""
    size_class: int
    x: float
    y: float
    z: float
    """Unit vector of the centre."""
    cosine_radius: float
    sine_radius: float


@dataclass(frozen=True, slots=True)
class CellRange:
    """Cells of one size class to look in, both ends included."""

    size_class: int
    first: int
    last: int


def index_entry(polygon: Polygon) -> IndexEntry:
    """Where a footprint is filed."""
    return next(index_entries(polygon.center[np.newaxis], np.array([polygon.cosine_radius])))


def index_entries(centers: Vectors, cosine_radii: NDArray[np.float64]) -> Iterator[IndexEntry]:
    """Where footprints are filed, given the centres of their bounding circles and the cosines of their radii."""
    classes = np.searchsorted(LARGEST_RADII_DEG, np.degrees(np.arccos(np.clip(cosine_radii, -1, 1))))
    sines = np.sqrt(np.maximum(0, 1 - cosine_radii**2))
    columns = (_cells(centers), classes, *centers.T, cosine_radii, sines)
    return map(IndexEntry, *(column.tolist() for column in columns))


@lru_cache(maxsize=1024)
def cell_ranges(x: float, y: float, z: float, radius_deg: float) -> tuple[CellRange, ...]:
    """Where every footprint that comes within a radius of a direction is filed (and some others)."""
    ranges = [
        CellRange(number, first, last)
        for number, most in enumerate(LARGEST_RADII_DEG)
        for first, last in _cover(x, y, z, radius_deg + most)
    ]
    return (*ranges, CellRange(UNDIVIDED, 0, 12 * 4**_ORDER - 1))


def _cells(directions: Vectors) -> NDArray[np.int64]:
    from astropy import units
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix.nested import lonlat_to_healpix

    x, y, z = directions.T
    longitudes, latitudes = np.arctan2(y, x) % (2 * math.pi), np.arctan2(z, np.hypot(x, y))
    cells = lonlat_to_healpix(
        Longitude(longitudes, units.rad, copy=False), Latitude(latitudes, units.rad, copy=False), _ORDER, num_threads=1
    )  # for the few that are asked for at once, threads take longer to start than to work
    return np.asarray(cells.astype(np.int64))


def _cover(x: float, y: float, z: float, radius_deg: float) -> list[tuple[int, int]]:
    """Ranges of order-29 cells that cover a cone; adjacent ones are joined."""
    if radius_deg >= 90:
        return [(0, 12 * 4**_ORDER - 1)]
    from astropy import units
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix.nested import cone_search

    longitude, latitude = math.atan2(y, x) % (2 * math.pi), math.atan2(z, math.hypot(x, y))
    # Cells about a third of the cone: few ranges, little beyond the cone. A cell of order n is about 58.6/2^n degrees.
    order = max(0, min(_FINEST_COVER, round(math.log2(58.6 / radius_deg)) + 1))
    cells, orders, _ = cone_search(
        Longitude(longitude * units.rad), Latitude(latitude * units.rad), radius_deg * units.deg, order
    )
    shifts = 2 * (_ORDER - orders.astype(np.int64))
    firsts = np.sort(np.left_shift(cells.astype(np.int64), shifts))
    by_first = np.argsort(np.left_shift(cells.astype(np.int64), shifts))
    lasts = (np.left_shift(cells.astype(np.int64) + 1, shifts) - 1)[by_first]
    joined: list[tuple[int, int]] = []
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        if joined and first == joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined
