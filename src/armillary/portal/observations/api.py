"""Observations, the schedule and telescopes' reports over HTTP."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from armillary.accounts.models import User
from armillary.accounts.permissions import IsStaff
from armillary.clock import now
from armillary.core.observations.states import ObservationState
from armillary.core.requests.submission import read
from armillary.platform import openapi
from armillary.platform.errors import Forbidden, Refusal
from armillary.platform.idempotency import idempotent
from armillary.portal.cause import Cause
from armillary.portal.filters import column_names, ordered
from armillary.portal.history.models import StateTransition
from armillary.portal.history.queries import transitions_of
from armillary.portal.observations import queries
from armillary.portal.observations.filters import ObservationFilters, StatusFilters, catalogue
from armillary.portal.observations.models import ConfigurationStatus, Observation
from armillary.portal.observations.services.amend import change_end
from armillary.portal.observations.services.announce import version_of
from armillary.portal.observations.services.condemn import condemn_observation
from armillary.portal.observations.services.create import create_observation, create_observations
from armillary.portal.observations.services.direct import submit_directly
from armillary.portal.observations.services.judge import free_proposals
from armillary.portal.observations.services.publish import publish_schedule
from armillary.portal.observations.services.report import report_execution
from armillary.portal.observations.services.withdraw import withdraw_observations
from armillary.portal.observations.shapes import (
    Cancellation,
    ObservationChange,
    PlannedSpan,
    StatusReport,
    SubmittedObservation,
)
from armillary.portal.proposals.models import Membership
from armillary.portal.resource import user_of

Json = dict[str, Any]


class PlacesObservations(BasePermission):
    """Staff, and members of proposals that may place observations themselves."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Reading is a matter of what one sees; writing of who one is."""
        del view
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return True
        user = request.user
        if not isinstance(user, User):
            return False
        return user.is_staff or Membership.objects.filter(user=user, proposal__direct_submission=True).exists()


class _ObservationList(GenericViewSet[Observation]):
    filterset_class = ObservationFilters

    def get_queryset(self) -> QuerySet[Observation]:
        """What the caller may see."""
        return queries.visible_observations(self.request.user)

    def list(self, request: Request) -> Response:
        """One page, newest first unless the caller says otherwise."""
        rows = queries.for_listing(self.filter_queryset(self.get_queryset()))
        page = self.paginate_queryset(rows if request.query_params.get("ordering") else rows.order_by("-pk"))
        return self.get_paginated_response(queries.listed(list(page or ())))


