"""What the apparent places of all stars share, day by day: the Earth's motion, and the frame of date."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from armillary.riseset.ephemeris import barycentric
from armillary.riseset.quantities import AU_KM, DAY_S, SPEED_OF_LIGHT_KM_S
from armillary.riseset.sky import BLOCK_DAYS, frame_at
from armillary.riseset.timescales import J2000_TAI_S, FloatArray, tdb_from_tai

_BLOCKS_KEPT: Final = 160  # 5 kB each
_JULIAN_YEAR_S: Final = 365.25 * DAY_S


class DayNodes(NamedTuple):
    """At the beginning of TAI days, (n, ...).

    Attributes:
        year: Julian epoch.
        frame: the GCRS to CIRS matrix, row by row, and the equation of the origins (rad), (n, 10).
        earth_au: barycentric place of the Earth, (n, 3).
        beta: barycentric velocity of the Earth over that of light, (n, 3).
        from_sun: unit vectors from the Sun to the Earth, (n, 3).
        sun_au: distance of the Sun.
    """

    year: FloatArray
    frame: FloatArray
    earth_au: FloatArray
    beta: FloatArray
    from_sun: FloatArray
    sun_au: FloatArray


@lru_cache(maxsize=_BLOCKS_KEPT)
def _of_block(number: int) -> DayNodes:
    tai = np.arange(number * BLOCK_DAYS, (number + 1) * BLOCK_DAYS, dtype=np.float64) * DAY_S
    tdb = tdb_from_tai(tai)
    earth, velocity = barycentric("earth", tdb)
    sun, _ = barycentric("sun", tdb)
    from_sun = (earth - sun) / AU_KM
    sun_au = np.linalg.norm(from_sun, axis=1)
    return DayNodes(
        year=2000.0 + (tai - J2000_TAI_S) / _JULIAN_YEAR_S,
        frame=frame_at(tai),
        earth_au=earth / AU_KM,
        beta=velocity / SPEED_OF_LIGHT_KM_S,
        from_sun=from_sun / sun_au[:, None],
        sun_au=sun_au,
    )


# Columns of the table of :func:`day_table`.
YEAR: Final = 0
FRAME: Final = 1
EARTH: Final = 11
BETA: Final = 14
FROM_SUN: Final = 17
SUN: Final = 20


@lru_cache(maxsize=64)
def day_table(first_day: int, last_day: int) -> FloatArray:
    """The nodes of days as one table, (days, 21): what compiled loops are handed soonest."""
    return np.ascontiguousarray(np.column_stack(day_nodes(first_day, last_day)))


@lru_cache(maxsize=64)
def day_nodes(first_day: int, last_day: int) -> DayNodes:
    """The nodes of the days ``first_day`` to ``last_day`` (exclusive). They are kept: do not write to them."""
    first_block, last_block = first_day // BLOCK_DAYS, (last_day - 1) // BLOCK_DAYS + 1
    parts = [_of_block(number) for number in range(first_block, last_block)]
    chosen = slice(first_day - first_block * BLOCK_DAYS, last_day - first_block * BLOCK_DAYS)
    return DayNodes(*(np.ascontiguousarray(np.concatenate(arrays)[chosen]) for arrays in zip(*parts, strict=True)))
