"""What the observatory's office does with semesters and proposals over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from armillary.accounts.permissions import Permission, may, requires
from armillary.core.proposals.ledger import Account
from armillary.platform.refusals import Forbidden, Refusal
from armillary.portal.proposals import services, wire
from armillary.portal.proposals.models import (
    Membership,
    Proposal,
    ScienceCollaborationAllocation,
    Semester,
    TimeAllocation,
)
from armillary.portal.proposals.serializers import (
    CollaborationSerializer,
    GrantedTimeSerializer,
    HoursSerializer,
    ImportSerializer,
    MemberSerializer,
    NewProposalSerializer,
    ProposalSerializer,
    RollOverSerializer,
    SemesterSerializer,
)
from armillary.portal.proposals.services.importing import import_proposals
from armillary.portal.resource import Rendered, Resource, user_of
from armillary.portal.surroundings import observatory

Manages: Final = requires(Permission.MANAGE_PROPOSALS)
_LONGEST_NAME: Final = 20
_HOURS: Final = {
    "std_allocation": Account.STANDARD,
    "rr_allocation": Account.RAPID_RESPONSE,
    "tc_allocation": Account.TIME_CRITICAL,
    "realtime_allocation": Account.REALTIME,
}


def _require_office(request: Request) -> None:
    if not may(request.user, Permission.MANAGE_PROPOSALS):
        raise Forbidden("You do not have permission to perform this action.")


def _shown(proposal: Proposal) -> dict[str, Any]:
    return wire.proposals([proposal])[0] | {"notes": proposal.notes}


def office_page(view: Any, rows: QuerySet[Proposal]) -> Response:
    """A page of proposals with what only the office reads."""
    page = view.paginate_queryset(view.filter_queryset(rows)) or ()
    shown = wire.proposals(page)
    notes = {row.pk: row.notes for row in page}
    answer: Response = view.get_paginated_response([item | {"notes": notes[item["id"]]} for item in shown])
    return answer


class ProposalOffice:
    """The office's part of the proposals' address."""

    @extend_schema(request=NewProposalSerializer, responses={201: dict})
    def create(self, request: Request) -> Response:
        """Create a proposal, with somebody who leads it."""
        _require_office(request)
        body = NewProposalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        proposal = services.open_proposal(body.validated_data, actor=user_of(request))
        return Response(_shown(proposal), status=201)

    @extend_schema(request=ProposalSerializer, responses={200: dict})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is said of a proposal."""
        _require_office(request)
        proposal = get_object_or_404(Proposal, pk=pk)
        body = ProposalSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changes = {name: value for name, value in body.validated_data.items() if (name, value) != ("id", pk)}
        return Response(_shown(services.change_proposal(proposal, changes, actor=user_of(request))))

    @extend_schema(responses={200: list})
    @action(detail=False, permission_classes=[Manages])
    def administered(self, request: Request) -> Response:
        """All proposals, as the office sees them; with the filters of the list."""
        del request
        return office_page(self, Proposal.objects.order_by("pk"))

    @extend_schema(request=GrantedTimeSerializer, responses={201: dict})
    @action(detail=True, methods=["post"], permission_classes=[Manages])
    def allocations(self, request: Request, pk: str) -> Response:
        """Give a proposal time in a semester on a set of instrument types."""
        proposal = get_object_or_404(Proposal, pk=pk)
        body = GrantedTimeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        known = set(observatory().instrument_types(include_unschedulable=True))
        if unknown := sorted(set(values["instrument_types"]) - known):
            raise Refusal({"instrument_types": [f"The observatory has no {', '.join(unknown)}."]})
        hours = services.TimeGrant(
            std_h=values["std_allocation"],
            rr_h=values["rr_allocation"],
            tc_h=values["tc_allocation"],
            realtime_h=values["realtime_allocation"],
        )
        actor = user_of(request)
        services.give_time(
            proposal, values["semester"], values["instrument_types"], hours, actor=actor, reason=values["reason"]
        )
        return Response(_shown(proposal), status=201)

    @extend_schema(request=HoursSerializer, responses={200: dict})
    @action(detail=True, methods=["post"], permission_classes=[Manages], url_path="allocations/(?P<allocation>[0-9]+)")
    def correct(self, request: Request, pk: str, allocation: str) -> Response:
        """Add hours to an allocation, or, negative, take them back."""
        row = get_object_or_404(TimeAllocation, pk=int(allocation), proposal_id=pk)
        body = HoursSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        hours = {account: values[name] for name, account in _HOURS.items()}
        services.correct_time(row, hours, reason=values["reason"], actor=user_of(request))
        return Response(_shown(row.proposal))

    @extend_schema(request=MemberSerializer, responses={200: dict})
    @action(detail=True, methods=["post"], permission_classes=[Manages])
    def members(self, request: Request, pk: str) -> Response:
        """Make somebody a member, or give a member another part."""
        proposal = get_object_or_404(Proposal, pk=pk)
        body = MemberSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        membership = services.appoint(proposal, values["username"], values["role"], actor=user_of(request))
        return Response(wire.membership(membership, 0))

    @extend_schema(responses={204: None})
    @members.mapping.delete
    def dismiss(self, request: Request, pk: str) -> Response:
        """Take somebody out of a proposal (``?username=``)."""
        username = request.query_params.get("username", "")
        if not username:
            raise Refusal({"username": ["Name whom to take out: ?username=..."]})
        membership = get_object_or_404(Membership, proposal_id=pk, user__username=username)
        services.dismiss(membership, actor=user_of(request))
        return Response(status=204)

    @extend_schema(request=ImportSerializer, responses={200: dict})
    @action(detail=False, methods=["post"], permission_classes=[Manages], url_path="import")
    def take_in(self, request: Request) -> Response:
        """Create proposals with people and time from a table (CSV); with ``dry_run``, only say what would happen."""
        body = ImportSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        rows = import_proposals(
            values["csv"],
            actor=user_of(request),
            instrument_types=frozenset(observatory().instrument_types(include_unschedulable=True)),
            semester=values["semester"],
            dry_run=values["dry_run"],
        )
        return Response({"dry_run": values["dry_run"], "rows": [asdict(row) for row in rows]})


