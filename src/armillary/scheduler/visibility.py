"""When each request could be observed on each telescope: the sky's windows, cached by content."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from armillary import riseset
from armillary.core.observatory import Telescope, riseset_site
from armillary.core.requests.model import Request
from armillary.core.requests.visibility import Pair, UnsupportedTarget, sky_pairs

Spans = npt.NDArray[np.float64]
"""Sorted, disjoint, half-open intervals in unix seconds; shape (n, 2)."""
_Key = tuple[riseset.Target, riseset.Constraints, riseset.Site]
_Asked = tuple[tuple[Pair, ...], tuple[tuple[float, float], ...], riseset.Site]
"""Pairs, windows in unix seconds, and a site."""
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_AIRMASS_STEP_S: Final = 1_800.0
_KEPT_PAST: Final = timedelta(days=2)
_TOUCHING_S: Final = 1e-3
NOTHING: Final[Spans] = np.empty((0, 2))


class SkyWindows:
    """The windows of targets over sites, computed once for all days that a horizon touches.

    A target with its constraints is computed for a site once, whoever asks for it and however often.
    """

    def __init__(self) -> None:
        self._start = self._end = _LONG_AGO
        self._known: dict[_Key, Spans] = {}
        self._combined: dict[_Asked, Spans] = {}
        """What requests' pairs and windows have in common at a site, on all days that are known."""
        self._used: dict[_Asked, Spans] = {}
        self.computed = 0
        """Pairs of a target and a site computed since the beginning; for the metrics."""

    def of(
        self,
        requests: Sequence[Request],
        telescopes: Sequence[Collection[Telescope]],
        start: datetime,
        end: datetime,
    ) -> list[dict[str, Spans]]:
        """For each request, by telescope key, when all of its targets can be observed and its own windows allow it.

        Args:
            requests: What is to be observed.
            telescopes: For each request the telescopes to look at.
            start: Beginning of the horizon.
            end: End of the horizon.

        Returns:
            One mapping per request; empty for one whose target is no place in the sky.
        """
        self._cover(start, end)
        pairs = [_pairs_or_none(request) for request in requests]
        sites = self._sites({place.key: place for places in telescopes for place in places})
        needed = [{place.key: sites[place.key] for place in places} for places in telescopes]
        self._compute_missing(pairs, needed)
        self._forget_all_but(pairs)
        seen = [
            {} if own is None else self._seen(request, own, places)
            for request, own, places in zip(requests, pairs, needed, strict=True)
        ]
        self._combined = self._used
        self._used = {}
        return _cut(seen, start.timestamp(), end.timestamp())

    def _sites(self, telescopes: Mapping[str, Telescope]) -> dict[str, riseset.Site]:
        """The site of each telescope; equal ones are the same object."""
        known: dict[riseset.Site, riseset.Site] = {}
        found = ((key, riseset_site(place)) for key, place in telescopes.items())
        return {key: known.setdefault(site, site) for key, site in found}

    def _cover(self, start: datetime, end: datetime) -> None:
        """Know all days that a horizon touches: a horizon that moves on costs the new days only."""
        first, last = _midnight(start), _midnight(end + _DAY) + _DAY
        if first < self._start or first >= self._end:
            self._known.clear()
            self._combined.clear()
            self._start, self._end = first, last
            return
        if last > self._end:
            self._extend(last)
        if first - self._start > _KEPT_PAST:
            second = first.timestamp()
            self._known = {key: spans[spans[:, 1] > second] for key, spans in self._known.items()}
            self._start = first

    def _extend(self, last: datetime) -> None:
        """Compute what is known for some more days."""
        known, self._known = self._known, {}
        self._combined.clear()
        edge, self._start, begin = self._end, self._end, self._start
        self._end = last
        self._compute_pairs((key[:2], (key[2],)) for key in known)
        self._known = {key: _joined(spans, self._known[key], edge.timestamp()) for key, spans in known.items()}
        self._start = begin

    def _forget_all_but(self, pairs: Sequence[Sequence[Pair] | None]) -> None:
        """Drop what nobody asked for this time, once it is the larger part."""
        wanted = {pair for own in pairs for pair in own or ()}
        kept = {key: spans for key, spans in self._known.items() if key[:2] in wanted}
        if 2 * len(kept) < len(self._known):
            self._known = kept

    def _compute_missing(
        self, pairs: Sequence[Sequence[Pair] | None], sites: Sequence[Mapping[str, riseset.Site]]
    ) -> None:
        """One call of the rise-set library for all pairs that miss the same sites."""
        missing: dict[Pair, dict[riseset.Site, None]] = {}
        for own, places in zip(pairs, sites, strict=True):
            distinct = {id(site): site for site in places.values()}.values()
            for pair in own or ():
                for site in distinct:
                    if (*pair, site) not in self._known:
                        missing.setdefault(pair, {})[site] = None
        self._compute_pairs((pair, tuple(needed)) for pair, needed in missing.items())

    def _compute_pairs(self, wanted: Iterable[tuple[Pair, tuple[riseset.Site, ...]]]) -> None:
        by_pair: dict[Pair, dict[riseset.Site, None]] = {}
        for pair, sites in wanted:
            by_pair.setdefault(pair, {}).update(dict.fromkeys(sites))
        by_sites: dict[tuple[riseset.Site, ...], list[Pair]] = {}
        for pair, needed in by_pair.items():
            by_sites.setdefault(tuple(needed), []).append(pair)
        for needed_sites, needed_pairs in by_sites.items():
            self._compute(needed_pairs, needed_sites)

    def _compute(self, pairs: Sequence[Pair], sites: Sequence[riseset.Site]) -> None:
        table = riseset.observable_windows(
            [pair[0] for pair in pairs],
            list(sites),
            self._start,
            self._end,
            [pair[1] for pair in pairs],
            as_arrays=True,
        )
        self.computed += len(pairs) * len(sites)
        for row, pair in enumerate(pairs):
            for column, site in enumerate(sites):
                self._known[(*pair, site)] = np.column_stack(table.of(row, column))

    def _seen(self, request: Request, pairs: Sequence[Pair], sites: Mapping[str, riseset.Site]) -> dict[str, Spans]:
        """The part of a request's windows in which all pairs are up, by telescope; those of one site share it."""
        by_site: dict[int, Spans] = {}
        seen = {}
        windows = tuple((window.start.timestamp(), window.end.timestamp()) for window in request.windows)
        for key, site in sites.items():
            if id(site) not in by_site:
                asked = (tuple(pairs), windows, site)
                spans = self._combined.get(asked)
                self._used[asked] = by_site[id(site)] = self._common(asked) if spans is None else spans
            seen[key] = by_site[id(site)]
        return seen

    def _common(self, asked: _Asked) -> Spans:
        pairs, windows, site = asked
        spans = _sorted(list(windows))
        for pair in pairs:
            spans = intersect(spans, self._known[(*pair, site)])
        return spans


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _joined(before: Spans, after: Spans, edge: float) -> Spans:
    """Spans before and after an edge; one that touches it from both sides is one span."""
    if len(before) and len(after) and before[-1, 1] >= edge - _TOUCHING_S and after[0, 0] <= edge + _TOUCHING_S:
        middle = np.array([[before[-1, 0], after[0, 1]]])
        return np.concatenate([before[:-1], middle, after[1:]])
    return np.concatenate([before, after])


