"""When can these sites observe these targets?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple, cast, get_args, overload

import numpy as np

from armillary.riseset import acceleration, fixed
from armillary.riseset.constraints import Constraints
from armillary.riseset.crossings import Segments
from armillary.riseset.errors import InvalidConstraint, InvalidSite, InvalidTarget
from armillary.riseset.filters import Question, observable, usable_segments
from armillary.riseset.intervals import Window
from armillary.riseset.quantities import DAY_S
from armillary.riseset.sites import Site
from armillary.riseset.sky import blocks_of, sky_of
from armillary.riseset.table import WindowTable
from armillary.riseset.targets import FixedTarget, SiderealTarget, Target
from armillary.riseset.timescales import FloatArray, require_span, tai_of, unix_from_tai
from armillary.riseset.tracks import IntArray, tracks_of

Span = tuple[float, float]


class Spans(NamedTuple):
    """The span of a question in Unix seconds, as asked for, and in TAI seconds."""

    unix: Span
    tai: Span


_TARGET_SITE_DAYS_AT_ONCE: Final = 100_000  # about 300 MB
_SITE_DAYS_OF_A_BLOCK: Final = 12  # the six-hourly nodes of an orbit take as much as so many days of search
_KINDS: Final[tuple[type, ...]] = get_args(Target)
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
    shape = (len(targets), len(sites))
    groups = _groups(constraints, len(targets))
    spans = Spans(unix_span, (tai_of(unix_span[0]), tai_of(unix_span[1])))
    use_compiled = _use_compiled(compiled)
    if not targets or not sites or start == end:
        table = WindowTable(np.empty(0), np.empty(0), np.zeros(len(targets) * len(sites) + 1, np.int64), shape)
    elif use_compiled and len(groups) == 1 and all(isinstance(target, SiderealTarget) for target in targets):
        table = _stars_alone(cast("list[SiderealTarget]", targets), sites, spans, next(iter(groups)))
    else:
        parts = _all_segments(targets, sites, spans.tai, groups, compiled=use_compiled)
        table = _table_of_parts(parts, spans, shape)
    return table if as_arrays else table.to_lists()


def _use_compiled(asked: bool | None) -> bool:  # noqa: FBT001 - one argument, named by its function
    if asked and not acceleration.is_available():
        raise ImportError("compiled=True needs numba: pip install 'armillary[fast]'.")
    return acceleration.is_available() if asked is None else asked


def _require_targets(targets: Sequence[Target]) -> list[Target]:
    if isinstance(targets, _KINDS):
        raise InvalidTarget("targets must be a sequence; put the one target into a list.")
    chosen = list(targets)
    for index, target in enumerate(chosen):
        if not isinstance(target, _KINDS):
            raise InvalidTarget(f"targets[{index}] is not a target but {target!r}.")
    return chosen


def _require_sites(sites: Sequence[Site]) -> tuple[Site, ...]:
    if isinstance(sites, Site):
        raise InvalidSite("sites must be a sequence; put the one site into a list.")
    chosen = tuple(sites)
    for index, site in enumerate(chosen):
        if not isinstance(site, Site):
            raise InvalidSite(f"sites[{index}] is not a Site but {site!r}.")
    return chosen


def _groups(constraints: Constraints | Sequence[Constraints], count: int) -> dict[Constraints, list[int]]:
    """The indices of the targets that share a set of constraints."""
    if isinstance(constraints, Constraints):
        return {constraints: list(range(count))}
    chosen = list(constraints)
    if len(chosen) != count:
        raise InvalidConstraint(
            f"give one set of constraints, or one for each of the {count} targets, not {len(chosen)}."
        )
    groups: dict[Constraints, list[int]] = {}
    for index, item in enumerate(chosen):
        if not isinstance(item, Constraints):
            raise InvalidConstraint(f"constraints[{index}] is not a set of Constraints but {item!r}.")
        groups.setdefault(item, []).append(index)
    return groups


def _all_segments(
    targets: list[Target],
    sites: tuple[Site, ...],
    span: Span,
    groups: dict[Constraints, list[int]],
    *,
    compiled: bool,
) -> list[Segments]:
    """Segments whose items are cells of the table, group by group of equal constraints."""
    parts = []
    for chosen, members in groups.items():
        stars: list[int] = []
        moving: list[int] = []
        for index in members:
            if isinstance(targets[index], SiderealTarget) and compiled:
                stars.append(index)
            elif isinstance(targets[index], FixedTarget):
                parts.append(_fixed_segments(targets[index], index, sites, span, chosen))
            else:
                moving.append(index)
        if stars:
            parts += _compiled_segments(targets, stars, sites, span, chosen)
        parts += _searched_segments(targets, moving, sites, span, chosen)
    return parts


def _stars_alone(
    stars: list[SiderealTarget], sites: tuple[Site, ...], spans: Spans, constraints: Constraints
) -> WindowTable:
    """Nothing but stars, under one set of constraints: the loops' answer is the table, if they leave nothing open."""
    found, shape = acceleration.star_windows(stars, sites, spans.tai, constraints), (len(stars), len(sites))
    if not found.unresolved.size:
        return _table(found.offsets, found.start, found.end, spans, shape)
    parts = [found.segments(), *_unresolved_segments(found, stars, sites, spans.tai, constraints)]
    return _table_of_parts(parts, spans, shape)


