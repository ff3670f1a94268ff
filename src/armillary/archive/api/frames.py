from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypedDict

from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic_core import to_json
from rest_framework.request import Request
from rest_framework.response import Response

from armillary import clock
from armillary.archive.api.access import ArchiveView
from armillary.archive.cursors import cursor_page
from armillary.archive.filters import FrameFilter
from armillary.archive.links import LinkMaker
from armillary.archive.models import Frame, RightsChange
from armillary.archive.paging import limit_of, page_of
from armillary.archive.queries.among import among_text, text_of
from armillary.archive.queries.frames import matching_frame, matching_frames, order_of
from armillary.archive.queries.visibility import visible_frames
from armillary.archive.rendering import ROW_COLUMNS, frame_rows, rendered_frames, rendered_new_frame
from armillary.archive.serializers import ChangedFrameSerializer, NewFrameSerializer, checked_frame
from armillary.archive.services.change_frame import change_frame
from armillary.archive.services.delete_frames import delete_frame
from armillary.archive.services.record_frame import record_frame
from armillary.core.frames import Viewer
from armillary.platform.errors import Refusal
from armillary.platform.prepared import Prepared

_RIGHTS = (
    "at", "changed_by", "public_date_before", "public_date_after", "proposal_before", "proposal_after", "reason",
)  # fmt: skip


_with_keys: Final = Prepared[tuple[Any, ...]](
    lambda keys: frame_rows(among_text(Frame.objects.order_by(), "pk", keys)), keys=str
)


class _Showing(TypedDict):
    links: LinkMaker
    who: Viewer
    now: datetime
    with_related: bool
    with_thumbnails: bool


_PARAMETERS = [OpenApiParameter(name, str) for name in FrameFilter.base_filters] + [
    OpenApiParameter("limit", int, description="rows of a page, at most 1000"),
    OpenApiParameter("offset", int),
    OpenApiParameter("ordering", str),
    OpenApiParameter("include_related_frames", bool),
    OpenApiParameter("include_thumbnails", bool),
    OpenApiParameter("force_count", bool),
    OpenApiParameter("pagination_style", str, enum=["cursor"]),
]


class _FrameView(ArchiveView):
    def _showing(self) -> _Showing:
        """How frames are shown to this caller."""
        parameters = self.request.query_params
        return {
            "links": LinkMaker(self.request),
            "who": self.who,
            "now": clock.now(),
            "with_related": parameters.get("include_related_frames", "").lower() not in {"false", "0"},
            "with_thumbnails": parameters.get("include_thumbnails", "").lower() in {"true", "1"},
        }


class FrameList(_FrameView):
    """Frames: search them, or take one in."""

    @extend_schema(parameters=_PARAMETERS, responses=dict[str, Any], operation_id="archive_frames_list")
    def get(self, request: Request) -> HttpResponse:
        """One page of the frames that match and that the caller may see."""
        showing = self._showing()
        frames = matching_frames(
            request.query_params, who=showing["who"], is_anonymous=self.is_anonymous, now=showing["now"]
        )
        if request.query_params.get("pagination_style") == "cursor":
            part = cursor_page(
                frame_rows(frames), ROW_COLUMNS, order_of(request.query_params), request, limit=limit_of(request)
            )
            return _as_json(part.body(rendered_frames(part.rows, **showing)))
        page = page_of(frame_rows(frames), request, rows_of=lambda keys: _with_keys.all(keys=text_of(keys)))
        return _as_json(page.body(rendered_frames(page.rows, **showing)))

    @extend_schema(request=NewFrameSerializer, responses={201: dict[str, Any]}, operation_id="archive_frames_create")
    def post(self, request: Request) -> Response:
        """Take a data product in: record it, after its bytes were stored."""
        new = checked_frame(request.data)
        frame = record_frame(new, by=request.user.get_username())
        return Response(rendered_new_frame(frame, new.area, links=LinkMaker(request)), status=201)


