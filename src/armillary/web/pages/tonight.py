from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from armillary import clock
from armillary.core.observations.model import ScheduledObservation
from armillary.web.access import Access, page
from armillary.web.timeline import draw, span_of_tonight


@page("tonight")
def tonight(request: HttpRequest, access: Access) -> HttpResponse:
    """What the telescopes do tonight."""
    return render(request, "armillary/tonight.html", _context(access))


@page("tonight")
def timeline_fragment(request: HttpRequest, access: Access) -> HttpResponse:
    """The part of the page that changes; the page asks for it every few seconds."""
    return render(request, "armillary/_timeline.html", _context(access))


def _context(access: Access) -> dict[str, Any]:
    now = clock.now()
    observatory = access.configdb.observatory()
    span = span_of_tonight(observatory, now)
    observations = [
        it for it in access.portal.schedule(end_after=span.start, start_before=span.end) if it.state != "CANCELED"
    ]
    downtimes = access.downtime.list(ends_after=span.start, starts_before=span.end)
    return {
        "section": "tonight",
        "now": now,
        "timeline": draw(observatory, observations, downtimes, span=span, now=now),
        "running": [it for it in observations if it.state == "IN_PROGRESS"],
        "upcoming": sorted((it for it in observations if it.state == "PENDING"), key=_start)[:6],
        "finished": sorted((it for it in observations if _has_ended(it)), key=_start, reverse=True)[:8],
    }


def _start(observation: ScheduledObservation) -> Any:
    return observation.start


def _has_ended(observation: ScheduledObservation) -> bool:
    return observation.state not in {"PENDING", "IN_PROGRESS", "CANCELED"}
