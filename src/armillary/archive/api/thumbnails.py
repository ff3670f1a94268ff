from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from armillary import clock
from armillary.archive.api.access import ArchiveView
from armillary.archive.filters import ThumbnailFilter
from armillary.archive.links import LinkMaker
from armillary.archive.models import Frame
from armillary.archive.paging import page_of
from armillary.archive.queries.visibility import visible_thumbnails
from armillary.archive.rendering import rendered_new_frame, rendered_thumbnail
from armillary.archive.serializers import ChangedThumbnailSerializer, NewThumbnailSerializer, new_frame
from armillary.archive.services.delete_frames import delete_thumbnail
from armillary.archive.services.record_thumbnail import change_thumbnail, record_thumbnail
from armillary.archive.services.save_frame import NewVersion
from armillary.archive.sky.words import wire_area


class ThumbnailList(ArchiveView):
    """Small pictures of frames."""

    @extend_schema(
        parameters=[OpenApiParameter(name, str) for name in ThumbnailFilter.base_filters],
        responses=dict[str, Any],
        operation_id="archive_thumbnails_list",
    )
    def get(self, request: Request) -> Response:
        """One page of the thumbnails of frames that exist for the caller."""
        chosen = ThumbnailFilter(request.query_params, visible_thumbnails(self.who, clock.now()).order_by("id"))
        if not chosen.is_valid():
            return Response(chosen.errors, status=400)
        page = page_of(chosen.qs, request)
        links = LinkMaker(request)
        return Response(page.body([rendered_thumbnail(thumbnail, links) for thumbnail in page.rows]))

    @extend_schema(
        request=NewThumbnailSerializer, responses={201: dict[str, Any]}, operation_id="archive_thumbnails_create"
    )
    def post(self, request: Request) -> Response:
        """Take a thumbnail in, after its bytes were stored."""
        body = NewThumbnailSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        new = new_frame(data, basename=data["frame_basename"], with_versions=False)
        is_known = Frame.objects.filter(basename=new.basename, observation_date__isnull=False).exists()
        thumbnail = record_thumbnail(
            new,
            basename=data["basename"],
            size=data["size"],
            picture=NewVersion(**data["version_set"][0]),
            by=request.user.get_username(),
        )
        links = LinkMaker(request)
        frame = thumbnail.frame
        answer = rendered_thumbnail(thumbnail, links)
        answer["frame"] = rendered_new_frame(frame, wire_area(frame.area) if is_known else new.area, links=links)
        return Response({key: value for key, value in answer.items() if key != "id"}, status=201)


class ThumbnailDetail(ArchiveView):
    """One small picture."""

    @extend_schema(responses=dict[str, Any], operation_id="archive_thumbnails_retrieve")
    def get(self, request: Request, key: int) -> Response:
        """The thumbnail, if its frame exists for the caller."""
        thumbnail = get_object_or_404(visible_thumbnails(self.who, clock.now()), pk=key)
        return Response(rendered_thumbnail(thumbnail, LinkMaker(request)))

    @extend_schema(
        request=ChangedThumbnailSerializer, responses=dict[str, Any], operation_id="archive_thumbnails_partial_update"
    )
    def patch(self, request: Request, key: int) -> Response:
        """Correct the size or the picture of a thumbnail."""
        return self._change(request, key, is_partial=True)

    @extend_schema(
        request=ChangedThumbnailSerializer, responses=dict[str, Any], operation_id="archive_thumbnails_update"
    )
    def put(self, request: Request, key: int) -> Response:
        """Correct the size and the picture of a thumbnail."""
        return self._change(request, key, is_partial=False)

    def _change(self, request: Request, key: int, *, is_partial: bool) -> Response:
        body = ChangedThumbnailSerializer(data=request.data, partial=is_partial)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        picture = NewVersion(**data["version_set"][0]) if "version_set" in data else None
        change_thumbnail(key, size=data.get("size"), picture=picture)
        return self.get(request, key)

    @extend_schema(responses={204: None}, operation_id="archive_thumbnails_destroy")
    def delete(self, request: Request, key: int) -> Response:
        """Delete the thumbnail and its picture."""
        del request
        delete_thumbnail(key)
        return Response(status=204)
