"""When telescopes cannot be used: a month as calendar and timeline; declaring and changing."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from armillary import clock
from armillary.clients.downtime import Declared, Downtime
from armillary.clients.errors import RequestRefused, ServiceUnavailable
from armillary.core.observatory import Observatory
from armillary.web.access import Access, page
from armillary.web.answers import tried
from armillary.web.timeline import Span

_SECTION: Final = "downtimes"
_MOST_ASKED_ABOUT: Final = 10
_FIELDS: Final = ("start", "end", "instrument_type", "reason")


@dataclass(frozen=True, slots=True)
class Line:
    """One telescope in the timeline of a month."""

    name: str
    bars: tuple[tuple[float, float, Downtime], ...]
    """Left and width in percent of the month, and what it shows."""


@page(_SECTION)
def downtimes(request: HttpRequest, access: Access) -> HttpResponse:
    """A month of downtimes, and the form for a new one."""
    now = clock.now()
    first = _month(request.GET.get("month", ""), now)
    span = Span(first, _next_month(first))
    found = sorted(
        access.downtime.list(ends_after=span.start, starts_before=span.end), key=lambda it: (it.start, it.id)
    )
    shown = [it for it in found if span.covers(it.start, it.end)]
    observatory = access.configdb.observatory()
    context = {
        "section": _SECTION,
        "now": now,
        "month": first,
        "before": f"{first - timedelta(days=1):%Y-%m}",
        "after": f"{span.end:%Y-%m}",
        "weeks": _weeks(first, shown, now),
        "ticks": [(span.percent(first + timedelta(days=day)), day + 1) for day in range(0, 28, 7)],
        "now_percent": span.percent(now) if span.start <= now < span.end else None,
        "lines": list(_lines(observatory, shown, span)),
        "downtimes": shown,
        **_choices(observatory),
        "entered": request.GET,
    }
    return render(request, "armillary/downtimes/month.html", context)


def _month(text: str, now: datetime) -> datetime:
    """The first moment of a month, of this one if the text names none."""
    try:
        wanted = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        wanted = now
    wanted = wanted if 1900 < wanted.year < 9999 else now
    return wanted.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next_month(first: datetime) -> datetime:
    return (first + timedelta(days=32)).replace(day=1)


def _weeks(first: datetime, found: list[Downtime], now: datetime) -> list[list[dict[str, Any]]]:
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    return [[_day(day, first.month, found, now) for day in week] for week in weeks]


def _day(day: date, month: int, found: list[Downtime], now: datetime) -> dict[str, Any]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    span = Span(start, start + timedelta(days=1))
    return {
        "date": day,
        "is_other_month": day.month != month,
        "is_today": day == now.date(),
        "downtimes": [it for it in found if span.covers(it.start, it.end)],
    }


def _lines(observatory: Observatory, found: Iterable[Downtime], span: Span) -> Iterator[Line]:
    for telescope in observatory.telescopes():
        bars = tuple(
            (span.percent(it.start), max(0.4, round(span.percent(it.end) - span.percent(it.start), 3)), it)
            for it in found
            if f"{it.site}.{it.enclosure}.{it.telescope}" == telescope.key
        )
        yield Line(telescope.key, bars)


def _choices(observatory: Observatory) -> dict[str, Any]:
    """Places as ``site.enclosure.telescope`` with ``*`` for all, and kinds of instruments."""
    places = []
    for site in observatory.sites:
        places.append((f"{site.code}.*.*", f"{site.code}: the whole site"))
        for enclosure in site.enclosures:
            if len(enclosure.telescopes) > 1:
                places.append((f"{site.code}.{enclosure.code}.*", f"{site.code}.{enclosure.code}: the whole enclosure"))
            places += [(it.key, it.key) for it in enclosure.telescopes]
    kinds = sorted({it.type.code for telescope in observatory.telescopes() for it in telescope.instruments})
    return {"places": places, "kinds": kinds}


@require_POST
@page(_SECTION)
def declare(request: HttpRequest, access: Access) -> HttpResponse:
    """Declare what was filled in."""
    site, enclosure, telescope = (*request.POST.get("place", "").split("."), "", "", "")[:3]
    fields = {name: request.POST.get(name, "").strip() for name in _FIELDS}
    fields |= {"site": site, "enclosure": enclosure, "telescope": telescope}
    fields |= {"recurrence": request.POST.get("recurrence", "").strip()}
    made: list[Declared] = []
    if tried(request, lambda: made.append(access.downtime.declare(**fields)), "It is declared."):
        _tell_consequences(request, access, made[0])
        return redirect(f"/downtimes/?month={made[0].downtimes[0].start:%Y-%m}")
    return redirect("downtimes")


def _tell_consequences(request: HttpRequest, access: Access, declared: Declared) -> None:
    """What it overlaps: others, observations that move, and those that run and are left alone."""
    for warning in declared.warnings:
        messages.warning(request, f"{warning}.")
    try:
        for downtime in declared.downtimes[:_MOST_ASKED_ABOUT]:
            _tell_observations(request, access, downtime)
    except (ServiceUnavailable, RequestRefused) as failure:
        messages.warning(request, f"Which observations it overlaps cannot be said: {failure}.")


def _tell_observations(request: HttpRequest, access: Access, downtime: Downtime) -> None:
    overlapped = access.portal.schedule(
        site=downtime.site,
        enclosure=downtime.enclosure,
        telescope=downtime.telescope,
        end_after=downtime.start,
        start_before=downtime.end,
        states=["PENDING", "IN_PROGRESS"],
    )
    for observation in overlapped:
        what = f"{observation.name}, {observation.start:%Y-%m-%d %H:%M} to {observation.end:%H:%M} UTC"
        if observation.state == "IN_PROGRESS":
            messages.warning(request, f"Running, and not stopped: {what}.")
        else:
            messages.info(request, f"Will be moved by the scheduler: {what}.")


@page(_SECTION)
def downtime(request: HttpRequest, access: Access, downtime_id: int) -> HttpResponse:
    """One downtime: what it is, changing it, what became of it."""
    found = access.downtime.get(downtime_id)
    now = clock.now()
    context = {
        "section": _SECTION,
        "now": now,
        "downtime": found,
        "is_over": found.end <= now,
        "history": access.downtime.history(downtime_id),
        **_choices(access.configdb.observatory()),
    }
    return render(request, "armillary/downtimes/downtime.html", context)


@require_POST
@page(_SECTION)
def change(request: HttpRequest, access: Access, downtime_id: int) -> HttpResponse:
    """Change or withdraw one."""
    why = request.POST.get("why", "")
    if "withdraw" in request.POST or "withdraw-series" in request.POST:
        series = "withdraw-series" in request.POST
        done = tried(request, lambda: access.downtime.delete(downtime_id, series=series, why=why), "It is withdrawn.")
        return redirect("downtimes") if done else redirect("downtime", downtime_id=downtime_id)
    fields = {name: request.POST[name].strip() for name in _FIELDS if name in request.POST}
    made: list[Declared] = []
    if tried(request, lambda: made.append(access.downtime.update(downtime_id, why=why, **fields)), "It is changed."):
        _tell_consequences(request, access, made[0])
    return redirect("downtime", downtime_id=downtime_id)
