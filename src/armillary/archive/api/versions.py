from __future__ import annotations

from typing import Any, Final

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from armillary.accounts.permissions import IsStaff
from armillary.archive.api.access import ArchiveView
from armillary.archive.links import LinkMaker
from armillary.archive.models import Version
from armillary.archive.paging import Page, page_of
from armillary.archive.rendering import VERSION_COLUMNS, rendered_version
from armillary.platform.prepared import Prepared


class VersionList(ArchiveView):
    """Contents of frames: how an ingester asks whether a file is here already."""

    permission_classes = (IsStaff,)

    @extend_schema(
        parameters=[OpenApiParameter("md5", str)], responses=dict[str, Any], operation_id="archive_versions_list"
    )
    def get(self, request: Request) -> Response:
        """One page of versions, of one content with ``md5``."""
        page = _page(request)
        links = LinkMaker(request)
        return Response(page.body([rendered_version(row, links) for row in page.rows]))


_with_md5: Final = Prepared[tuple[Any, ...]](
    lambda md5: Version.objects.filter(md5=md5).values_list(*VERSION_COLUMNS), md5=str
)


def _page(request: Request) -> Page:
    md5 = request.query_params.get("md5", "").strip()
    if md5 and request.query_params.keys() == {"md5"}:  # what ingesters ask about every file: there is one or none
        rows = _with_md5.all(md5=md5)
        return Page(rows, len(rows), is_promised=True, next=None, previous=None)
    versions = Version.objects.filter(md5=md5) if md5 else Version.objects.all()
    return page_of(versions.values_list(*VERSION_COLUMNS), request)


class VersionDetail(ArchiveView):
    """One content of a frame."""

    permission_classes = (IsStaff,)

    @extend_schema(responses=dict[str, Any], operation_id="archive_versions_retrieve")
    def get(self, request: Request, key: int) -> Response:
        """The version."""
        version = get_object_or_404(Version.objects.values_list(*VERSION_COLUMNS), pk=key)
        return Response(rendered_version(version, LinkMaker(request)))