class CollaborationViewSet(Resource):
    """Partners that distribute time of their own."""

    permission_classes = (Manages,)
    order_model = ScienceCollaborationAllocation
    default_order = ("pk",)
    lookup_value_regex = "[^/]+"
    queryset = ScienceCollaborationAllocation.objects.select_related("admin").prefetch_related(
        "collaborationallocation_set"
    )

    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """Each with who administers it and its hours."""
        return [wire.collaboration(row) for row in rows]

    @extend_schema(request=CollaborationSerializer, responses={200: dict})
    def update(self, request: Request, pk: str) -> Response:
        """Create one, or say anew what it is."""
        if len(pk) > _LONGEST_NAME:
            raise Refusal({"id": [f"Give at most {_LONGEST_NAME} characters."]})
        body = CollaborationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.write_collaboration(pk, actor=user_of(request), **body.validated_data)
        return Response(wire.collaboration(self.get_queryset().get(pk=pk)))


class SemesterOffice:
    """The office's part of the semesters' address."""

    @extend_schema(request=SemesterSerializer, responses={201: dict})
    def create(self, request: Request) -> Response:
        """Create a semester."""
        _require_office(request)
        body = SemesterSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        if Semester.objects.filter(pk=values["id"]).exists():
            raise Refusal({"id": [f"Semester {values['id']} exists already."]})
        row = services.open_semester(values["id"], values["start"], values["end"], actor=user_of(request))
        return Response(wire.semester(row), status=201)

    @extend_schema(request=RollOverSerializer, responses={200: dict})
    @action(detail=True, methods=["post"], permission_classes=[Manages])
    def rollover(self, request: Request, pk: str) -> Response:
        """Grant what is left of this semester's time once more in another one; with ``dry_run``, only say it."""
        source = get_object_or_404(Semester, pk=pk)
        body = RollOverSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        found = services.roll_over(
            source,
            values["to"],
            actor=user_of(request),
            proposals=values["proposals"],
            dry_run=values["dry_run"],
        )
        shown = [
            {
                "proposal": item.proposal,
                "instrument_types": item.instrument_types,
                "std_allocation": item.hours.std_h,
                "rr_allocation": item.hours.rr_h,
                "tc_allocation": item.hours.tc_h,
                "realtime_allocation": item.hours.realtime_h,
                "is_new": item.is_new,
            }
            for item in found
        ]
        return Response({"dry_run": values["dry_run"], "allocations": shown})