class FrameDetail(_FrameView):
    """One frame."""

    @extend_schema(responses=dict[str, Any], operation_id="archive_frames_retrieve")
    def get(self, request: Request, key: int) -> HttpResponse:
        """The frame, if it exists for the caller."""
        showing = self._showing()
        found = matching_frame(
            key, request.query_params, who=showing["who"], is_anonymous=self.is_anonymous, now=showing["now"]
        )
        rows = rendered_frames(frame_rows(found), **showing)
        if not rows:
            raise Http404(_NO_FRAME)
        return _as_json(rows[0])

    @extend_schema(
        request=ChangedFrameSerializer, responses=dict[str, Any], operation_id="archive_frames_partial_update"
    )
    def patch(self, request: Request, key: int) -> HttpResponse:
        """Correct some of what the archive says of a frame; who may see it from when is remembered with ``reason``."""
        return self._change(request, key, is_partial=True)

    @extend_schema(request=ChangedFrameSerializer, responses=dict[str, Any], operation_id="archive_frames_update")
    def put(self, request: Request, key: int) -> HttpResponse:
        """Correct all that the archive says of a frame. Its name and its contents stay."""
        return self._change(request, key, is_partial=False)

    def _change(self, request: Request, key: int, *, is_partial: bool) -> HttpResponse:
        frame = Frame.objects.filter(pk=key, observation_date__isnull=False).first()
        if frame is None:
            raise Http404(_NO_FRAME)
        body = ChangedFrameSerializer(data=request.data, partial=is_partial)
        body.is_valid(raise_exception=True)
        if body.validated_data.get("basename", frame.basename) != frame.basename:
            raise Refusal({"basename": [f"A frame keeps its name; this one is called {frame.basename}."]})
        reason = body.validated_data.get("reason", "")
        change_frame(key, body.change(), by=request.user.get_username(), reason=reason)
        return self.get(request, key)

    @extend_schema(responses={204: None}, operation_id="archive_frames_destroy")
    def delete(self, request: Request, key: int) -> Response:
        """Delete the frame, its versions and their bytes."""
        del request
        delete_frame(key)
        return Response(status=204)


class FrameHeaders(ArchiveView):
    """The header of a frame."""

    @extend_schema(responses=dict[str, Any], operation_id="archive_frames_headers")
    def get(self, request: Request, key: int) -> Response:
        """Every keyword and value."""
        del request
        frame = visible_frames(self.who, clock.now()).filter(pk=key).values("headers__data").first()
        if frame is None:
            raise Http404(_NO_FRAME)
        return Response({"data": frame["headers__data"] or {}})


class FrameRights(ArchiveView):
    """Who changed from when a frame is public, or whose it is."""

    @extend_schema(responses=list[dict[str, Any]], operation_id="archive_frames_rights")
    def get(self, request: Request, key: int) -> Response:
        """Every change, the newest first, for those to whom the frame belongs."""
        del request
        if not visible_frames(self.who, clock.now()).filter(pk=key).exists():
            raise Http404(_NO_FRAME)
        changes = RightsChange.objects.filter(frame=key)
        if not self.who.sees_all:
            changes = changes.filter(frame__proposal_id__in=sorted(self.who.proposals))
        return Response(list(changes.values(*_RIGHTS)))


class RelatedFrames(_FrameView):
    """The frames that a frame was made from or helped to make."""

    @extend_schema(responses=list[dict[str, Any]], operation_id="archive_frames_related")
    def get(self, request: Request, key: int) -> HttpResponse:
        """Those that exist for the caller, all at once."""
        del request
        showing = self._showing()
        visible = visible_frames(showing["who"], showing["now"])
        if not visible.filter(pk=key).exists():
            raise Http404(_NO_FRAME)
        related = visible.filter(related_frames=key).order_by("-observation_date", "-id")
        return _as_json(rendered_frames(frame_rows(related), **showing))


def _as_json(body: Any) -> HttpResponse:
    return HttpResponse(to_json(body), content_type="application/json")


_NO_FRAME = f"No {Frame.__name__} matches the given query."
