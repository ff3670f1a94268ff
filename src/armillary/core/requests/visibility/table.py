"""When thousands of requests can be observed on dozens of telescopes, as flat arrays: what a scheduler works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from armillary import riseset
from armillary.core.observatory import Telescope, riseset_site
from armillary.core.requests.facts import Downtime
from armillary.core.requests.model import Location, Request
from armillary.core.requests.visibility.sky import Pair, UnsupportedTarget, sky_pairs
from armillary.core.requests.visibility.telescopes import can_take, instrument_types_of

Seconds = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class VisibilityTable:
    """Intervals in rows: row k says that a request can be observed on a telescope from `start_s[k]`, before `end_s[k]`.

    Rows are sorted by request, telescope and time; those of one request and telescope are disjoint. Seconds are Unix
    time (UTC).
    """

    request: Indices
    telescope: Indices
    start_s: Seconds
    end_s: Seconds
    unsupported: Mapping[int, str] = field(default_factory=dict)
    """Requests with a target that is no place in the sky, and why; they have no rows."""

    def __len__(self) -> int:
        return len(self.request)

    def of(self, request: int, telescope: int) -> Seconds:
        """The intervals of one request on one telescope, shape (n, 2)."""
        first, last = np.searchsorted(self.request, [request, request + 1])
        low, high = first + np.searchsorted(self.telescope[first:last], [telescope, telescope + 1])
        return np.stack((self.start_s[low:high], self.end_s[low:high]), axis=1)


def visible_windows_of(
    requests: Sequence[Request],
    telescopes: Sequence[Telescope],
    *,
    start: datetime,
    end: datetime,
    downtimes: Iterable[Downtime] = (),
    include_unschedulable: Sequence[bool] = (),
) -> VisibilityTable:
    """When requests can be observed on telescopes, between `start` and `end`.

    The same answer as :func:`visible_windows` for each request, in one computation for all.

    Args:
        requests: What is to be observed; rows name them by their place here.
        telescopes: Where; rows name them by their place here.
        start: From when.
        end: Until when.
        downtimes: When telescopes cannot work.
        include_unschedulable: For each request whether it may use instruments that are not in normal operation; empty:
            none may.
    """
    pairs, unsupported = _pairs_of(requests)
    rows = _span_of_candidates(requests, telescopes, (start, end), include_unschedulable, set(unsupported))
    rows = _in_windows(rows, requests)
    rows = _in_sky(rows, pairs, telescopes, (start, end))
    for downtime in downtimes:
        rows = _without(rows, downtime, requests, telescopes)
    order = np.lexsort((rows.start_s, rows.telescope, rows.request))
    rows = rows.taken(order)
    return VisibilityTable(rows.request, rows.telescope, rows.start_s, rows.end_s, unsupported)


@dataclass(frozen=True, slots=True)
class _Rows:
    request: Indices
    telescope: Indices
    start_s: Seconds
    end_s: Seconds

    def taken(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> _Rows:
        return _Rows(self.request[which], self.telescope[which], self.start_s[which], self.end_s[which])

    def within(self, first: Indices, count: Indices, start_s: Seconds, end_s: Seconds) -> _Rows:
        """What of each row lies in the `count` intervals of a flat list that begin at `first` for that row."""
        row = np.repeat(np.arange(len(count)), count)
        before = np.cumsum(count) - count
        interval = first[row] + np.arange(len(row)) - before[row]
        start = np.maximum(self.start_s[row], start_s[interval])
        end = np.minimum(self.end_s[row], end_s[interval])
        return _Rows(self.request[row], self.telescope[row], start, end).taken(start < end)


def _pairs_of(requests: Sequence[Request]) -> tuple[list[list[Pair]], dict[int, str]]:
    pairs: list[list[Pair]] = []
    unsupported: dict[int, str] = {}
    for index, request in enumerate(requests):
        try:
            pairs.append(sky_pairs(request))
        except UnsupportedTarget as refusal:
            pairs.append([])
            unsupported[index] = str(refusal)
    return pairs, unsupported


def _span_of_candidates(
    requests: Sequence[Request],
    telescopes: Sequence[Telescope],
    span: tuple[datetime, datetime],
    include_unschedulable: Sequence[bool],
    left_out: set[int],
) -> _Rows:
    """The whole span for every telescope that could take a request."""
    known: dict[tuple[object, ...], list[int]] = {}
    request_of: list[int] = []
    telescope_of: list[int] = []
    for index, request in enumerate(requests):
        if index in left_out:
            continue
        privileged = bool(include_unschedulable[index]) if include_unschedulable else False
        types = instrument_types_of(request)
        key = (_place(request.location), types, privileged)
        if key not in known:
            known[key] = [
                number
                for number, telescope in enumerate(telescopes)
                if can_take(telescope, request.location, types, include_unschedulable=privileged)
            ]
        request_of.extend([index] * len(known[key]))
        telescope_of.extend(known[key])
    count = len(request_of)
    start_s, end_s = (np.full(count, moment.timestamp()) for moment in span)
    return _Rows(np.array(request_of, dtype=np.int64), np.array(telescope_of, dtype=np.int64), start_s, end_s)


def _place(location: Location | None) -> tuple[str, ...]:
    if location is None:
        return ()
    return (location.telescope_class, location.site, location.enclosure, location.telescope)


def _in_windows(rows: _Rows, requests: Sequence[Request]) -> _Rows:
    windows = [riseset.union([(item.start, item.end) for item in request.windows]) for request in requests]
    count = np.array([len(own) for own in windows], dtype=np.int64)
    first = np.cumsum(count) - count
    start_s = np.array([start.timestamp() for own in windows for start, _ in own], dtype=np.float64)
    end_s = np.array([end.timestamp() for own in windows for _, end in own], dtype=np.float64)
    return rows.within(first[rows.request], count[rows.request], start_s, end_s)


def _in_sky(
    rows: _Rows, pairs: Sequence[Sequence[Pair]], telescopes: Sequence[Telescope], span: tuple[datetime, datetime]
) -> _Rows:
    """What of each row has every target of its request in the sky: one computation for all targets and sites."""
    number = {pair: index for index, pair in enumerate(dict.fromkeys(pair for own in pairs for pair in own))}
    sites = list(dict.fromkeys(riseset_site(telescope) for telescope in telescopes))
    if not number or not sites or not len(rows.request):
        return rows
    table = riseset.observable_windows(
        [target for target, _ in number], sites, *span, [constraints for _, constraints in number], as_arrays=True
    )
    site_of = np.array([sites.index(riseset_site(telescope)) for telescope in telescopes], dtype=np.int64)
    for depth in range(max(len(own) for own in pairs)):
        pair_of = np.array([number[own[depth]] if depth < len(own) else -1 for own in pairs], dtype=np.int64)
        rows = _with_pair(rows, pair_of, site_of, table)
    return rows


def _with_pair(rows: _Rows, pair_of: Indices, site_of: Indices, table: riseset.WindowTable) -> _Rows:
    """What of each row has one target of its request in the sky; requests without such a target stay as they are."""
    pair = pair_of[rows.request]
    free, bound = rows.taken(pair < 0), rows.taken(pair >= 0)
    cell = pair[pair >= 0] * table.shape[1] + site_of[bound.telescope]
    first = table.offsets[cell]
    seen = bound.within(first, table.offsets[cell + 1] - first, table.starts, table.ends)
    return _joined(free, seen)


def _joined(*parts: _Rows) -> _Rows:
    return _Rows(
        np.concatenate([part.request for part in parts]),
        np.concatenate([part.telescope for part in parts]),
        np.concatenate([part.start_s for part in parts]),
        np.concatenate([part.end_s for part in parts]),
    )


def _without(rows: _Rows, downtime: Downtime, requests: Sequence[Request], telescopes: Sequence[Telescope]) -> _Rows:
    down_s, up_s = downtime.start.timestamp(), downtime.end.timestamp()
    numbers = [
        index for index, item in enumerate(telescopes) if item.key.casefold() == downtime.telescope_key.casefold()
    ]
    hit = np.isin(rows.telescope, numbers) & (rows.start_s < up_s) & (rows.end_s > down_s)
    if downtime.instrument_type and hit.any():
        stopped = [
            index
            for index in np.unique(rows.request[hit])
            if downtime.instrument_type.upper() in instrument_types_of(requests[index])
        ]
        hit &= np.isin(rows.request, stopped)
    if not hit.any():
        return rows
    cut = rows.taken(hit)
    before = _Rows(cut.request, cut.telescope, cut.start_s, np.minimum(cut.end_s, down_s))
    after = _Rows(cut.request, cut.telescope, np.maximum(cut.start_s, up_s), cut.end_s)
    pieces = (part.taken(part.start_s < part.end_s) for part in (before, after))
    return _joined(rows.taken(~hit), *pieces)