def _cut(seen: Sequence[Mapping[str, Spans]], start: float, end: float) -> list[dict[str, Spans]]:
    """What lies between start and end, of all at once; telescopes that share their spans go on sharing them."""
    distinct = {id(spans): spans for own in seen for spans in own.values()}
    cut = dict(zip(distinct, each_clipped(list(distinct.values()), start, end), strict=True))
    return [{key: cut[id(spans)] for key, spans in own.items()} for own in seen]


def each_clipped(arrays: Sequence[Spans], start: float, end: float) -> list[Spans]:
    """What lies between start and end, of each of many arrays of spans."""
    return _each(arrays, lambda rows: np.clip(rows, start, max(start, end)))


def each_whole(arrays: Sequence[Spans], epoch: float) -> list[Spans]:
    """The part between whole seconds, counted from a (whole) epoch, of each of many arrays of spans."""

    def rounded(rows: Spans) -> Spans:
        return np.column_stack((np.ceil(rows[:, 0] - epoch), np.floor(rows[:, 1] - epoch)))

    return _each(arrays, rounded)


def _each(arrays: Sequence[Spans], change: Callable[[Spans], Spans]) -> list[Spans]:
    """Change the rows of many arrays at once, and drop those that become empty."""
    if not arrays:
        return []
    owner = np.repeat(np.arange(len(arrays)), [len(each) for each in arrays])
    rows = change(np.concatenate(arrays))
    keep = rows[:, 0] < rows[:, 1]
    first = np.searchsorted(owner[keep], np.arange(len(arrays) + 1))
    kept = rows[keep]
    return [kept[begin:end] for begin, end in pairwise(first.tolist())]


