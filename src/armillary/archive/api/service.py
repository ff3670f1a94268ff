from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from armillary.accounts import identity
from armillary.accounts.models import User
from armillary.archive.api.access import ArchiveView
from armillary.archive.stores import StoreError, file_store


class ProfileView(ArchiveView):
    """Who the caller is."""

    @extend_schema(responses=dict[str, Any], operation_id="archive_profile")
    def get(self, request: Request) -> Response:
        """Name, proposals and staff flag; empty for a stranger."""
        user = request.user
        if not isinstance(user, User):
            return Response({"username": "", "profile": {}, "is_staff": False})
        proposals = sorted(identity.proposal_ids(user))
        return Response({"username": user.username, "profile": {"proposals": proposals}, "is_staff": user.is_staff})


def robots(request: HttpRequest) -> HttpResponse:
    """Search engines are asked to stay away: they would fetch every frame."""
    del request
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")


class HealthView(ArchiveView):
    """Whether the archive can do its work."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(responses=str, operation_id="archive_health")
    def get(self, request: Request) -> Response:
        """``"ok"`` if database and file store can be used, else 503 with the reason."""
        del request
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        try:
            file_store().check()
        except StoreError as error:
            return Response({"detail": f"The file store cannot be used: {error}"}, status=503)
        return Response("ok")
