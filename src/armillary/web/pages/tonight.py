from __future__ import annotations

from collections import Counter
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from armillary import clock
from armillary.core.observations.model import ScheduledObservation
from armillary.web.access import Access, page
from armillary.web.almanac import facts
from armillary.web.timeline import draw, span_of_tonight

_LATEST: Final = 8
_NOT_DONE: Final = ("FAILED", "ABORTED", "NOT_ATTEMPTED")


@page("tonight")
def tonight(request: HttpRequest, access: Access) -> HttpResponse:
    """What the telescopes do tonight."""
    return render(request, "armillary/tonight.html", _context(access))


@page("tonight")
def timeline_fragment(request: HttpRequest, access: Access) -> HttpResponse:
    """The part of the page that changes; the page asks for it every few seconds."""
    return render(request, "armillary/_timeline.html", _context(access))


@page("tonight")
def latest_frames(request: HttpRequest, access: Access) -> HttpResponse:
    """The newest pictures; asked for less often than the timeline."""
    found = access.archive.page(
        include_thumbnails="true", include_related_frames="false", ordering="-id", limit=_LATEST
    ).results
    return render(request, "armillary/_latest.html", {"frames": found})


def _context(access: Access) -> dict[str, Any]:
    now = clock.now()
    observatory = access.configdb.observatory()
    span = span_of_tonight(observatory, now)
    observations = [
        it for it in access.portal.schedule(end_after=span.start, start_before=span.end) if it.state != "CANCELED"
    ]
    downtimes = access.downtime.list(ends_after=span.start, starts_before=span.end)
    states = Counter(str(it.state) for it in observations)
    return {
        "section": "tonight",
        "now": now,
        "timeline": draw(observatory, observations, downtimes, span=span, now=now),
        "facts": facts(observatory, span, now),
        "night": (span.start, span.end),
        "counts": [
            ("planned", states["PENDING"], "planned"),
            ("running", states["IN_PROGRESS"], "busy"),
            ("done", states["COMPLETED"], "good"),
            ("not done", sum(states[it] for it in _NOT_DONE), "bad"),
        ],
        "running": [it for it in observations if it.state == "IN_PROGRESS"],
        "upcoming": sorted((it for it in observations if it.state == "PENDING"), key=_start)[:6],
        "finished": sorted((it for it in observations if _has_ended(it)), key=_start, reverse=True)[:6],
    }


def _start(observation: ScheduledObservation) -> Any:
    return observation.start


def _has_ended(observation: ScheduledObservation) -> bool:
    return observation.state not in {"PENDING", "IN_PROGRESS", "CANCELED"}