class ObservationViewSet(_ObservationList):
    """Observations."""

    permission_classes = (PlacesObservations,)

    def retrieve(self, request: Request, pk: str) -> Response:
        """One observation."""
        del request, pk
        return Response(queries.detailed(self.get_object()))

    @extend_schema(request=openapi.body_of(SubmittedObservation), responses={201: dict})
    @idempotent
    def create(self, request: Request) -> Response:
        """Place one observation, or a list of them, each accepted or refused on its own."""
        user = user_of(request)
        if isinstance(request.data, list):
            creation = create_observations(user, request.data, now())
            errors = {str(index): error for index, error in creation.errors.items()}
            return Response({"num_created": len(creation.created), "errors": errors}, status=201)
        return Response(queries.detailed(create_observation(user, request.data, now())), status=201)

    @extend_schema(request=openapi.body_of(ObservationChange), responses={200: dict})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Move the end of an observation, or declare its data bad."""
        del pk
        user, observation = user_of(request), self.get_object()
        _require_free(user, observation)
        reading = read(ObservationChange, request.data)
        if reading.document is None:
            raise Refusal(reading.errors)
        state, end = reading.document.get("state"), reading.document.get("end")
        if state is not None:
            changed = _condemned(user, observation, state)
        elif end is not None:
            changed = change_end(observation.pk, end, Cause("end changed", now(), user))
        else:
            raise Refusal("Observation update must include `end` or `state` field")
        return Response(queries.detailed(changed))

    @extend_schema(request=openapi.body_of(Cancellation), responses={200: dict})
    @action(detail=False, methods=["post"])
    def cancel(self, request: Request) -> Response:
        """Take observations back, by id or by time and place."""
        return Response({"canceled": withdraw_observations(user_of(request), request.data, now())})

    @action(detail=False, permission_classes=[AllowAny])
    def filters(self, request: Request) -> Response:
        """What observations can be filtered by."""
        del request
        return Response(catalogue())

    @action(detail=True)
    def transitions(self, request: Request, pk: str) -> Response:
        """Every state the observation was in."""
        del request, pk
        return Response(transitions_of(StateTransition.Subject.OBSERVATION, self.get_object().pk))


def _require_free(user: User, observation: Observation) -> None:
    allowed = free_proposals(user)
    if allowed is not None and observation.request.request_group.proposal_id not in allowed:
        raise Refusal(
            "Non staff users can only create or update observations on proposals they belong to that allow "
            "direct submission"
        )


def _condemned(user: User, observation: Observation, state: str) -> Observation:
    if state != ObservationState.BAD_DATA:
        raise Refusal("Observation state can only be updated to BAD_DATA")
    if not user.is_staff:
        raise Forbidden("Only staff can declare data bad.")
    return condemn_observation(observation.pk, Cause("bad data", now(), user))


class ConfigurationStatusViewSet(GenericViewSet[ConfigurationStatus]):
    """Executions of configurations, as telescopes report on them."""

    permission_classes = (IsStaff,)
    filterset_class = StatusFilters
    queryset = ConfigurationStatus.objects.select_related("summary")

    def get_queryset(self) -> QuerySet[ConfigurationStatus]:
        """All of them, with what is needed of each."""
        if self.action == "partial_update":
            return queries.for_report()
        return super().get_queryset()

    def list(self, request: Request) -> Response:
        """One page."""
        rows = self.filter_queryset(self.get_queryset())
        wanted = request.query_params.get("ordering")
        page = self.paginate_queryset(ordered(rows, wanted, column_names(ConfigurationStatus), ("-pk",)))
        return self.get_paginated_response([queries.detailed_status(row) for row in page or ()])

    def retrieve(self, request: Request, pk: str) -> Response:
        """One execution."""
        del request, pk
        return Response(queries.detailed_status(self.get_object()))

    @extend_schema(request=openapi.body_of(StatusReport), responses={200: dict})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Take in a telescope's report."""
        del pk
        status = report_execution(self.get_object(), user_of(request), request.data, now())
        return Response(queries.detailed_status(status))


class LastScheduledView(APIView):
    """When the schedule last changed: what telescopes poll."""

    permission_classes = (IsStaff,)

    def get(self, request: Request) -> Response:
        """Of one site, or of any."""
        site = request.query_params.get("site") or None
        return Response({"last_schedule_time": queries.last_scheduled(site, now())})


class ScheduleVersionView(APIView):
    """Which version a telescope's schedule is at."""

    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """The version to plan from."""
        names = ("site", "enclosure", "telescope")
        missing = [name for name in names if not request.query_params.get(name)]
        if missing:
            raise Refusal({name: ["This parameter is required."] for name in missing})
        site, enclosure, telescope = (request.query_params[name] for name in names)
        return Response({"version": version_of((site, enclosure, telescope))})


class PublishView(APIView):
    """A telescope's whole plan for a span becomes its schedule."""

    permission_classes = (IsStaff,)

    @extend_schema(request=openapi.body_of(PlannedSpan), responses={200: dict})
    @idempotent
    def post(self, request: Request) -> Response:
        """Publish the difference between the plan and the schedule, atomically."""
        publication = publish_schedule(user_of(request), request.data, now())
        return Response(
            {
                "version": publication.version,
                "created": publication.created,
                "kept": publication.kept,
                "cancelled": publication.cancelled,
            }
        )


class ScheduleViewSet(_ObservationList):
    """The schedule: observations with all that a telescope needs to execute them."""

    permission_classes = (PlacesObservations,)

    @extend_schema(request=dict, responses={201: dict})
    @idempotent
    def create(self, request: Request) -> Response:
        """Place observations with requests of their own: one, or a list of which all are accepted or none."""
        many = isinstance(request.data, list)
        bodies: list[Any] = request.data if isinstance(request.data, list) else [request.data]
        try:
            rows = submit_directly(user_of(request), bodies, now())
        except Refusal as refusal:
            if many or not isinstance(refusal.errors, list):
                raise
            raise Refusal(refusal.errors[0]) from refusal
        placed = queries.for_listing(Observation.objects.filter(pk__in=[row.pk for row in rows]))
        described = queries.detailed_direct(list(placed.order_by("pk")))
        return Response(described if many else described[0], status=201)

    def retrieve(self, request: Request, pk: str) -> Response:
        """One observation with its whole request."""
        del request
        row = get_object_or_404(queries.for_listing(self.get_queryset()), pk=pk)
        return Response(queries.detailed_direct([row])[0])
