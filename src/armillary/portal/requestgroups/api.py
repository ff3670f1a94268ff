"""Request groups and requests over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request as HttpRequest
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from armillary.accounts.permissions import IsStaff
from armillary.clock import now
from armillary.core.requests import cadence, patterns, validation, visibility, wire
from armillary.core.requests.instants import parse_time
from armillary.core.requests.model import Request as RequestModel
from armillary.core.requests.model import RequestGroup as RequestGroupModel
from armillary.platform import openapi
from armillary.platform.errors import Refusal
from armillary.platform.idempotency import idempotent
from armillary.platform.paging import text_page
from armillary.portal.filters import column_names, ordered
from armillary.portal.history.models import StateTransition
from armillary.portal.history.queries import transitions_of
from armillary.portal.moments import read_moment
from armillary.portal.observations.queries import LONGEST_MEMORY, of_request
from armillary.portal.proposals.queries import current_semester
from armillary.portal.requestgroups import estimate, ipp, queries
from armillary.portal.requestgroups.demand import telescope_events
from armillary.portal.requestgroups.explanation import explain
from armillary.portal.requestgroups.feed import schedulable_feed
from armillary.portal.requestgroups.filters import RequestFilters, RequestGroupFilters
from armillary.portal.requestgroups.models import Request, RequestGroup
from armillary.portal.requestgroups.services.activity import last_activity
from armillary.portal.requestgroups.services.bulk import submit_request_groups
from armillary.portal.requestgroups.services.cancel import cancel_request_group
from armillary.portal.requestgroups.services.submit import context_of, submit_request_group
from armillary.portal.requestgroups.services.suspend import suspend_request
from armillary.portal.requestgroups.texts import Headed
from armillary.portal.requestgroups.throttles import BulkThrottle, CancelThrottle, CreateThrottle, ValidateThrottle
from armillary.portal.requestgroups.visibility import Caller, visible_request_groups, visible_requests
from armillary.portal.resource import user_of
from armillary.portal.surroundings import downtimes, observatory

Json = dict[str, Any]
_MODIFY = ("POST",)
_TOO_MANY_DIGITS = 19


def body_of(request: HttpRequest) -> Mapping[str, Any]:
    """The object that was posted.

    Raises:
        Refusal: It is no object.
    """
    if not isinstance(request.data, Mapping):
        kind = type(request.data).__name__
        raise Refusal({"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]})
    return request.data


def detailed_group(group: RequestGroup) -> Json:
    """A group as create and cancel answer it."""
    return wire.detailed_request_group(queries.detailed_group_document(group))


def _listed_groups(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return queries.listed_groups([Headed._make(row) for row in rows])


def _seen_group(caller: Caller, key: str) -> Headed:
    if not key.isdecimal():
        raise Http404
    group = queries.seen_group(caller, int(key)) if len(key) < _TOO_MANY_DIGITS else None
    if group is None:
        raise Http404(f"No {RequestGroup.__name__} matches the given query.")
    return group


class RequestGroupViewSet(GenericViewSet[RequestGroup]):
    """What astronomers ask for."""

    filterset_class = RequestGroupFilters
    permission_classes = (AllowAny,)

    def get_queryset(self) -> QuerySet[RequestGroup]:
        """What the caller may see."""
        return visible_request_groups(self.request.user).select_related("submitter")

    def list(self, request: HttpRequest) -> HttpResponse:
        """One page."""
        rows = self.filter_queryset(self.get_queryset())
        if not request.query_params.get("order"):
            rows = ordered(rows, request.query_params.get("ordering"), column_names(RequestGroup), ("-pk",))
        return text_page(self, rows.select_related(None).values_list(*Headed._fields), _listed_groups)

    def retrieve(self, request: HttpRequest, pk: str) -> HttpResponse:
        """One group."""
        if request.query_params:  # lists and single groups know the same filters
            rows = self.filter_queryset(self.get_queryset()).select_related(None)
            group = Headed._make(get_object_or_404(rows.values_list(*Headed._fields), pk=pk))
        else:
            group = _seen_group(request.user, pk)
        return HttpResponse(queries.detailed_group(group), content_type="application/json")

    def get_permissions(self) -> Any:
        """Everybody may look, within their scope; asking for something needs an account."""
        return [IsAuthenticated()] if self.action == "create" else super().get_permissions()

    def get_throttles(self) -> Any:
        """Submissions are limited."""
        return [CreateThrottle()] if self.action == "create" else super().get_throttles()

    @extend_schema(request=openapi.body_of(RequestGroupModel), responses={201: dict})
    @idempotent
    def create(self, request: HttpRequest) -> Response:
        """Ask for something."""
        group = submit_request_group(user_of(request), body_of(request), now())
        return Response(detailed_group(group), status=201)

    @extend_schema(request=openapi.body_of(RequestGroupModel, many=True), responses={201: dict})
    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated], throttle_classes=[BulkThrottle])
    @idempotent
    def bulk(self, request: HttpRequest) -> Response:
        """Ask for up to 1,000 groups in one call; each is accepted or refused on its own."""
        found = submit_request_groups(user_of(request), request.data, now())
        return Response(
            {
                "num_created": len(found.created),
                "created": {str(index): key for index, key in sorted(found.created.items())},
                "errors": {str(index): errors for index, errors in sorted(found.errors.items())},
            },
            status=201,
        )

    @extend_schema(request=None, responses={200: dict})
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], throttle_classes=[CancelThrottle])
    def cancel(self, request: HttpRequest, pk: str) -> Response:
        """Withdraw a group and everything pending in it."""
        del pk
        group = cancel_request_group(self.get_object().pk, user_of(request), now())
        return Response(detailed_group(group))

    @extend_schema(request=openapi.body_of(RequestGroupModel), responses={200: dict})
    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated], throttle_classes=[ValidateThrottle])
    def validate(self, request: HttpRequest) -> Response:
        """What is wrong with a group, or what it will cost; nothing is stored."""
        body = body_of(request)
        context = context_of(user_of(request), body.get("proposal"), now())
        checked = validation.check_request_group(body, context)
        if not checked.ok:
            return Response({"request_durations": {}, "errors": checked.errors})
        return Response(
            {
                "request_durations": estimate.request_durations(checked),
                "errors": {},
                "cost": estimate.cost(checked.group, context),
                "contention": estimate.contention(checked.group),
            }
        )

    @extend_schema(request=openapi.body_of(RequestGroupModel), responses={200: dict})
    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated])
    def max_allowable_ipp(self, request: HttpRequest) -> Response:
        """Between which values the priority of a group may lie, by semester and instrument type."""
        body = {**body_of(request), "ipp_value": 1.0}
        context = context_of(user_of(request), body.get("proposal"), now())
        checked = validation.check_request_group(body, context)
        if not checked.ok or context.proposal is None:
            return Response({"errors": checked.errors})
        return Response(ipp.bounds(checked.group, context, context.proposal))

    @extend_schema(request=openapi.body_of(RequestGroupModel), responses={200: dict})
    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated])
    def cadence(self, request: HttpRequest) -> Response:
        """Repeat one request at regular times; nothing is stored."""
        body = body_of(request)
        return _expanded(cadence.expand_cadence(body, context_of(user_of(request), body.get("proposal"), now())))

    @action(detail=False, permission_classes=[IsStaff])
    def schedulable_requests(self, request: HttpRequest) -> HttpResponse:
        """Everything that waits to be scheduled: what schedulers read."""
        moment = now()
        start, end = _span(request, moment)
        feed = schedulable_feed(start, end, request.query_params.getlist("telescope_class"), moment)
        return HttpResponse(feed, content_type="application/json")

    @action(detail=True)
    def transitions(self, request: HttpRequest, pk: str) -> Response:
        """Every state the group was in."""
        del request, pk
        return Response(transitions_of(StateTransition.Subject.REQUEST_GROUP, self.get_object().pk))


def _expanded(expansion: tuple[Json | None, Json]) -> Response:
    document, errors = expansion
    if document is None:
        raise Refusal(errors)
    return Response(document)


def _span(request: HttpRequest, moment: datetime) -> tuple[datetime, datetime]:
    start, end = (_moment(request, name) for name in ("start", "end"))
    if start is not None and end is not None:
        return start, end
    semester = current_semester(moment)
    if semester is None:
        raise Refusal({"start": ["There is no current semester; give start and end."]})
    return start or semester.start, end or semester.end


def _moment(request: HttpRequest, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        return read_moment(text)
    except ValueError as error:
        raise Refusal({name: [f"{error}."]}) from error


class Suspension(serializers.Serializer[Any]):
    """Until when a request is kept from the scheduler; null: no longer."""

    suspend_until = serializers.DateTimeField(allow_null=True)


class RequestViewSet(GenericViewSet[Request]):
    """Requests, each of which is observed for itself."""

    filterset_class = RequestFilters
    permission_classes = (AllowAny,)

    def get_queryset(self) -> QuerySet[Request]:
        """What the caller may see."""
        rows = visible_requests(self.request.user)
        return rows.select_related("document", "request_group__submitter", "request_group__proposal")

    def list(self, request: HttpRequest) -> Response:
        """One page."""
        rows = self.filter_queryset(self.get_queryset())
        rows = ordered(rows, request.query_params.get("ordering"), ("id", "state"), ("-pk",))
        page = list(self.paginate_queryset(rows) or ())
        documents = queries.request_documents(page)
        return self.get_paginated_response([wire.listed_request(document) for document in documents])

    def retrieve(self, request: HttpRequest, pk: str) -> Response:
        """One request."""
        del request, pk
        row = self.get_object()
        group = queries.detailed_group_document(row.request_group)
        document = next(item for item in group["requests"] if item["id"] == row.pk)
        return Response(wire.detailed_request(document))

    def get_permissions(self) -> Any:
        """Staff keeps requests from the scheduler."""
        return [IsStaff()] if self.action == "partial_update" else super().get_permissions()

    @extend_schema(request=Suspension, responses={200: Suspension})
    def partial_update(self, request: HttpRequest, pk: str) -> Response:
        """Suspend a request, or take its suspension back."""
        del pk
        row = self.get_object()
        body = body_of(request)
        if "suspend_until" not in body:
            raise Refusal("The suspend_until value must be set on update requests")
        until = _suspension(body["suspend_until"])
        changed = suspend_request(row.pk, until, user_of(request), now())
        return Response({"suspend_until": changed.suspend_until})

    @action(detail=True)
    def airmass(self, request: HttpRequest, pk: str) -> Response:
        """How high the target stands where and when it can be observed."""
        del pk
        row = self.get_object()
        wanted = queries.request_model(row)
        if wanted is None or not wanted.windows:
            return Response({"airmass_data": {}})
        return Response(airmass_of(wanted, staff=bool(getattr(request.user, "is_staff", False))))

    @action(detail=True)
    def telescope_states(self, request: HttpRequest, pk: str) -> Response:
        """What the telescopes that could observe the request could do, while it can be seen."""
        del request, pk
        row = self.get_object()
        wanted = queries.request_model(row)
        return Response({} if wanted is None or not wanted.windows else states_of(wanted))

    @action(detail=True)
    def observations(self, request: HttpRequest, pk: str) -> Response:
        """The observations of a request, oldest first."""
        del pk
        exclude = bool(request.query_params.get("exclude_canceled"))
        return Response(of_request(self.get_object().pk, exclude_canceled=exclude))

    @action(detail=True)
    def transitions(self, request: HttpRequest, pk: str) -> Response:
        """Every state the request was in."""
        del request, pk
        return Response(transitions_of(StateTransition.Subject.REQUEST, self.get_object().pk))

    @action(detail=True)
    def explanation(self, request: HttpRequest, pk: str) -> Response:
        """Why it is not observed: what stands between the request and each telescope."""
        del pk
        return Response(explain(self.get_object(), request.user, now()))

    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated])
    def mosaic(self, request: HttpRequest) -> Response:
        """Cover a field with many pointings; nothing is stored."""
        return _expanded(patterns.expand_mosaic(body_of(request), context_of(user_of(request), None, now())))


def _suspension(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_time(str(value))
    except ValueError as error:
        raise Refusal({"suspend_until": [str(error)]}) from error


def airmass_of(request: RequestModel, *, staff: bool) -> Json:
    """The answer about a request's airmass."""
    return visibility.airmass_data(
        request, observatory(), downtimes=downtimes(now() - timedelta(days=1)), include_unschedulable=staff
    )


