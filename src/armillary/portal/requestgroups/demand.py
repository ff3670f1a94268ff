"""How much is asked of the sky and of the telescopes: contention and pressure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from armillary import riseset
from armillary.core.observatory import Observatory, riseset_site
from armillary.core.requests.facts import Downtime
from armillary.core.requests.instants import format_time
from armillary.core.requests.model import UNSCHEDULED
from armillary.core.requests.model import Request as RequestModel
from armillary.core.requests.states import State
from armillary.core.requests.visibility import visible_windows
from armillary.portal.requestgroups.models import Configuration, Request

Json = dict[str, Any]
_HOURS = 24
_DEGREES_PER_HOUR = 15.0
_BINS = 96
_BIN = timedelta(minutes=15)
_DAY = timedelta(days=1)
_EVERYBODY = "All Proposals"


def _shown(shares: Mapping[str, float], *, by_proposal: bool) -> dict[str, float]:
    return dict(shares) if by_proposal else {_EVERYBODY: sum(shares.values())}


def contention(instrument_type: str, now: datetime, *, by_proposal: bool) -> Json:
    """Seconds asked of an instrument type in the next day, by hour of right ascension: one query."""
    rows = (
        Configuration.objects.filter(
            instrument_type__iexact=instrument_type,
            right_ascension_deg__isnull=False,
            request__state=State.PENDING.value,
            request__windows__start__lte=now + _DAY,
            request__windows__end__gte=now,
        )
        .order_by()
        .distinct()
        .values_list("pk", "right_ascension_deg", "duration_s", "request__request_group__proposal_id")
    )
    hours: list[dict[str, float]] = [defaultdict(float) for _ in range(_HOURS)]
    for _, right_ascension, duration, proposal in rows:
        if right_ascension is None:
            continue  # the query leaves these out
        hours[int(right_ascension // _DEGREES_PER_HOUR) % _HOURS][proposal] += duration
    return {
        "ra_hours": list(range(_HOURS)),
        "instrument_type": instrument_type,
        "time_calculated": format_time(now),
        "contention_data": [_shown(hour, by_proposal=by_proposal) for hour in hours],
    }


@dataclass(frozen=True, slots=True)
class Demand:
    """A pending request, as pressure counts it."""

    proposal: str
    duration_s: float
    model: RequestModel


def demands(instrument_type: str, site: str, now: datetime) -> list[Demand]:
    """The requests that wait for time in the next day: one query."""
    rows = Request.objects.filter(
        state=State.PENDING.value,
        request_group__state=State.PENDING.value,
        windows__start__lte=now + _DAY,
        windows__end__gte=now,
    ).exclude(request_group__observation_type__in=UNSCHEDULED)
    if instrument_type:
        rows = rows.filter(configurations__instrument_type__iexact=instrument_type)
    if site:
        rows = rows.filter(site__in=["", site])
    return [
        Demand(row.request_group.proposal_id, row.duration_s, RequestModel.model_validate_json(row.document.content))
        for row in rows.select_related("document", "request_group").distinct()
    ]


def pressure(
    wanted: Sequence[Demand],
    observatory: Observatory,
    downtimes: Sequence[Downtime],
    now: datetime,
    *,
    instrument_type: str,
    site: str,
    by_proposal: bool,
) -> Json:
    """How hard requests press on the telescopes, in each quarter of an hour of the next day.

    A request presses with its duration over the time in which it can be seen, shared by the telescopes that could
    observe it at that moment.
    """
    bins: list[dict[str, float]] = [defaultdict(float) for _ in range(_BINS)]
    for demand in wanted:
        seen = visible_windows(demand.model, observatory, downtimes=downtimes).by_telescope
        long_enough = {
            key: [span for span in spans if (span[1] - span[0]).total_seconds() >= demand.duration_s]
            for key, spans in seen.items()
            if not site or key.startswith(f"{site}.")
        }
        total = sum((end - start).total_seconds() for spans in long_enough.values() for start, end in spans)
        if total > 0:
            _press(bins, long_enough, demand, demand.duration_s / total, now)
    return {
        "site_nights": site_nights(observatory, site, now),
        "time_bins": [format_time(now + index * _BIN) for index in range(_BINS)],
        "instrument_type": instrument_type or "all",
        "site": site,
        "time_calculated": format_time(now),
        "pressure_data": [_shown(shares, by_proposal=by_proposal) for shares in bins],
    }


def _press(
    bins: Sequence[dict[str, float]],
    seen: Mapping[str, Sequence[tuple[datetime, datetime]]],
    demand: Demand,
    weight: float,
    now: datetime,
) -> None:
    for index, shares in enumerate(bins):
        at = now + index * _BIN
        able = sum(any(start <= at < end for start, end in spans) for spans in seen.values())
        if able:
            shares[demand.proposal] += weight / able


def site_nights(observatory: Observatory, site: str, now: datetime) -> list[Json]:
    """When it is dark at the sites in the next day: hours from now."""
    found = []
    for code in observatory.site_codes():
        telescopes = observatory.telescopes_at(site=code)
        if (site and code != site) or not telescopes:
            continue
        for start, end in riseset.dark_windows(riseset_site(telescopes[0]), now, now + _DAY):
            hours = [(moment - now).total_seconds() / 3600 for moment in (start, end)]
            found.append({"name": code, "start": hours[0], "stop": hours[1]})
    return found


# --- when telescopes can work ---


@dataclass(frozen=True, slots=True)
class TelescopeEvent:
    """A span in which a telescope is available, or is not for a reason."""

    telescope: str
    event_type: str
    event_reason: str
    start: datetime
    end: datetime

    def as_json(self) -> Json:
        """The event as the wire shows it."""
        return {
            "telescope": self.telescope,
            "event_type": self.event_type,
            "event_reason": self.event_reason,
            "start": format_time(self.start),
            "end": format_time(self.end),
        }


def telescope_events(key: str, downtimes: Iterable[Downtime], start: datetime, end: datetime) -> list[TelescopeEvent]:
    """What is known of a telescope between two times: it is available but for its downtimes."""
    stops = sorted(
        (max(item.start, start), min(item.end, end))
        for item in downtimes
        if item.telescope_key == key and not item.instrument_type and item.start < end and item.end > start
    )
    events: list[TelescopeEvent] = []
    at = start
    for begin, finish in stops:
        if begin > at:
            events.append(TelescopeEvent(key, "AVAILABLE", "Available for scheduling", at, begin))
        if finish > at:
            events.append(TelescopeEvent(key, "NOT_AVAILABLE", "Downtime", max(begin, at), finish))
            at = finish
    if at < end or not events:
        events.append(TelescopeEvent(key, "AVAILABLE", "Available for scheduling", at, end))
    return events


def availability(events: Sequence[TelescopeEvent], nights: Sequence[tuple[datetime, datetime]]) -> list[list[Any]]:
    """The share of each night in which a telescope was available: date of the evening, fraction."""
    found: list[list[Any]] = []
    for start, end in nights:
        up = sum(
            max((min(event.end, end) - max(event.start, start)).total_seconds(), 0.0)
            for event in events
            if event.event_type == "AVAILABLE"
        )
        found.append([f"{start:%Y-%m-%d}", up / (end - start).total_seconds()])
    return found
