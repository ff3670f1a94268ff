"""The downtimes over HTTP: parse, call a service, render."""

from __future__ import annotations

from typing import Any, Final, cast

from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.filters import OrderingFilter
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from armillary.accounts.authentication import ChallengingAuthentication
from armillary.accounts.models import User
from armillary.configuration import configuration
from armillary.downtime import services
from armillary.downtime.filters import DowntimeFilter
from armillary.downtime.models import Downtime
from armillary.downtime.queries import current_revision
from armillary.downtime.serializers import DowntimeSerializer
from armillary.platform.conditional import etag_of_list, tagged, unmodified
from armillary.platform.paging import ThousandPerPagePaging

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

    def perform_create(self, serializer: BaseSerializer[Downtime]) -> None:
        """Declare it."""
        user = self.request.user
        serializer.instance = services.declare_downtime(
            serializer.validated_data, user if isinstance(user, User) else None
        )

    def perform_update(self, serializer: BaseSerializer[Downtime]) -> None:
        """Change it."""
        serializer.instance = services.change_downtime(cast("Downtime", serializer.instance), serializer.validated_data)

    def perform_destroy(self, instance: Downtime) -> None:
        """Withdraw it."""
        services.withdraw_downtime(instance)
