"""The door to the compiled loops: opened when numba is installed, with a word when it takes seconds."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from armillary.riseset.constraints import Constraints
from armillary.riseset.crossings import Segments
from armillary.riseset.daynodes import day_nodes
from armillary.riseset.interpolation import NODES_AFTER, NODES_BEFORE
from armillary.riseset.limits import altitude_limits
from armillary.riseset.nights import usable
from armillary.riseset.quantities import DAY_S
from armillary.riseset.sites import Site
from armillary.riseset.sky import Blocks, sky_of
from armillary.riseset.targets import SiderealTarget
from armillary.riseset.timescales import FloatArray
from armillary.riseset.topocentric import observers_at
from armillary.riseset.tracks import IntArray, catalogue, days_of

if TYPE_CHECKING:  # numba takes half a second to import: not before it is needed
    from armillary.riseset.compiled.arrays import MoonTable, Nights, Rotation

_LOG = logging.getLogger(__name__)


@cache
def is_available() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


@cache
def _star_windows() -> Any:
    """The compiled loop; numba is imported, and the loop loaded from numba's cache or compiled, at the first call."""
    from numba.core import event

    from armillary.riseset.compiled.windows import star_windows

    class Announcement(event.Listener):
        """Says so once, at the first function of ours that numba finds in no cache and compiles."""

        said = False

        def on_start(self, event: Any) -> None:
            ours = event.data["dispatcher"].py_func.__module__.startswith("armillary.riseset.")
            if ours and not self.said:
                _LOG.warning("compiling the loops of armillary.riseset, once on this machine: some seconds.")
                self.said = True

        def on_end(self, event: Any) -> None:
            """As numba asks for; the end needs no word."""

    register: Any = event.register  # untyped
    register("numba:compile", Announcement())
    return star_windows


@lru_cache(maxsize=256)
def _places(sites: tuple[Site, ...], constraints: Constraints) -> FloatArray:
    """Rows of :class:`armillary.riseset.compiled.arrays.Place`."""
    observers = observers_at(sites)
    limits = [altitude_limits(site, constraints) for site in sites]
    lowest = [math.sin(math.radians(limit.lowest_deg)) if limit.lowest_deg > -90.0 else -2.0 for limit in limits]
    highest = [
        math.sin(math.radians(limit.highest_deg)) if site.zenith_blind_spot_deg > 0.0 else 2.0
        for limit, site in zip(limits, sites, strict=True)
    ]
    hour_angles = [(site.ha_limit_neg_h, site.ha_limit_pos_h, float(site.limits_hour_angle)) for site in sites]
    low, high, limited = np.array(hour_angles).T
    columns = [
        observers.longitude,
        np.sin(observers.longitude),
        np.cos(observers.longitude),
        observers.sin_latitude,
        observers.cos_latitude,
        observers.from_axis,
        observers.from_equator,
        observers.velocity,
        lowest,
        highest,
        np.radians(15.0 * low),
        np.radians(15.0 * high),
        limited,
    ]
    return np.ascontiguousarray(np.stack(columns, axis=1))


@lru_cache(maxsize=256)
def _nights(blocks: Blocks, sites: tuple[Site, ...], constraints: Constraints) -> Nights:
    from armillary.riseset.compiled.arrays import Nights

    parts = [usable(blocks, site.location, constraints.twilight, constraints.max_moon_illumination) for site in sites]
    return Nights(
        offset=np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64),
        start=np.concatenate([part.start for part in parts]),
        end=np.concatenate([part.end for part in parts]),
    )


@lru_cache(maxsize=32)
def _earth_and_moon(blocks: Blocks) -> tuple[Rotation, MoonTable]:
    from armillary.riseset.compiled.arrays import MoonTable, Rotation

    sky = sky_of(blocks)
    table = np.column_stack([sky.theta, sky.theta_rate * DAY_S, sky.pole])
    rotation = Rotation(sky.first_day, np.ascontiguousarray(table))
    return rotation, MoonTable(sky.first_s, (sky.last_s - sky.first_s) / len(sky.moon), sky.moon)


def _call(
    function: Any,
    targets: Sequence[SiderealTarget],
    sites: Sequence[Site],
    span: tuple[float, float],
    constraints: Constraints,
    blocks: Blocks,
) -> tuple[Segments, IntArray]:
    first_day, last_day = days_of(*span)
    rotation, moon = _earth_and_moon(blocks)
    key = tuple(sites)
    distance = constraints.min_moon_distance_deg
    cell, windows, unresolved = function(
        catalogue(targets),
        day_nodes(first_day - NODES_BEFORE, last_day + NODES_AFTER),
        first_day,
        moon,
        rotation,
        _places(key, constraints),
        _nights(blocks, key, constraints),
        span,
        float(np.cos(np.radians(distance))) if distance > 0.0 else 2.0,
    )
    return Segments(cell, windows[:, 0], windows[:, 1]), unresolved


def star_segments(
    targets: Sequence[SiderealTarget],
    sites: Sequence[Site],
    span: tuple[float, float],
    constraints: Constraints,
    blocks: Blocks,
) -> tuple[Segments, IntArray]:
    """Windows of stars by the compiled loops: segments whose items are ``star * len(sites) + site``.

    Returns:
        The segments, and the items that the loops leave to :func:`armillary.riseset.filters.observable` because the
        star grazes a limit or stands at a pole.
    """
    return _call(_star_windows(), targets, sites, span, constraints, blocks)
