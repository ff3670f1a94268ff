"""When each request could be observed on each telescope: the sky's windows, cached by content."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
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
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_AIRMASS_STEP_S: Final = 1_800.0
NOTHING: Final[Spans] = np.empty((0, 2))


class SkyWindows:
    """The windows of targets over sites, computed once for all days that a horizon touches.

    A target with its constraints is computed for a site once, whoever asks for it and however often.
    """

    def __init__(self) -> None:
        self._start = self._end = _LONG_AGO
        self._known: dict[_Key, Spans] = {}
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
        sites = {place.key: riseset_site(place) for places in telescopes for place in places}
        needed = [[place.key for place in places] for places in telescopes]
        self._compute_missing(pairs, [[sites[key] for key in keys] for keys in needed])
        return [
            {} if own is None else self._seen(_own_windows(request, start, end), own, {key: sites[key] for key in keys})
            for request, own, keys in zip(requests, pairs, needed, strict=True)
        ]

    def _cover(self, start: datetime, end: datetime) -> None:
        """Forget everything when the horizon has moved out of the days that are known."""
        if self._start <= start and end <= self._end:
            return
        self._start = start.replace(hour=0, minute=0, second=0, microsecond=0)
        self._end = (end + _DAY).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        self._known.clear()

    def _compute_missing(self, pairs: Sequence[Sequence[Pair] | None], sites: Sequence[Sequence[riseset.Site]]) -> None:
        """One call of the rise-set library for all pairs that miss the same sites."""
        missing: dict[Pair, dict[riseset.Site, None]] = {}
        for own, places in zip(pairs, sites, strict=True):
            for pair in own or ():
                for site in places:
                    if (*pair, site) not in self._known:
                        missing.setdefault(pair, {})[site] = None
        by_sites: dict[tuple[riseset.Site, ...], list[Pair]] = {}
        for pair, needed in missing.items():
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

    def _seen(self, wanted: Spans, pairs: Sequence[Pair], sites: Mapping[str, riseset.Site]) -> dict[str, Spans]:
        """The part of the wanted spans in which all pairs are up, by telescope."""
        seen = dict.fromkeys(sites, wanted)
        for key, site in sites.items():
            for pair in pairs:
                seen[key] = intersect(seen[key], self._known[(*pair, site)])
        return seen


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


def _own_windows(request: Request, start: datetime, end: datetime) -> Spans:
    wanted = _sorted([(window.start.timestamp(), window.end.timestamp()) for window in request.windows])
    return clip(wanted, start.timestamp(), end.timestamp())


def _pairs_or_none(request: Request) -> list[Pair] | None:
    try:
        return sky_pairs(request)
    except UnsupportedTarget:
        return None
