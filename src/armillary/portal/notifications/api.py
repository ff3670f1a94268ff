"""How the caller wants to be told, over HTTP."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from armillary.platform.refusals import Refusal
from armillary.portal.notifications import services
from armillary.portal.notifications.models import Channel, Rhythm
from armillary.portal.notifications.queries import preferences_object
from armillary.portal.proposals.models import Proposal
from armillary.portal.proposals.queries import visible_proposals
from armillary.portal.resource import user_of


class PreferenceSerializer(serializers.Serializer[Any]):
    """How to be told about a proposal; without one, about everything else."""

    proposal = serializers.CharField(required=False, allow_null=True, default=None, max_length=255)
    channel = serializers.ChoiceField(choices=Channel.choices)
    rhythm = serializers.ChoiceField(choices=Rhythm.choices, default=Rhythm.AT_ONCE)
    webhook_url = serializers.URLField(required=False, allow_blank=True, default="", max_length=500)


class PreferencesView(APIView):
    """How the caller is told of what happens."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses={200: dict})
    def get(self, request: Request) -> Response:
        """For everything, and for single proposals; with the secret that signs the calls of webhooks."""
        return Response(preferences_object(user_of(request)))

    @extend_schema(request=PreferenceSerializer, responses={200: dict})
    def put(self, request: Request) -> Response:
        """Say how, for one proposal or for everything else."""
        body = PreferenceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        services.prefer(user_of(request), self._proposal(request, values.pop("proposal")), **values)
        return Response(preferences_object(user_of(request)))

    @extend_schema(parameters=[OpenApiParameter("proposal", str)], responses={200: dict})
    def delete(self, request: Request) -> Response:
        """Take back what was said of a proposal, or, without one, of everything else."""
        proposal = self._proposal(request, request.query_params.get("proposal"))
        services.forget_preference(user_of(request), proposal)
        return Response(preferences_object(user_of(request)))

    @staticmethod
    def _proposal(request: Request, proposal_id: str | None) -> Proposal | None:
        if not proposal_id:
            return None
        return get_object_or_404(visible_proposals(user_of(request)), pk=proposal_id)


@method_decorator(csrf_exempt, name="dispatch")  # the key in the address is the proof, and mail programs have no cookie
class UnsubscribeView(View):
    """The link under a mail: following it shows a button; mail programs press it by themselves (RFC 8058)."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        """Ask."""
        return self._shown(request, lambda: services.subject_of(key), done=False)

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        """Stop the mails."""
        return self._shown(request, lambda: services.unsubscribe(key), done=True)

    @staticmethod
    def _shown(request: HttpRequest, deed: Any, *, done: bool) -> HttpResponse:
        context: dict[str, Any] = {"done": done}
        try:
            context["proposal"] = deed()
        except Refusal as refusal:
            context["problem"] = refusal.errors
        status = 400 if "problem" in context else 200
        return render(request, "portal/notifications/unsubscribe.html", context, status=status)
