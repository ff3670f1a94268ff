"""When telescopes could be taken by people: dark, working, and not promised to anything urgent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from armillary import riseset
from armillary.accounts.models import User
from armillary.core.observations.states import LIVE, ObservationState, values
from armillary.core.observatory import Observatory, Telescope, riseset_site
from armillary.core.proposals.ledger import Account
from armillary.core.requests.facts import Downtime
from armillary.portal.observations.models import Observation
from armillary.portal.proposals.queries import current_allocations
from armillary.riseset.intervals import clip, subtract

Span = tuple[datetime, datetime]
SOONEST = timedelta(minutes=60)
LATEST = timedelta(days=7)
_URGENT = ("TIME_CRITICAL", "RAPID_RESPONSE", "DIRECT", "REAL_TIME")
_DAY = timedelta(days=1)


def dark_and_working(telescope: Telescope, downtimes: Iterable[Downtime], start: datetime, end: datetime) -> list[Span]:
    """The dark spans of a telescope between two times in which nothing keeps it from work."""
    nights = riseset.dark_windows(riseset_site(telescope), start - _DAY, end + _DAY)
    stops = [(item.start, item.end) for item in downtimes if item.telescope_key == telescope.key]
    return subtract(nights, stops)


def bookable(
    user: User, observatory: Observatory, downtimes: Sequence[Downtime], now: datetime, *, only: str = ""
) -> dict[str, list[Span]]:
    """When a person could take which telescope, by ``telescope.enclosure.site``."""
    types = _types_with_time(user, now)
    start, end = now + SOONEST, now + SOONEST + LATEST
    own, taken = _taken(user, start, end)
    found = {}
    for telescope in observatory.telescopes():
        name = ".".join(reversed(telescope.key.split(".")))
        able = any(item.is_schedulable and item.type.code in types for item in telescope.instruments)
        if able and only in {"", name}:
            holes = own + taken.get(telescope.key, [])
            spans = subtract(dark_and_working(telescope, downtimes, start, end), holes)
            found[name] = clip(spans, start, end)
    return found


def _types_with_time(user: User, now: datetime) -> Collection[str]:
    return {
        code
        for allocations in current_allocations(user, now).values()
        for allocation in allocations
        if allocation.accounts[Account.REALTIME].left_us > 0
        for code in allocation.row.instrument_types
    }


def _taken(user: User, start: datetime, end: datetime) -> tuple[list[Span], dict[str, list[Span]]]:
    """The person's own sessions, and what else has telescopes: by ``site.enclosure.telescope``."""
    rows = Observation.objects.filter(
        Q(request__request_group__observation_type__in=_URGENT) | Q(state=ObservationState.IN_PROGRESS.value),
        state__in=values(LIVE),
        start__lt=end,
        end__gt=start,
    ).select_related("request__request_group")
    own: list[Span] = []
    taken: dict[str, list[Span]] = {}
    for row in rows:
        group = row.request.request_group
        if group.observation_type == "REAL_TIME" and group.submitter_id == user.pk:
            own.append((row.start, row.end))
        else:
            taken.setdefault(f"{row.site}.{row.enclosure}.{row.telescope}", []).append((row.start, row.end))
    return own, taken