def states_of(request: RequestModel) -> Json:
    """The state of telescopes in the time in which they see a request."""
    stops = downtimes(min(window.start for window in request.windows))
    seen = visibility.visible_windows(request, observatory()).by_telescope
    return {
        key: [event.as_json() for start, end in spans for event in telescope_events(key, stops, start, end)]
        for key, spans in seen.items()
    }


class DitherView(APIView):
    """Small offsets between exposures."""

    permission_classes = (IsAuthenticated,)

    def post(self, request: HttpRequest) -> Response:
        """Repeat a configuration's exposures at many offsets; nothing is stored."""
        return _expanded(patterns.expand_dither(body_of(request), context_of(user_of(request), None, now())))


class AirmassView(APIView):
    """Airmass of something that is not submitted."""

    permission_classes = (AllowAny,)

    @extend_schema(request=openapi.body_of(RequestModel), responses={200: dict})
    def post(self, request: HttpRequest) -> Response:
        """How high the target of a request would stand; refusals come with status 200, as in the reference."""
        checked = validation.check_request(body_of(request), anonymous_context(now()))
        if not checked.ok:
            return Response(checked.errors)
        return Response(airmass_of(checked.request, staff=False))


def anonymous_context(moment: datetime) -> validation.ValidationContext:
    """What the rules need to know to judge a request of nobody in particular."""
    from armillary.portal.proposals.queries import semester_facts
    from armillary.portal.surroundings import limits

    return validation.ValidationContext(
        observatory=observatory(), now=moment, semesters=semester_facts(), downtimes=downtimes(moment), limits=limits()
    )


class LastChangedView(APIView):
    """When something last changed that matters for scheduling: what schedulers poll."""

    permission_classes = (IsStaff,)

    def get(self, request: HttpRequest) -> Response:
        """For classes of telescopes, or for any."""
        floor = now() - LONGEST_MEMORY
        latest = last_activity(request.query_params.getlist("telescope_class"))
        return Response({"last_change_time": max(latest or floor, floor)})
