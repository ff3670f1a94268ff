"""The door to the compiled loops: opened when numba is installed, with a word when it takes seconds."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from armillary.riseset.constraints import Constraints
from armillary.riseset.crossings import Segments
from armillary.riseset.daynodes import day_table
from armillary.riseset.interpolation import NODES_AFTER, NODES_BEFORE
from armillary.riseset.limits import altitude_limits
from armillary.riseset.nights import usable
from armillary.riseset.quantities import DAY_S
from armillary.riseset.sites import Site
from armillary.riseset.sky import Blocks, blocks_of, sky_of
from armillary.riseset.targets import SiderealTarget
from armillary.riseset.timescales import FloatArray
from armillary.riseset.topocentric import observers_at
from armillary.riseset.tracks import IntArray, catalogue, days_of

Span = tuple[float, float]

_LOG = logging.getLogger(__name__)
_loading = threading.Lock()


@cache
def is_available() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


def _star_windows() -> Any:
    """The compiled loop.

    At the first call numba is imported, and the loop loaded from numba's cache or compiled. Threads wait for each
    other: numba does not bear being imported by two of them at once.
    """
    with _loading:
        return _loaded_star_windows()


@cache
def _loaded_star_windows() -> Any:
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


class Context(NamedTuple):
    """All but the stars that :func:`armillary.riseset.compiled.windows.star_windows` asks for, in its order."""

    days: FloatArray
    moon_coefficients: FloatArray
    rotation_table: FloatArray
    places: FloatArray
    offset: IntArray
    nights: FloatArray
    numbers: tuple[float, float, float, float, float, float, float]


@lru_cache(maxsize=32)
def _rotation_table(blocks: Blocks) -> FloatArray:
    sky = sky_of(blocks)
    return np.ascontiguousarray(np.column_stack([sky.theta, sky.theta_rate * DAY_S, sky.pole]))


@lru_cache(maxsize=256)
def _context(sites: tuple[Site, ...], constraints: Constraints, span: Span) -> Context:
    """What a question has in common with others about the same sites and span; a few kB besides what others keep."""
    blocks = blocks_of(*span)
    sky = sky_of(blocks)
    first_day, last_day = days_of(*span)
    nights = [usable(blocks, site.location, constraints.twilight, constraints.max_moon_illumination) for site in sites]
    distance_deg = constraints.min_moon_distance_deg
    return Context(
        days=day_table(first_day - NODES_BEFORE, last_day + NODES_AFTER),
        moon_coefficients=sky.moon,
        rotation_table=_rotation_table(blocks),
        places=_places(sites, constraints),
        offset=np.cumsum([0, *(len(night) for night in nights)], dtype=np.int64),
        nights=np.concatenate([np.column_stack([night.start, night.end]) for night in nights]),
        numbers=(
            float(first_day),
            sky.first_s,
            (sky.last_s - sky.first_s) / len(sky.moon),
            float(sky.first_day),
            *span,
            math.cos(math.radians(distance_deg)) if distance_deg > 0.0 else 2.0,
        ),
    )


class StarWindows(NamedTuple):
    """Windows of stars; those of a cell, ``star * len(sites) + site``, are ``offsets[cell]`` to ``offsets[cell + 1]``.

    The ``unresolved`` cells the loops leave to :func:`armillary.riseset.filters.observable`, because the star grazes a
    limit or stands at a pole.
    """

    start: FloatArray
    end: FloatArray
    offsets: IntArray
    unresolved: IntArray

    def segments(self) -> Segments:
        """The windows as segments whose items are their cells."""
        return Segments(np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets)), self.start, self.end)


def star_windows(
    targets: Sequence[SiderealTarget], sites: tuple[Site, ...], span: Span, constraints: Constraints
) -> StarWindows:
    """Windows of stars by the compiled loops."""
    windows, integers = _star_windows()(catalogue(targets), *_context(sites, constraints, span))
    cells = len(targets) * len(sites) + 1
    return StarWindows(windows[0], windows[1], integers[:cells], integers[cells:])
