"""When one request can be observed, by telescope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from armillary import riseset
from armillary.core.observatory import Observatory, riseset_site
from armillary.core.requests.facts import Downtime
from armillary.core.requests.model import Request
from armillary.core.requests.visibility.sky import Pair, sky_pairs
from armillary.core.requests.visibility.telescopes import candidate_telescopes, instrument_types_of
from armillary.riseset import intersect, subtract, union

Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class RequestVisibility:
    """When a request can be observed."""

    by_telescope: Mapping[str, tuple[Interval, ...]]
    """`site.enclosure.telescope` → intervals; a telescope that could take it but never sees it has none."""

    def by_site(self) -> dict[str, list[Interval]]:
        """Site → when any of its telescopes can observe it; sites that never can are left out."""
        found: dict[str, list[Interval]] = {}
        for key, intervals in self.by_telescope.items():
            site = key.split(".", 1)[0]
            found[site] = union(found.get(site, []), intervals)
        return {site: intervals for site, intervals in found.items() if intervals}

    def union(self) -> list[Interval]:
        """When any telescope can observe it."""
        return union(*self.by_telescope.values())

    def largest_interval_s(self, after: datetime | None = None) -> float:
        """Length of the longest interval at any site, in seconds; with `after` only what lies after that moment."""
        lengths = [
            (end - (start if after is None else max(start, after))).total_seconds()
            for intervals in self.by_site().values()
            for start, end in intervals
        ]
        return max([0.0, *lengths])


def visible_windows(
    request: Request,
    observatory: Observatory,
    *,
    downtimes: Iterable[Downtime] = (),
    include_unschedulable: bool = False,
    windows: Sequence[Interval] | None = None,
) -> RequestVisibility:
    """When a request can be observed, by telescope.

    Args:
        request: What is to be observed.
        observatory: Where.
        downtimes: When telescopes cannot work.
        include_unschedulable: Whether instruments count that are there but not in normal operation.
        windows: Look at these instead of the request's own windows.

    Raises:
        UnsupportedTarget: A target is no place in the sky.
    """
    telescopes = candidate_telescopes(request, observatory, include_unschedulable=include_unschedulable)
    spans = union(windows if windows is not None else [(window.start, window.end) for window in request.windows])
    types = instrument_types_of(request)
    sites = list(dict.fromkeys(riseset_site(telescope) for telescope in telescopes))
    seen = dict(zip(sites, seen_together(sky_pairs(request), sites, spans), strict=True))
    downtimes = tuple(downtimes)
    return RequestVisibility(
        {
            telescope.key: tuple(subtract(seen[riseset_site(telescope)], _holes(downtimes, telescope.key, types)))
            for telescope in telescopes
        }
    )


def _holes(downtimes: Iterable[Downtime], telescope_key: str, types: frozenset[str]) -> list[Interval]:
    return [(item.start, item.end) for item in downtimes if item.stops(telescope_key, types)]


def seen_together(
    pairs: Sequence[Pair], sites: Sequence[riseset.Site], spans: Sequence[Interval]
) -> list[list[Interval]]:
    """For each site when all pairs are observable at once, within the spans."""
    if not pairs:
        return [list(spans) for _ in sites]
    seen: list[list[Interval]] = [[] for _ in sites]
    targets, constraints = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    for start, end in spans:
        found = riseset.observable_windows(targets, sites, start, end, constraints)
        for index in range(len(sites)):
            together = [(start, end)]
            for per_site in found:
                together = intersect(together, per_site[index])
            seen[index].extend(together)
    return seen
