"""Calls and applications over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from armillary.accounts.permissions import Permission, requires
from armillary.clock import now
from armillary.configuration import configuration
from armillary.platform.errors import Refusal
from armillary.portal.calls import papers, queries, services, wire
from armillary.portal.calls.filters import ApplicationFilters, CallFilters
from armillary.portal.calls.models import Call, ScienceApplication
from armillary.portal.calls.serializers import (
    ApplicationSerializer,
    CallSerializer,
    CommentsSerializer,
    DecisionSerializer,
)
from armillary.portal.resource import Rendered, Resource, user_of
from armillary.portal.surroundings import observatory

Decides = requires(Permission.DECIDE_APPLICATIONS)


def base_url() -> str:
    """Where people reach this server, without a slash at the end."""
    return str(configuration().public_url).rstrip("/")


class CallViewSet(Resource):
    """Calls for proposals; the observatory writes them."""

    filterset_class = CallFilters
    order_model = Call

    def get_permissions(self) -> list[BasePermission]:
        """Everybody with an account reads; who decides about applications writes."""
        return [IsAuthenticated() if self.request.method in SAFE_METHODS else Decides()]

    def get_queryset(self) -> QuerySet[Call]:
        """Those that the caller may answer or administer."""
        return queries.visible_calls(user_of(self.request))

    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """Calls."""
        names = wire.telescope_names(observatory())
        return wire.calls(rows, user_of(self.request), now(), names)

    @extend_schema(request=CallSerializer, responses={201: dict})
    def create(self, request: Request) -> Response:
        """Open a call."""
        body = CallSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        call = services.create_call(body.details(_type_names()), actor=user_of(request))
        return Response(self.rendered([call])[0], status=201)

    @extend_schema(request=CallSerializer, responses={200: dict})
    def update(self, request: Request, pk: str) -> Response:
        """Change a call."""
        del pk
        body = CallSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        call = services.change_call(self.get_object(), body.details(_type_names()), actor=user_of(request))
        return Response(self.rendered([call])[0])


class ApplicationViewSet(Resource):
    """Applications for time."""

    permission_classes = (IsAuthenticated,)
    filterset_class = ApplicationFilters
    order_model = ScienceApplication
    orderings = ("id", "title", "status", "call", "call__semester", "tac_rank", "created", "modified", "submitted")

    def get_queryset(self) -> QuerySet[ScienceApplication]:
        """The caller's own, or all of them for staff that sees everything."""
        return queries.visible_applications(user_of(self.request))

    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """Applications."""
        return wire.applications(rows, wire.telescope_names(observatory()), base_url())

    def _shown(self, application: ScienceApplication) -> dict[str, Any]:
        return self.rendered([queries.visible_applications(application.submitter).get(pk=application.pk)])[0]

    @extend_schema(request=ApplicationSerializer, responses={201: dict})
    def create(self, request: Request) -> Response:
        """Write an application."""
        body = ApplicationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(self._shown(services.save_application(user_of(request), body.form())), status=201)

    @extend_schema(request=ApplicationSerializer, responses={200: dict})
    def update(self, request: Request, pk: str) -> Response:
        """Change a draft, or submit it."""
        del pk
        body = ApplicationSerializer(data=request.data)
        draft = self.get_object()
        if draft.status != ScienceApplication.Status.DRAFT or draft.submitter_id != user_of(request).pk:
            raise Http404("No ScienceApplication matches the given query.")
        body.is_valid(raise_exception=True)
        try:
            application = services.save_application(user_of(request), body.form(), draft.pk)
        except ScienceApplication.DoesNotExist as error:  # submitted by another request in this very moment
            raise Http404("No ScienceApplication matches the given query.") from error
        return Response(self._shown(application))

    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a draft; what was submitted stays."""
        del pk
        application = self.get_object()
        if application.submitter_id == user_of(request).pk:
            services.delete_application(application)
        return Response(status=204)

    @extend_schema(request=None, responses={200: None})
    @action(detail=True, methods=["post"])
    def copy(self, request: Request, pk: str) -> HttpResponse:
        """Write it again for the call that is open now; the answer is empty, as at the reference."""
        del request, pk
        services.copy_application(self.get_object())
        return HttpResponse(status=200)

    @extend_schema(request=DecisionSerializer, responses={200: dict})
    @action(detail=True, methods=["post"], permission_classes=[Decides])
    def accept(self, request: Request, pk: str) -> Response:
        """Give it time: proposal, allocations, members, invitations and letters at once."""
        body = DecisionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        application = _to_decide(pk)
        proposal = services.accept_application(application, body.decision(), actor=user_of(request))
        return Response({**self._shown(application), "proposal": proposal.pk})

    @extend_schema(request=CommentsSerializer, responses={200: dict})
    @action(detail=True, methods=["post"], permission_classes=[Decides])
    def reject(self, request: Request, pk: str) -> Response:
        """Give it no time, and say so by letter."""
        body = CommentsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        application = _to_decide(pk)
        services.reject_application(application, body.validated_data["comments"], actor=user_of(request))
        return Response(self._shown(application))

    @extend_schema(responses={200: list})
    @action(detail=False, permission_classes=[Decides])
    def unassigned(self, request: Request) -> Response:
        """Submitted applications that no panel has yet, for those who assign them."""
        del request
        return Response(self.rendered(list(queries.unassigned_applications())))

    @extend_schema(responses={(200, "application/pdf"): bytes})
    @action(detail=True)
    def attachment(self, request: Request, pk: str) -> FileResponse:
        """The PDF that the applicant attached."""
        del request, pk
        application = self.get_object()
        if not application.pdf:
            raise Http404("Nothing was attached to this application.")
        return papers.stored(application.pdf)

    @extend_schema(responses={(200, "application/pdf"): bytes})
    @action(detail=True)
    def pdf(self, request: Request, pk: str) -> HttpResponse:
        """The whole application as one PDF, with what was attached."""
        del request, pk
        application = self.get_object()
        shown = self.rendered([application])[0]
        answer = HttpResponse(papers.printed(application, shown), content_type="application/pdf")
        answer["Content-Disposition"] = f'inline; filename="application-{application.pk}.pdf"'
        return answer


def _type_names() -> dict[str, str]:
    """The observatory's types of instruments, by code."""
    types = observatory().instrument_types(include_unschedulable=True)
    return {code: found.name or code for code, found in types.items()}


def _to_decide(pk: str) -> ScienceApplication:
    if not pk.isdecimal():
        raise Refusal({"id": [f"{pk!r} is not the number of an application."]})
    application = ScienceApplication.objects.select_related("submitter__profile").filter(pk=int(pk)).first()
    if application is None:
        raise Http404("No ScienceApplication matches the given query.")
    return application
