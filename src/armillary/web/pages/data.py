from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from armillary import clock
from armillary.clients.errors import RequestRefused
from armillary.web.access import Access, page
from armillary.web.sky_map import sky_map

_PER_PAGE: Final = 48
_FILTERS: Final = (
    "target_name", "name", "radius", "proposal_id", "primary_optical_element", "site_id", "instrument_id",
    "configuration_type", "start", "end", "request_id", "reduction_level",
)  # fmt: skip
_CHOICES: Final = ("stretch", "limits", "percentile", "black", "white", "color")
_CURVES: Final = ("asinh", "linear", "sqrt", "log")
_LIMITS: Final = ("zscale", "percentile", "minmax")
_PICTURE_PIXELS: Final = 1024
_BAD_REQUEST: Final = 400


@page("data")
def frames(request: HttpRequest, access: Access) -> HttpResponse:
    """The gallery of frames."""
    filters = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    offset = _offset(request)
    context: dict[str, Any] = {"section": "data", "now": clock.now(), "filters": filters}
    try:
        found = access.archive.page(
            include_thumbnails="true", include_related_frames="false", limit=_PER_PAGE, offset=offset, **filters
        )
    except RequestRefused as refusal:
        if refusal.status != _BAD_REQUEST:
            raise
        return render(request, "armillary/frames.html", context | {"problems": _problems(refusal)}, status=400)
    query = request.GET.copy()
    query.pop("offset", None)
    context |= {
        "frames": [frame | {"picture": _thumbnail(frame, "small")} for frame in found.results],
        "count": found.count,
        "is_more": not found.count_is_promised and found.next is not None,
        "first": offset + 1,
        "last": offset + len(found.results),
        "previous": max(0, offset - _PER_PAGE) if offset else None,
        "next": offset + _PER_PAGE if found.next else None,
        "query": query.urlencode(),
    }
    return render(request, "armillary/frames.html", context)


@page("data")
def frame(request: HttpRequest, access: Access, frame_id: int) -> HttpResponse:
    """A frame: preview, facts, place on the sky, header, relatives, download."""
    found = access.archive.frame(frame_id, include_thumbnails="true")
    context = {
        "section": "data",
        "now": clock.now(),
        "frame": found,
        "headers": sorted(access.archive.headers(frame_id).items()),
        "related": access.archive.related(frame_id) if found.get("related_frames") else [],
        "sky": sky_map(found.get("area")),
        "curves": _CURVES,
        "limits": _LIMITS,
        "chosen": {name: request.GET.get(name, "") for name in _CHOICES},
        **_picture(request, access, found),
    }
    return render(request, "armillary/frame.html", context)


def _picture(request: HttpRequest, access: Access, found: Mapping[str, Any]) -> dict[str, Any]:
    """The address of the picture with the chosen stretch; the ready-made one if nothing was chosen."""
    chosen = {name: request.GET[name] for name in _CHOICES if request.GET.get(name)}
    is_image = ".fits" in (found.get("filename") or "") and bool(found.get("url"))
    if not chosen and (ready := _thumbnail(found, "large")):
        return {"picture": ready, "is_image": is_image}
    if not is_image:
        return {"picture": "", "is_image": False}
    try:
        address = access.archive.picture_address(
            int(found["id"]), width=_PICTURE_PIXELS, height=_PICTURE_PIXELS, **chosen
        )
    except RequestRefused as refusal:
        if refusal.status != _BAD_REQUEST:
            raise
        return {"picture": "", "is_image": True, "problems": _problems(refusal)}
    return {"picture": address, "is_image": True}


def _thumbnail(found: Mapping[str, Any], size: str) -> str:
    """The address of a thumbnail, in colour if there is one."""
    of_size = [thumbnail for thumbnail in found.get("thumbnails", ()) if thumbnail["size"] == size and thumbnail["url"]]
    of_size.sort(key=lambda thumbnail: "-colour-" not in thumbnail["basename"])
    return str(of_size[0]["url"]) if of_size else ""


def _problems(refusal: RequestRefused) -> list[str]:
    """What the archive says is wrong, one sentence for each field."""
    if not isinstance(refusal.detail, dict):
        return [str(refusal.detail)]
    return [
        sentence if field in {"non_field_errors", "detail"} else f"{field}: {sentence}"
        for field, sentences in refusal.detail.items()
        for sentence in (sentences if isinstance(sentences, list) else [sentences])
    ]


def _offset(request: HttpRequest) -> int:
    text = request.GET.get("offset", "0")
    return int(text) if text.isdigit() and len(text) < 16 else 0
