"""When can these sites observe these targets?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, overload

import numpy as np

from armillary.riseset import fixed
from armillary.riseset.constraints import Constraints
from armillary.riseset.crossings import Segments
from armillary.riseset.errors import InvalidConstraint, InvalidSite, InvalidTarget
from armillary.riseset.filters import Question, observable, usable_segments
from armillary.riseset.intervals import Window
from armillary.riseset.sites import Site
from armillary.riseset.sky import Blocks, blocks_of, sky_of
from armillary.riseset.table import WindowTable, table_of
from armillary.riseset.targets import FixedTarget, Target
from armillary.riseset.timescales import require_span, tai_from_unix, unix_from_tai
from armillary.riseset.tracks import tracks_of

Span = tuple[float, float]
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
) -> WindowTable: ...


def observable_windows(
    targets: Sequence[Target],
    sites: Sequence[Site],
    start: datetime,
    end: datetime,
    constraints: Constraints | Sequence[Constraints] = _NO_MORE_THAN_NAUTICAL_DARKNESS,
    *,
    as_arrays: bool = False,
) -> list[list[list[Window]]] | WindowTable:
    """When each site can observe each target within ``[start, end)``.

    Args:
        targets: any mixture of kinds. Ask for many at once: what they share is computed once.
        sites: with their horizons, hour-angle limits and blind spots.
        start: aware datetime of any zone.
        end: the same, not before ``start``.
        constraints: one for all targets, or one for each.
        as_arrays: return a :class:`WindowTable` rather than datetimes.

    Returns:
        ``[target][site]`` -> sorted, disjoint, half-open windows of aware UTC datetimes; or the table.

    Raises:
        InvalidTime, EphemerisRange: of the span.
        InvalidTarget, InvalidSite, InvalidConstraint: something else than a target, a site, a set of constraints.
    """
    unix_span = require_span(start, end)
    targets, sites = _require_targets(targets), _require_sites(sites)
    chosen = _require_constraints(constraints, len(targets))
    first, last = (float(t) for t in tai_from_unix(np.array(unix_span)))
    parts = _all_segments(targets, sites, (first, last), chosen) if last > first and targets and sites else []
    table = _table(parts, unix_span, (len(targets), len(sites)))
    return table if as_arrays else table.to_lists()


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
    targets: list[Target], sites: list[Site], span: Span, constraints: list[Constraints]
) -> list[Segments]:
    """Segments whose items are cells of the table, group by group of equal constraints."""
    blocks = blocks_of(*span)
    groups: dict[Constraints, list[int]] = {}
    for index, chosen in enumerate(constraints):
        groups.setdefault(chosen, []).append(index)
    parts = []
    for chosen, members in groups.items():
        fixed_ones = [i for i in members if isinstance(targets[i], FixedTarget)]
        parts += [_fixed_segments(targets[i], i, sites, span, chosen, blocks) for i in fixed_ones]
        moving = [i for i in members if not isinstance(targets[i], FixedTarget)]
        for local, tracks in tracks_of([targets[i] for i in moving], sky_of(blocks)):
            question = Question(tracks, len(local), tuple(sites), chosen, blocks)
            found = observable(question, span)
            track, site = question.split(found.item)
            index = np.array(moving)[np.array(local)][track]
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


def _table(parts: list[Segments], unix_span: Span, shape: tuple[int, int]) -> WindowTable:
    if not parts:
        return table_of(np.empty(0, np.int64), np.empty(0), np.empty(0), shape)
    cell = np.concatenate([part.item for part in parts])
    start = np.concatenate([part.start for part in parts])
    end = np.concatenate([part.end for part in parts])
    if len(parts) > 1:
        order = np.lexsort((start, cell))
        cell, start, end = cell[order], start[order], end[order]
    # The span's own ends come back exactly as they were given.
    start, end = np.maximum(unix_from_tai(start), unix_span[0]), np.minimum(unix_from_tai(end), unix_span[1])
    some = end - start > 1e-6
    return table_of(cell[some], start[some], end[some], shape)
