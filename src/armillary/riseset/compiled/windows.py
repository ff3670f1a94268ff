"""All windows of many stars at many sites, in one loop."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from armillary.riseset.compiled.arrays import (
    IntArray,
    MoonTable,
    Nights,
    Place,
    Rotation,
    Star,
    compiled,
    place_of,
)
from armillary.riseset.compiled.edges import NEVER, UNRESOLVED, arcs_of_piece, edges_of_piece, is_within_limits
from armillary.riseset.compiled.moonlight import is_clear, moon_edges, side_throughout
from armillary.riseset.compiled.stars import fill_coefficients, fill_equatorial, fill_nodes
from armillary.riseset.interpolation import NODES_AFTER, NODES_BEFORE
from armillary.riseset.timescales import FloatArray

_LONGEST_PIECE_S: Final = 72_000.0  # a longer night (polar, or no twilight asked for) is cut at the beginnings of days
_DAY_S: Final = 86_400.0
_WINDOWS_OF_PIECE: Final = 32
_EDGES: Final = 64  # of one piece: two altitudes and two hour angles, twice each at most; the Moon's are few


@compiled
def _appended(windows: FloatArray, count: int, start_s: float, end_s: float) -> int:
    """Add a window to those of a cell, or lengthen the last of them if it touches; their new number."""
    if count > 0 and windows[count - 1, 1] == start_s:
        windows[count - 1, 1] = end_s
        return count
    windows[count, 0], windows[count, 1] = start_s, end_s
    return count + 1


@compiled
def _add_clear_of_moon(
    windows: FloatArray,
    count: int,
    start_s: float,
    end_s: float,
    cos_limit: float,
    edges: FloatArray,
    star: Star,
    moon: MoonTable,
    rotation: Rotation,
    place: Place,
) -> int:
    """Add the parts of a window that are far enough from the Moon; the new number of windows."""
    side = 1
    if cos_limit < 1.0:
        side = side_throughout(start_s, end_s, cos_limit, star, moon, rotation, place)
    if side > 0:
        return _appended(windows, count, start_s, end_s)
    if side < 0:
        return count
    last = moon_edges(edges, start_s, end_s, cos_limit, star, moon, rotation, place)
    edges[last] = end_s
    low = start_s
    for number in range(last + 1):
        high = edges[number]
        middle = (low + high) / 2.0
        if high > low and is_clear(middle, cos_limit, star, moon, rotation, place):
            count = _appended(windows, count, low, high)
        low = high
    return count


@compiled
def _add_piece(
    windows: FloatArray,
    count: int,
    start_s: float,
    end_s: float,
    cos_limit: float,
    edges: FloatArray,
    star: Star,
    moon: MoonTable,
    rotation: Rotation,
    place: Place,
) -> int:
    """Add the windows of one piece of a night; the new number of windows, or ``UNRESOLVED``."""
    own = edges[0]
    arcs = arcs_of_piece(start_s, end_s, star, rotation, place)
    last = edges_of_piece(own, arcs, start_s, end_s, star, rotation, place)
    if last < 0:
        return count if last == NEVER else UNRESOLVED
    own[last] = end_s
    low, begin = start_s, math.nan
    for number in range(last + 1):
        high = own[number]
        inside = is_within_limits(low, high, arcs, start_s, star, rotation, place)
        if inside and math.isnan(begin):
            begin = low
        ends_here = not inside or number == last
        if ends_here and not math.isnan(begin):
            count = _add_clear_of_moon(
                windows,
                count,
                begin,
                high if inside else low,
                cos_limit,
                edges[1],
                star,
                moon,
                rotation,
                place,
            )
            begin = math.nan
        low = high
    return count


@compiled
def _can_be_up(star: Star, place: Place) -> bool:
    """Whether the star reaches the lowest altitude on any day, generously."""
    equatorial = star.equatorial
    for sin_dec, cos_dec in ((equatorial[0, 1], equatorial[0, 2]), (equatorial[-1, 1], equatorial[-1, 2])):
        top = sin_dec * place.sin_latitude + cos_dec * place.cos_latitude
        if top > place.lowest - 0.01:
            return True
    return False


@compiled
def _windows_of_cell(
    windows: FloatArray,
    site: int,
    span: tuple[float, float],
    cos_limit: float,
    edges: FloatArray,
    star: Star,
    moon: MoonTable,
    rotation: Rotation,
    place: Place,
    nights: Nights,
) -> int:
    """Write the windows of one star at one site; their number, or ``UNRESOLVED``."""
    count = 0
    if not _can_be_up(star, place):
        return count
    for night in range(nights.offset[site], nights.offset[site + 1]):
        low, last = max(nights.span[night, 0], span[0]), min(nights.span[night, 1], span[1])
        while low < last:
            high = last
            if last - low > _LONGEST_PIECE_S:
                high = min(last, (math.floor(low / _DAY_S) + 1.0) * _DAY_S)
            if count + _WINDOWS_OF_PIECE > len(windows):
                return UNRESOLVED
            count = _add_piece(
                windows,
                count,
                low,
                high,
                cos_limit,
                edges,
                star,
                moon,
                rotation,
                place,
            )
            if count < 0:
                return UNRESOLVED
            low = high
    return count


@compiled
def star_windows(
    catalogue: FloatArray,
    days: FloatArray,
    moon_coefficients: FloatArray,
    rotation_table: FloatArray,
    places: FloatArray,
    offset: IntArray,
    nights: FloatArray,
    numbers: tuple[float, float, float, float, float, float, float],
) -> tuple[FloatArray, IntArray]:
    """All windows of stars at sites. Few and plain arrays: handing them over is half the time of a small question.

    Args:
        catalogue: rows of :func:`armillary.riseset.tracks.catalogue`.
        days: :func:`armillary.riseset.daynodes.day_table` of the days of the span, and ``NODES_BEFORE`` and
            ``NODES_AFTER`` around them.
        moon_coefficients: of a :class:`armillary.riseset.compiled.arrays.MoonTable`.
        rotation_table: of a :class:`armillary.riseset.compiled.arrays.Rotation`.
        places: rows of :class:`armillary.riseset.compiled.arrays.Place`, (sites, 13).
        offset: the nights of a site are numbers ``offset[site]`` to ``offset[site + 1]`` (exclusive).
        nights: start and end (TAI seconds), (n, 2).
        numbers: first day of the span; first second and step of the Moon's table; first day of the rotation's; the
            span (TAI seconds); and the cosine of the least distance from the Moon, more than 1 where there is none.

    Returns:
        The windows (TAI seconds), (2, n): starts, then ends, in order of cell (star * sites + site) and time. And one
        array of integers: where the windows of each cell begin, (cells + 1), followed by the unresolved cells, which
        have no windows here.
    """
    day, moon_first_s, moon_step_s, rotation_day, start_s, end_s, cos_limit = numbers
    first_day, span = int(day), (start_s, end_s)
    moon = MoonTable(moon_first_s, moon_step_s, moon_coefficients)
    rotation = Rotation(int(rotation_day), rotation_table)
    n_sites, n_nodes = len(places), len(days)
    nodes = np.empty((n_nodes, 3))
    coefficients = np.empty((n_nodes - NODES_BEFORE - NODES_AFTER, 4, 3))
    equatorial = np.empty((len(coefficients), 3))
    edges = np.empty((2, _EDGES))
    windows_of_cell = np.empty((_WINDOWS_OF_PIECE * (len(coefficients) + 4), 2))
    n_cells = len(catalogue) * n_sites
    windows = np.empty((2, 4 * n_cells + 64))
    integers, count, n_integers = np.empty(2 * n_cells + 1, np.int64), 0, n_cells + 1
    integers[0] = 0
    for cell in range(n_cells):
        star, site = cell // n_sites, cell % n_sites
        if site == 0:
            fill_nodes(nodes, catalogue[star], days)
            fill_coefficients(coefficients, nodes)
            fill_equatorial(equatorial, coefficients)
        found = _windows_of_cell(
            windows_of_cell,
            site,
            span,
            cos_limit,
            edges,
            Star(first_day, coefficients, equatorial),
            moon,
            rotation,
            place_of(places, site),
            Nights(offset, nights),
        )
        if found == UNRESOLVED:
            integers[n_integers] = cell
            n_integers += 1
            found = 0
        if count + found > windows.shape[1]:
            windows = _longer(windows, count, count + found)
        for number in range(found):
            windows[0, count + number] = windows_of_cell[number, 0]
            windows[1, count + number] = windows_of_cell[number, 1]
        count += found
        integers[cell + 1] = count
    return windows[:, :count].copy(), integers[:n_integers]


@compiled
def _longer(windows: FloatArray, count: int, needed: int) -> FloatArray:
    """The same windows in an array with room for more."""
    more = np.empty((2, max(needed, 2 * windows.shape[1])))
    more[:, :count] = windows[:, :count]
    return more
