"""When can these sites observe these targets?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, cast, overload

import numpy as np

from armillary.riseset import acceleration, fixed
from armillary.riseset.constraints import Constraints
from armillary.riseset.crossings import Segments
from armillary.riseset.errors import InvalidConstraint, InvalidSite, InvalidTarget
from armillary.riseset.filters import Question, observable, usable_segments
from armillary.riseset.intervals import Window
from armillary.riseset.quantities import DAY_S
from armillary.riseset.sites import Site
from armillary.riseset.sky import Blocks, blocks_of, sky_of
from armillary.riseset.table import WindowTable, table_of
from armillary.riseset.targets import FixedTarget, SiderealTarget, Target
from armillary.riseset.timescales import require_span, tai_from_unix, unix_from_tai
from armillary.riseset.tracks import IntArray, tracks_of

Span = tuple[float, float]
_TARGET_SITE_DAYS_AT_ONCE: Final = 100_000  # about 300 MB
_SHORTEST_WINDOW_S: Final = 1e-6
_NO_MORE_THAN_NAUTICAL_DARKNESS: Final = Constraints()


@overload
def observable_windows(
    targets: Sequence[Target],
    sites: Sequence[Site],
    start: datetime,
    end: datetime,
    constraints: Constraints | Sequence[Constraints] = ...,
    *,
    as_arrays: Literal[False] = ...,
    compiled: bool | None = ...,
) -> list[list[list[Window]]]: ...


@overload
def observable_windows(
    targets: Sequence[Target],
    sites: Sequence[Site],
    start: datetime,
    end: datetime,
    constraints: Constraints | Sequence[Constraints] = ...,
    *,
    as_arrays: Literal[True],
    compiled: bool | None = ...,
) -> WindowTable: ...


def observable_windows(
    targets: Sequence[Target],
    sites: Sequence[Site],
    start: datetime,
    end: datetime,
    constraints: Constraints | Sequence[Constraints] = _NO_MORE_THAN_NAUTICAL_DARKNESS,
    *,
    as_arrays: bool = False,
    compiled: bool | None = None,
) -> list[list[list[Window]]] | WindowTable:
    """When each site can observe each target within ``[start, end)``.

    Args:
        targets: any mixture of kinds. Ask for many at once: what they share is computed once.
        sites: with their horizons, hour-angle limits and blind spots.
        start: aware datetime of any zone.
        end: the same, not before ``start``.
        constraints: one for all targets, or one for each.
        as_arrays: return a :class:`WindowTable` rather than datetimes.
        compiled: whether compiled loops (numba) find the windows of sidereal targets; None: when numba is installed.
            The windows are the same.

    Returns:
        ``[target][site]`` -> sorted, disjoint, half-open windows of aware UTC datetimes; or the table.

    Raises:
        InvalidTime, EphemerisRange: of the span.
        InvalidTarget, InvalidSite, InvalidConstraint: something else than a target, a site, a set of constraints.
        ImportError: ``compiled`` loops were asked for, but numba is not installed.
    """
    unix_span = require_span(start, end)
    targets, sites = _require_targets(targets), _require_sites(sites)
    chosen = _require_constraints(constraints, len(targets))
    first, last = (float(t) for t in tai_from_unix(np.array(unix_span)))
    some = last > first and bool(targets) and bool(sites)
    parts = _all_segments(targets, sites, (first, last), chosen, compiled=_use_compiled(compiled)) if some else []
    table = _table(parts, unix_span, (first, last), (len(targets), len(sites)))
    return table if as_arrays else table.to_lists()


def _use_compiled(asked: bool | None) -> bool:  # noqa: FBT001 - one argument, named by its function
    if asked and not acceleration.is_available():
        raise ImportError("compiled=True needs numba: pip install 'armillary[fast]'.")
    return acceleration.is_available() if asked is None else asked


def _require_targets(targets: Sequence[Target]) -> list[Target]:
    if isinstance(targets, Target):
        raise InvalidTarget("targets must be a sequence; put the one target into a list.")
    for index, target in enumerate(targets):
        if not isinstance(target, Target):
            raise InvalidTarget(f"targets[{index}] is not a target but {target!r}.")
    return list(targets)


def _require_sites(sites: Sequence[Site]) -> list[Site]:
    if isinstance(sites, Site):
        raise InvalidSite("sites must be a sequence; put the one site into a list.")
    for index, site in enumerate(sites):
        if not isinstance(site, Site):
            raise InvalidSite(f"sites[{index}] is not a Site but {site!r}.")
    return list(sites)


def _require_constraints(constraints: Constraints | Sequence[Constraints], count: int) -> list[Constraints]:
    if isinstance(constraints, Constraints):
        return [constraints] * count
    chosen = list(constraints)
    if len(chosen) != count:
        raise InvalidConstraint(
            f"give one set of constraints, or one for each of the {count} targets, not {len(chosen)}."
        )
    for index, item in enumerate(chosen):
        if not isinstance(item, Constraints):
            raise InvalidConstraint(f"constraints[{index}] is not a set of Constraints but {item!r}.")
    return chosen


def _all_segments(
    targets: list[Target], sites: list[Site], span: Span, constraints: list[Constraints], *, compiled: bool
) -> list[Segments]:
    """Segments whose items are cells of the table, group by group of equal constraints."""
    blocks = blocks_of(*span)
    groups: dict[Constraints, list[int]] = {}
    for index, chosen in enumerate(constraints):
        groups.setdefault(chosen, []).append(index)
    left_out = FixedTarget | SiderealTarget if compiled else FixedTarget
    parts = []
    for chosen, members in groups.items():
        fixed_ones = [i for i in members if isinstance(targets[i], FixedTarget)]
        parts += [_fixed_segments(targets[i], i, sites, span, chosen, blocks) for i in fixed_ones]
        stars = [i for i in members if compiled and isinstance(targets[i], SiderealTarget)]
        if stars:
            parts += _compiled_segments(targets, np.array(stars), sites, span, chosen, blocks)
        moving = [i for i in members if not isinstance(targets[i], left_out)]
        parts += _searched_segments(targets, moving, sites, span, chosen, blocks)
    return parts


def _compiled_segments(
    targets: list[Target], chosen: IntArray, sites: list[Site], span: Span, constraints: Constraints, blocks: Blocks
) -> list[Segments]:
    """Stars by the compiled loops; what these leave open by the search."""
    stars = [cast("SiderealTarget", targets[i]) for i in chosen.tolist()]
    found, unresolved = acceleration.star_segments(stars, sites, span, constraints, blocks)
    star, site = np.divmod(found.item, len(sites))
    parts = [Segments(chosen[star] * len(sites) + site, found.start, found.end)]
    for item in unresolved.tolist():
        index, site_index = int(chosen[item // len(sites)]), item % len(sites)
        [segments] = _searched_segments(targets, [index], [sites[site_index]], span, constraints, blocks)
        cell = np.full(len(segments), index * len(sites) + site_index)
        parts.append(Segments(cell, segments.start, segments.end))
    return parts


def _searched_segments(
    targets: list[Target], chosen: list[int], sites: list[Site], span: Span, constraints: Constraints, blocks: Blocks
) -> list[Segments]:
    """Targets of any kind that moves over the ground, so many at a time that memory stays bounded."""
    days = (span[1] - span[0]) / DAY_S + 1.0
    at_once = max(1, int(_TARGET_SITE_DAYS_AT_ONCE / (days * len(sites))))
    parts = []
    for first in range(0, len(chosen), at_once):
        batch = chosen[first : first + at_once]
        for local, tracks in tracks_of([targets[i] for i in batch], sky_of(blocks), span):
            question = Question(tracks, len(local), tuple(sites), constraints, blocks)
            found = observable(question, span)
            track, site = question.split(found.item)
            index = np.array(batch)[np.array(local)][track]
            parts.append(Segments(index * len(sites) + site, found.start, found.end))
    return parts


def _fixed_segments(
    target: Target, index: int, sites: list[Site], span: Span, constraints: Constraints, blocks: Blocks
) -> Segments:
    assert isinstance(target, FixedTarget)  # noqa: S101 - the caller chose it so
    only_dark = Constraints(twilight=constraints.twilight)
    nights = usable_segments([site.location for site in sites], 1, only_dark, blocks, span)
    reachable = np.array([fixed.is_reachable(target, site, constraints) for site in sites])
    kept = nights.take(reachable[nights.item])
    return Segments(kept.item + index * len(sites), kept.start, kept.end)


def _table(parts: list[Segments], unix_span: Span, tai_span: Span, shape: tuple[int, int]) -> WindowTable:
    if not parts:
        return table_of(np.empty(0, np.int64), np.empty(0), np.empty(0), shape)
    cell, start, end = parts[0].item, parts[0].start, parts[0].end
    if len(parts) > 1:
        cell = np.concatenate([part.item for part in parts])
        start = np.concatenate([part.start for part in parts])
        end = np.concatenate([part.end for part in parts])
        order = np.lexsort((start, cell))
        cell, start, end = cell[order], start[order], end[order]
    offset = tai_span[0] - unix_span[0]
    if tai_span[1] - unix_span[1] == offset:  # no leap second between
        start, end = start - offset, end - offset
    else:
        start, end = unix_from_tai(start), unix_from_tai(end)
    # The span's own ends come back exactly as they were given.
    start, end = np.maximum(start, unix_span[0]), np.minimum(end, unix_span[1])
    some = end - start > _SHORTEST_WINDOW_S
    if not some.all():
        cell, start, end = cell[some], start[some], end[some]
    return table_of(cell, start, end, shape)
