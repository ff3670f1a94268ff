from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from armillary import clock
from armillary.clients.errors import ServiceUnavailable
from armillary.core.observatory import Observatory
from armillary.core.requests.model import Request
from armillary.core.requests.states import State
from armillary.web.access import Access, page
from armillary.web.curves import Plot, altitude_plot, night_around, telescopes_for

_PER_PAGE: Final = 50
_LIVE: Final = frozenset({"PENDING", "IN_PROGRESS"})


@page("requests")
def request_groups(request: HttpRequest, access: Access) -> HttpResponse:
    """All request groups the caller may see, newest first."""
    filters = {name: request.GET[name] for name in ("state", "name", "proposal", "user") if request.GET.get(name)}
    groups = list(islice(access.portal.request_groups(limit=_PER_PAGE + 1, **filters), _PER_PAGE + 1))
    context = {
        "section": "requests",
        "now": clock.now(),
        "groups": groups[:_PER_PAGE],
        "has_more": len(groups) > _PER_PAGE,
        "states": list(State),
        "filters": filters,
    }
    return render(request, "armillary/request_groups.html", context)


@page("requests")
def request_group(request: HttpRequest, access: Access, group_id: int) -> HttpResponse:
    """A request group: its requests, when they can be seen, what was observed."""
    group = access.portal.request_group(group_id)
    observatory = access.configdb.observatory()
    context = {
        "section": "requests",
        "now": clock.now(),
        "group": group,
        "details": [_details(access, observatory, it) for it in group.requests],
        "can_cancel": group.state == State.PENDING and request.user.is_authenticated,
    }
    return render(request, "armillary/request_group.html", context)


@page("requests")
def request_detail(request: HttpRequest, access: Access, request_id: int) -> HttpResponse:
    """A single request lives on its group's page."""
    del request
    groups = list(access.portal.request_groups(limit=1, request_id=request_id))
    if not groups:
        access.portal.request(request_id)  # answers 404 or 403, and so does the page
    return redirect("request-group", group_id=groups[0].id)


@require_POST
@page("requests")
def cancel(request: HttpRequest, access: Access, group_id: int) -> HttpResponse:
    """Cancel a request group."""
    access.portal.cancel_request_group(group_id)
    messages.success(request, "The request group is cancelled.")
    return redirect("request-group", group_id=group_id)


def _details(access: Access, observatory: Observatory, request: Request) -> dict[str, Any]:
    observations = access.portal.request_observations(int(request.id or 0))
    return {
        "request": request,
        "observations": observations,
        "plot": _plot(observatory, request, observations),
        "why": _why_not(access, request, observations),
        "frames": _frames(access, int(request.id or 0)),
    }


def _why_not(access: Access, request: Request, observations: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What keeps a request from being observed, while it waits and is on no schedule."""
    if request.state != State.PENDING or any(it["state"] in _LIVE for it in observations):
        return None
    return access.portal.explanation(int(request.id or 0))


def _plot(observatory: Observatory, request: Request, observations: list[dict[str, Any]]) -> Plot | None:
    now = clock.now()
    live = [
        (datetime.fromisoformat(it["start"]), datetime.fromisoformat(it["end"]))
        for it in observations
        if it["state"] not in {"CANCELED", "ABORTED"}
    ]
    start, end = night_around(request, live, now)
    return altitude_plot(request, telescopes_for(observatory, request), start=start, end=end, scheduled=live, now=now)


def _frames(access: Access, request_id: int) -> list[Any] | None:
    """The request's frames; ``None`` when the archive cannot be asked, which the page says."""
    try:
        return list(access.archive.page(request_id=request_id, include_thumbnails="true", limit=60).results)
    except ServiceUnavailable:
        return None