def _compiled_segments(
    targets: list[Target], chosen: list[int], sites: tuple[Site, ...], span: Span, constraints: Constraints
) -> list[Segments]:
    """Stars among others by the compiled loops; what these leave open by the search."""
    stars = cast("list[SiderealTarget]", [targets[i] for i in chosen])
    found = acceleration.star_windows(stars, sites, span, constraints)
    parts = [found.segments(), *_unresolved_segments(found, stars, sites, span, constraints)]
    index = np.array(chosen)
    split = [(part, *np.divmod(part.item, len(sites))) for part in parts]
    return [Segments(index[star] * len(sites) + site, part.start, part.end) for part, star, site in split]


def _unresolved_segments(
    found: acceleration.StarWindows,
    stars: list[SiderealTarget],
    sites: tuple[Site, ...],
    span: Span,
    constraints: Constraints,
) -> list[Segments]:
    """What the loops leave open, by the search: site by site."""
    star, site = np.divmod(found.unresolved, len(sites))
    targets: list[Target] = [*stars]
    parts: list[Segments] = []
    for number in np.unique(site).tolist():
        chosen = star[site == number].tolist()
        answers = _searched_segments(targets, chosen, (sites[number],), span, constraints)
        parts += [Segments(part.item * len(sites) + number, part.start, part.end) for part in answers]
    return parts


def _searched_segments(
    targets: list[Target], chosen: list[int], sites: tuple[Site, ...], span: Span, constraints: Constraints
) -> list[Segments]:
    """Targets of any kind that moves over the ground, so many at a time that memory stays bounded."""
    if not chosen:
        return []
    blocks = blocks_of(*span)
    days = (span[1] - span[0]) / DAY_S + 1.0
    nodes = _SITE_DAYS_OF_A_BLOCK * (blocks[1] - blocks[0])
    at_once = max(1, int(_TARGET_SITE_DAYS_AT_ONCE / (days * len(sites) + nodes)))
    parts = []
    for first in range(0, len(chosen), at_once):
        batch = chosen[first : first + at_once]
        for local, tracks in tracks_of([targets[i] for i in batch], sky_of(blocks), span):
            question = Question(tracks, len(local), sites, constraints, blocks)
            found = observable(question, span)
            track, site = question.split(found.item)
            index = np.array(batch)[np.array(local)][track]
            parts.append(Segments(index * len(sites) + site, found.start, found.end))
    return parts


def _fixed_segments(
    target: Target, index: int, sites: tuple[Site, ...], span: Span, constraints: Constraints
) -> Segments:
    assert isinstance(target, FixedTarget)  # noqa: S101 - the caller chose it so
    only_dark = Constraints(twilight=constraints.twilight)
    nights = usable_segments([site.location for site in sites], 1, only_dark, blocks_of(*span), span)
    reachable = np.array([fixed.is_reachable(target, site, constraints) for site in sites])
    kept = nights.take(reachable[nights.item])
    return Segments(kept.item + index * len(sites), kept.start, kept.end)


def _table_of_parts(parts: list[Segments], spans: Spans, shape: tuple[int, int]) -> WindowTable:
    """A table from segments whose items are its cells."""
    item = np.concatenate([part.item for part in parts])
    start = np.concatenate([part.start for part in parts])
    end = np.concatenate([part.end for part in parts])
    order = np.lexsort((start, item))
    offsets = item[order].searchsorted(np.arange(shape[0] * shape[1] + 1))
    return _table(offsets, start[order], end[order], spans, shape)


def _table(
    offsets: IntArray, start_tai_s: FloatArray, end_tai_s: FloatArray, spans: Spans, shape: tuple[int, int]
) -> WindowTable:
    shift = spans.tai[0] - spans.unix[0]
    if spans.tai[1] - spans.unix[1] == shift:  # no leap second between
        start, end = start_tai_s - shift, end_tai_s - shift
    else:
        start, end = unix_from_tai(start_tai_s), unix_from_tai(end_tai_s)
    # The span's own ends come back exactly as they were given.
    np.maximum(start, spans.unix[0], out=start)
    np.minimum(end, spans.unix[1], out=end)
    long_enough = end - start > _SHORTEST_WINDOW_S
    if np.count_nonzero(long_enough) < len(start):
        kept = np.concatenate([[0], np.cumsum(long_enough)])
        start, end, offsets = start[long_enough], end[long_enough], kept[offsets]
    return WindowTable(start, end, offsets, shape)
