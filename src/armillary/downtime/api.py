"""The downtimes over HTTP: parse, call a service, render."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from django.http import Http404, HttpResponse
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.filters import OrderingFilter
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from armillary import clock
from armillary.accounts.authentication import ChallengingAuthentication
from armillary.accounts.models import User
from armillary.configuration import configuration
from armillary.downtime import services
from armillary.downtime.filters import DowntimeFilter
from armillary.downtime.models import Downtime
from armillary.downtime.queries import calendar_of, current_revision, versions_of
from armillary.downtime.serializers import DeclarationSerializer, DowntimeSerializer
from armillary.platform.conditional import etag_of_list, tagged, unmodified
from armillary.platform.history import VersionSerializer, reason_in
from armillary.platform.idempotency import idempotent
from armillary.platform.paging import ThousandPerPagePaging

_CALENDAR_PAST: Final = timedelta(days=90)
_ACTIONS: Final = {"POST": "add", "PUT": "change", "PATCH": "change", "DELETE": "delete"}


class ReadsOpenly(BasePermission):
    """Anybody reads, if the setting says so."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the caller may read."""
        del view
        return configuration().read_access_is_public or bool(request.user.is_authenticated)


class WritesByPermission(ReadsOpenly):
    """Operators and those granted it declare downtimes; an author may change and withdraw their own."""

    message = "Declaring downtimes needs staff rights or the permission to add downtimes."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the caller may try this method."""
        if request.method in SAFE_METHODS:
            return super().has_permission(request, view)
        if not request.user.is_authenticated:
            return False
        return request.method != "POST" or self._is_granted(request)

    def has_object_permission(self, request: Request, view: Any, obj: Downtime) -> bool:
        """Whether the caller may do it to this one."""
        del view
        return request.method in SAFE_METHODS or obj.author_id == request.user.pk or self._is_granted(request)

    @staticmethod
    def _is_granted(request: Request) -> bool:
        user = request.user
        action = _ACTIONS.get(request.method or "", "change")
        return user.is_staff or user.has_perm(f"armillary_downtime.{action}_downtime")


@extend_schema(tags=["downtime"])
class DowntimeViewSet(ModelViewSet[Downtime]):
    """When telescopes cannot be used."""

    queryset = Downtime.objects.order_by("created", "id")
    serializer_class = DowntimeSerializer
    authentication_classes = (ChallengingAuthentication,)
    permission_classes = (WritesByPermission,)
    pagination_class = ThousandPerPagePaging
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_class = DowntimeFilter
    ordering_fields = DowntimeSerializer.Meta.fields
    lookup_value_regex = r"\d{1,18}"

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All downtimes, or those that the query parameters leave; not sent again to who has them (ETag)."""
        etag = etag_of_list(current_revision(), request)
        return unmodified(request, etag) or tagged(super().list(request, *args, **kwargs), etag)

    @extend_schema(request=DeclarationSerializer, responses={201: DeclarationSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Declare a downtime: once or again and again, of a telescope or of all at a place."""
        wanted = DeclarationSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        values = dict(wanted.validated_data)
        rule = values.pop("recurrence", "")
        made = services.declare_downtimes(values, rule=rule, by=self._author())
        body = self._shown(made[0]) | self._warnings(made)
        if len(made) > 1:
            body["members"] = [self._shown(each) for each in made]
        return Response(body, status=201)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a downtime; what is over is changed only with a reason (header ``X-Reason``)."""
        del args
        present = self.get_object()
        wanted = self.get_serializer(present, data=request.data, partial=kwargs.get("partial", False))
        wanted.is_valid(raise_exception=True)
        changed = services.change_downtime(present.pk, wanted.validated_data, by=self._author())
        return Response(self._shown(changed) | self._warnings([changed]))

    @extend_schema(
        parameters=[
            OpenApiParameter("series", OpenApiTypes.BOOL, description="Also the others of its series that are not over")
        ]
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Withdraw a downtime; what is over is withdrawn only with a reason (header ``X-Reason``)."""
        del args, kwargs
        everything = request.query_params.get("series", "").lower() in {"1", "true", "yes"}
        services.withdraw_downtime(self.get_object(), series=everything, by=self._author())
        return Response(status=204)

    @extend_schema(responses=VersionSerializer(many=True), filters=False)
    @action(detail=True, url_path="history")
    def history(self, request: Request, pk: str) -> Response:
        """Every version of it, newest first: who made it, when, and why; also of what was withdrawn."""
        found = versions_of(int(pk))
        if not found:
            raise Http404("No Downtime matches the given query.")
        page: Any = self.paginate_queryset(found)
        shown = VersionSerializer(page, many=True, context={"request": request}).data
        return self.get_paginated_response(shown)

    def _shown(self, downtime: Downtime) -> dict[str, Any]:
        return dict(DowntimeSerializer(downtime).data)

    def _warnings(self, made: Sequence[Downtime]) -> dict[str, Any]:
        warnings = services.overlap_warnings(made)
        return {"warnings": warnings} if warnings else {}

    def _author(self) -> services.Authorship:
        user = self.request.user
        return services.Authorship(user if isinstance(user, User) else None, reason_in(self.request))


class CalendarView(APIView):
    """A telescope's downtimes for calendar programs."""

    authentication_classes = (ChallengingAuthentication,)
    permission_classes = (ReadsOpenly,)

    @extend_schema(tags=["downtime"], responses={(200, "text/calendar"): OpenApiTypes.STR})
    def get(self, request: Request, site: str, enclosure: str, telescope: str) -> HttpResponse:
        """ICalendar (RFC 5545) of the last 90 days and of all that is to come; empty if there is none."""
        now = clock.now()
        found = Downtime.objects.filter(
            site=site, enclosure=enclosure, telescope=telescope, end__gt=now - _CALENDAR_PAST
        )
        body = calendar_of(
            f"{site}.{enclosure}.{telescope}", found.order_by("start", "id"), now=now, host=request.get_host()
        )
        return HttpResponse(body, content_type="text/calendar; charset=utf-8")
