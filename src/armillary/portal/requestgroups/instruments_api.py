"""Instruments over HTTP."""

from __future__ import annotations

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from armillary.portal.requestgroups.instruments import instruments
from armillary.portal.surroundings import observatory


class InstrumentsView(APIView):
    """What can be asked for."""

    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        """Instrument types with their modes, elements and cameras."""
        staff = bool(getattr(request.user, "is_staff", False))
        return Response(instruments(observatory(), request.query_params, is_staff=staff))
