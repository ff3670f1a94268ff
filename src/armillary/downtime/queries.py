"""Reading downtimes: versions, and a telescope's calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Max, Subquery, Sum, Value
from icalendar import Calendar, Event, vText

from armillary.downtime.models import Downtime
from armillary.platform.history import Json, Version, plain, versions
from armillary.platform.prepared import Prepared

_FIELDS = ("start", "end", "site", "enclosure", "telescope", "instrument_type", "reason")


def versions_of(downtime_id: int) -> list[Version]:
    """All versions of a downtime, the newest first; also of one that was withdrawn."""
    records: Any = Downtime.history.filter(id=downtime_id).select_related("history_user")
    return versions(records.order_by("history_date", "history_id"), _fields_of)


def _fields_of(row: Any, before: Json | None) -> Json:
    del before
    return {name: plain(getattr(row, name)) for name in _FIELDS}


def calendar_of(telescope_key: str, downtimes: Iterable[Downtime], *, now: datetime, host: str) -> bytes:
    """A calendar (RFC 5545) of a telescope's downtimes, for people's calendar programs.

    Args:
        telescope_key: ``site.enclosure.telescope``.
        downtimes: What is in it.
        now: When it was made, UTC.
        host: Where it was made; with the ids it makes names that no other calendar has.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Armillary//Downtimes//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", vText(f"Downtimes of {telescope_key}"))  # the library does not know it for a text
    for downtime in downtimes:
        event = Event()
        event.add("uid", f"downtime-{downtime.pk}@{host}")
        event.add("dtstamp", now)
        event.add("last-modified", downtime.modified)
        event.add("dtstart", downtime.start)
        event.add("dtend", downtime.end)
        what = downtime.instrument_type or "whole telescope"
        event.add("summary", f"{telescope_key}: {downtime.reason or 'downtime'}")
        event.add("description", f"{what} cannot be used. {downtime.reason}".strip())
        event.add("transp", "OPAQUE")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


_totals: Final = Prepared[tuple[int, int, int, datetime, int | None]](
    lambda: (
        Downtime.objects.order_by()
        .values_list(Value(1))
        .annotate(
            number=Count("id"),
            ids=Sum("id"),
            newest=Max("modified"),
            last=Subquery(Downtime.history.order_by("-history_id").values("history_id")[:1]),
        )
    )
)


def current_revision() -> str:
    """A text that changes whenever any downtime does: one query, which does not grow with what the network does.

    Every service leaves a line of history; the count and the times cover what was written past the services.
    """
    found = _totals.first()
    return "none" if found is None else " ".join(map(str, found))
