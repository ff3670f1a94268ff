"""Subscriptions to the change feed over HTTP."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import DestroyModelMixin, ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from armillary.clock import now
from armillary.platform.idempotency import idempotent
from armillary.portal.resource import user_of
from armillary.portal.subscriptions.models import Subscription
from armillary.portal.subscriptions.serializers import SubscriptionSerializer
from armillary.portal.subscriptions.services.register import change, subscribe, try_out


@extend_schema(tags=["subscriptions"])
class SubscriptionViewSet(ListModelMixin, RetrieveModelMixin, DestroyModelMixin, GenericViewSet[Subscription]):
    """Where the caller's programs are told of changes. Calls are signed with the secret of one's notifications."""

    permission_classes = (IsAuthenticated,)
    serializer_class = SubscriptionSerializer
    queryset = Subscription.objects.all()
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self) -> QuerySet[Subscription]:
        """The caller's own."""
        user = self.request.user
        return Subscription.objects.filter(user=user) if user.is_authenticated else Subscription.objects.none()

    @idempotent
    def create(self, request: Request) -> Response:
        """Have changes sent to an address from now on."""
        values = self._values(request, partial=False)
        subscription = subscribe(user_of(request), values["url"], values["kinds"], now())
        return Response(SubscriptionSerializer(subscription).data, status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the address or the kinds, stop, or go on where it was stopped."""
        del pk
        subscription = change(self.get_object(), self._values(request, partial=True), now())
        return Response(SubscriptionSerializer(subscription).data)

    @extend_schema(request=None, responses={200: SubscriptionSerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Call the address now, with an empty list of events."""
        del request, pk
        subscription = self.get_object()
        try_out(subscription, now())
        return Response(SubscriptionSerializer(subscription).data)

    @staticmethod
    def _values(request: Request, *, partial: bool) -> dict[str, Any]:
        body = SubscriptionSerializer(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)
