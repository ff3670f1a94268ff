"""What the compiled loops read: named tuples of arrays, which numba passes as they are.

Numba's cache on disk refers to these classes by name, even when their code has changed and the entry is stale: a class
may gain fields, but one that is renamed or removed must leave its old name behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from armillary.riseset.timescales import FloatArray

P = ParamSpec("P")
R = TypeVar("R")
IntArray = NDArray[np.int64]


# The modules outside of this folder from which the loops take anything.
BORROWED_FROM: Final = ("daynodes", "interpolation", "nights", "quantities", "timescales")


def _fingerprint() -> str:
    """Of all the sources that the loops are made from."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *(folder.parent / f"{name}.py" for name in BORROWED_FROM)]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_SOURCES: Final = _fingerprint()


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function when it is first called, once for this machine: numba keeps the result on disk.

    Numba by itself asks only whether the function's own file has changed. What it calls is compiled into it, so all
    these sources count here. Where there is no folder that may be written to, each process compiles for itself.
    """
    fast: Any
    try:
        fast = numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # no locator available
        fast = numba.njit(error_model="numpy")(function)
    index = getattr(getattr(fast, "_cache", None), "_cache_file", None)
    if index is not None:
        index._source_stamp = _SOURCES  # noqa: SLF001 - numba has no public way; the tests look whether it works
    return cast("Callable[P, R]", fast)


class Rotation(NamedTuple):
    """The turning Earth on days from ``first_day`` on.

    ``table`` (days, 6): Earth rotation angle at the beginning of the day and its growth per day; coordinates of the
    pole, x and y, and their growth per day. All in rad.
    """

    first_day: int
    table: FloatArray


class MoonTable(NamedTuple):
    """The Moon's geocentric apparent place in CIRS: cubic coefficients (intervals, 4, 3), au."""

    first_s: float
    step_s: float
    coefficients: FloatArray


class Place(NamedTuple):
    """A site as of :class:`armillary.riseset.topocentric.Observers`, and what limits its view.

    ``lowest`` and ``highest`` are sines of airless altitudes, -2 and 2 where there is no limit; hour angles in rad, of
    which ``limits_hour_angle`` (0 or 1) tells whether they limit anything.
    """

    longitude: float
    sin_longitude: float
    cos_longitude: float
    sin_latitude: float
    cos_latitude: float
    from_axis: float
    from_equator: float
    velocity: float
    lowest: float
    highest: float
    hour_angle_low: float
    hour_angle_high: float
    limits_hour_angle: float


@compiled
def place_of(table: FloatArray, site: int) -> Place:
    """The row of a site in a table of (sites, 13)."""
    return Place(
        table[site, 0],
        table[site, 1],
        table[site, 2],
        table[site, 3],
        table[site, 4],
        table[site, 5],
        table[site, 6],
        table[site, 7],
        table[site, 8],
        table[site, 9],
        table[site, 10],
        table[site, 11],
        table[site, 12],
    )


class Star(NamedTuple):
    """A star on days from ``first_day`` on.

    ``coefficients`` (days, 4, 3) interpolate its apparent direction in CIRS; ``equatorial`` (days, 3) holds right
    ascension (rad), sine and cosine of the declination at the beginning of each day.
    """

    first_day: int
    coefficients: FloatArray
    equatorial: FloatArray


class Nights(NamedTuple):
    """Usable spans (start and end, TAI seconds) of every site: ``offset[site]`` to ``offset[site + 1]`` (exclusive)."""

    offset: IntArray
    span: FloatArray
