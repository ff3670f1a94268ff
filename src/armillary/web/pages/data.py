from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from armillary import clock
from armillary.web.access import Access, page

_PER_PAGE: Final = 48
_FILTERS: Final = ("target_name", "proposal_id", "primary_optical_element", "site_id", "start", "end", "request_id")


@page("data")
def frames(request: HttpRequest, access: Access) -> HttpResponse:
    """The gallery of frames."""
    filters = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    offset = _offset(request)
    found = access.archive.page(
        include_thumbnails="true", include_related_frames="false", limit=_PER_PAGE, offset=offset, **filters
    )
    query = request.GET.copy()
    query.pop("offset", None)
    context = {
        "section": "data",
        "now": clock.now(),
        "frames": found.results,
        "count": found.count,
        "first": offset + 1,
        "last": offset + len(found.results),
        "previous": max(0, offset - _PER_PAGE) if offset else None,
        "next": offset + _PER_PAGE if offset + len(found.results) < found.count else None,
        "filters": filters,
        "query": query.urlencode(),
    }
    return render(request, "armillary/frames.html", context)


@page("data")
def frame(request: HttpRequest, access: Access, frame_id: int) -> HttpResponse:
    """A frame: preview, facts, header, download."""
    found = access.archive.frame(frame_id, include_thumbnails="true")
    context = {
        "section": "data",
        "now": clock.now(),
        "frame": found,
        "headers": sorted(access.archive.headers(frame_id).items()),
    }
    return render(request, "armillary/frame.html", context)


def _offset(request: HttpRequest) -> int:
    text = request.GET.get("offset", "0")
    return int(text) if text.isdigit() else 0