def darkness(telescope: Telescope, start: datetime, end: datetime) -> Spans:
    """When the Sun is far enough below the horizon of a telescope (nautical)."""
    windows = riseset.dark_windows(riseset_site(telescope), start, end, "nautical")
    return _sorted([(dark_start.timestamp(), dark_end.timestamp()) for dark_start, dark_end in windows])


def airmass_samples(
    request: Request, telescope: Telescope, spans: Spans
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Mean airmass of a request's targets over the spans: times in unix seconds and values; None where it has none."""
    own = _pairs_or_none(request)
    if not own or not len(spans):
        return None
    times = np.unique(
        np.concatenate([np.append(np.arange(first, last, _AIRMASS_STEP_S), last) for first, last in spans])
    )
    site = riseset_site(telescope)
    values = np.mean([riseset.positions(target, site, times).airmass for target, _ in own], axis=0)
    good = np.isfinite(values)
    return (times[good], values[good]) if good.any() else None


def intersect(first: Spans, second: Spans) -> Spans:
    """What is in both."""
    if not len(first) or not len(second):
        return NOTHING
    starts = np.maximum(first[:, None, 0], second[None, :, 0]).ravel()
    ends = np.minimum(first[:, None, 1], second[None, :, 1]).ravel()
    keep = starts < ends
    spans = np.column_stack((starts[keep], ends[keep]))
    return np.asarray(spans[np.argsort(spans[:, 0], kind="stable")], dtype=np.float64)


def subtract(spans: Spans, holes: Sequence[tuple[float, float]]) -> Spans:
    """What is in the spans and in none of the holes."""
    if not len(spans) or not holes:
        return spans
    edges = _sorted(list(holes))
    gaps = np.column_stack((np.append(-np.inf, edges[:, 1]), np.append(edges[:, 0], np.inf)))
    return intersect(spans, gaps[gaps[:, 0] < gaps[:, 1]])


def clip(spans: Spans, start: float, end: float) -> Spans:
    """What lies between start and end."""
    return intersect(spans, np.array([[start, end]])) if start < end else NOTHING


def whole_seconds(spans: Spans) -> Spans:
    """The part of each span between whole seconds, so that plans are in whole seconds, too."""
    rounded = np.column_stack((np.ceil(spans[:, 0]), np.floor(spans[:, 1])))
    return rounded[rounded[:, 0] < rounded[:, 1]]


def _sorted(intervals: Sequence[tuple[float, float]]) -> Spans:
    """Sorted and merged."""
    merged: list[list[float]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        elif start < end:
            merged.append([start, end])
    return np.array(merged, dtype=np.float64).reshape(-1, 2)


def _pairs_or_none(request: Request) -> list[Pair] | None:
    try:
        return sky_pairs(request)
    except UnsupportedTarget:
        return None
