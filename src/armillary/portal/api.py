"""What the API offers."""

from __future__ import annotations

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

RESOURCES = (
    "requests",
    "requestgroups",
    "drafts",
    "proposals",
    "semesters",
    "memberships",
    "invitations",
    "calls",
    "scienceapplications",
    "scienceapplication-reviews",
    "scienceapplication-user-reviews",
    "observations",
    "schedule",
    "realtime",
    "configurationstatus",
)


class ApiRootView(APIView):
    """The addresses of all resources."""

    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """By name."""
        return Response({name: request.build_absolute_uri(f"/api/{name}/") for name in RESOURCES})
