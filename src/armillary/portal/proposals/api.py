"""Proposals, semesters, memberships and invitations over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from armillary.accounts.models import User
from armillary.accounts.permissions import IsStaff
from armillary.clock import now
from armillary.platform.errors import Forbidden, Refusal
from armillary.portal.proposals import queries, report, wire
from armillary.portal.proposals.filters import InvitationFilters, MembershipFilters, ProposalFilters, SemesterFilters
from armillary.portal.proposals.invitations import accept_invitation, invite, withdraw_invitation
from armillary.portal.proposals.models import Membership, Proposal, ProposalInvite, Semester
from armillary.portal.proposals.office_api import ProposalOffice, SemesterOffice
from armillary.portal.proposals.serializers import (
    InvitationSerializer,
    KeySerializer,
    NotificationSerializer,
    TimeLimitSerializer,
)
from armillary.portal.proposals.services import limit_all_members, limit_member, remove_member, set_notifications
from armillary.portal.resource import Rendered, Resource, user_of

_NOT_PI = "You do not have permission to perform this action."


def _require_pi(user: User, proposal_id: str) -> None:
    if not Membership.objects.filter(user=user, proposal_id=proposal_id, role=Membership.Role.PI).exists():
        raise Forbidden(_NOT_PI)


class ProposalViewSet(ProposalOffice, Resource):
    """Proposals that the caller may see; the observatory's office writes them."""

    permission_classes = (IsAuthenticated,)
    filterset_class = ProposalFilters
    order_model = Proposal
    lookup_value_regex = "[^/]+"

    def get_queryset(self) -> QuerySet[Proposal]:
        """Their own, or all of them for staff that sees everything."""
        return queries.visible_proposals(user_of(self.request))

    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """Proposals."""
        return wire.proposals(rows)

    @action(detail=False)
    def tags(self, request: Request) -> Response:
        """All tags of the proposals that the caller may see."""
        del request
        return Response(queries.tags_of(self.get_queryset()))

    @action(detail=True, methods=["post"])
    def notification(self, request: Request, pk: str) -> Response:
        """Be told about this proposal, or stop."""
        del pk
        proposal = self.get_object()
        body = NotificationSerializer(data=request.data)
        if not body.is_valid():
            raise Refusal({"errors": body.errors})
        set_notifications(user_of(request), proposal, enabled=body.validated_data["enabled"])
        return Response({"message": "Preferences saved"})

    @action(detail=True, methods=["post"])
    def invite(self, request: Request, pk: str) -> Response:
        """Invite co-investigators."""
        del pk
        proposal = self.get_object()
        user = user_of(request)
        _require_pi(user, proposal.pk)
        body = InvitationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        invite(proposal, user, body.validated_data["emails"], body.validated_data["time_limit"])
        return Response({"message": "Co Investigator(s) invited"})

    @extend_schema(responses={200: list})
    @action(detail=True)
    def ledger(self, request: Request, pk: str) -> Response:
        """Every line of the proposal's account of time, newest first: its history."""
        del request, pk
        rows = queries.ledger_of(self.get_object())
        page = self.paginate_queryset(rows)
        return self.get_paginated_response([wire.ledger_line(row) for row in page or ()])

    @extend_schema(parameters=[OpenApiParameter("as", str, enum=["pdf", "csv"])], responses={200: bytes})
    @action(detail=True)
    def report(self, request: Request, pk: str) -> HttpResponse:
        """What the proposal did with its time, as PDF, or, with ``?as=csv``, as a table."""
        del pk
        proposal = self.get_object()
        kind = request.query_params.get("as", "pdf")
        if kind not in {"pdf", "csv"}:
            raise Refusal({"as": ["Give pdf or csv."]})
        content = report.as_csv(proposal) if kind == "csv" else report.as_pdf(proposal)
        answer = HttpResponse(content, content_type="text/csv" if kind == "csv" else "application/pdf")
        answer["Content-Disposition"] = content_disposition_header(True, f"{proposal.pk}.{kind}") or ""  # noqa: FBT003  Django's signature
        return answer

    @action(detail=True, methods=["post"])
    def globallimit(self, request: Request, pk: str) -> Response:
        """Limit every co-investigator."""
        del pk
        proposal = self.get_object()
        _require_pi(user_of(request), proposal.pk)
        hours = _hours(request)
        limit_all_members(proposal, hours)
        return Response({"message": f"All CI time limits set to {hours} hours"})


def _hours(request: Request) -> float:
    body = TimeLimitSerializer(data=request.data)
    if not body.is_valid():
        raise Refusal({"errors": body.errors})
    return float(body.validated_data["time_limit_hours"])


class SemesterViewSet(SemesterOffice, Resource):
    """Semesters; everybody may know them, and the observatory's office writes them."""

    permission_classes = (AllowAny,)
    filterset_class = SemesterFilters
    order_model = Semester
    default_order = ("-start", "pk")
    queryset = Semester.objects.all()

    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """Semesters."""
        return [wire.semester(row) for row in rows]

    @action(detail=True)
    def proposals(self, request: Request, pk: str) -> Response:
        """Who observes in this semester."""
        del request
        semester = get_object_or_404(Semester, pk=pk)
        return Response(wire.semester_proposals(queries.semester_allocations(semester)))

    @action(detail=True, permission_classes=[IsStaff])
    def timeallocations(self, request: Request, pk: str) -> Response:
        """All time of this semester."""
        del request
        semester = get_object_or_404(Semester, pk=pk)
        allocations = queries.semester_allocations(semester)
        members = Membership.objects.filter(proposal__timeallocation__semester=semester).order_by()
        counts = dict(members.values_list("proposal_id").annotate(number=Count("user_id", distinct=True)))
        return Response(wire.semester_allocations(allocations, counts))


class MembershipViewSet(Resource):
    """Who belongs to proposals."""

    permission_classes = (IsAuthenticated,)
    filterset_class = MembershipFilters
    order_model = Membership

    def get_queryset(self) -> QuerySet[Membership]:
        """Those that the caller may see."""
        return queries.visible_memberships(user_of(self.request))

    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """Memberships, with what their people have asked for in this semester."""
        used = queries.time_requested_s([(row.user_id, row.proposal_id) for row in rows], now())
        return [wire.membership(row, used.get((row.user_id, row.proposal_id), 0)) for row in rows]

    def destroy(self, request: Request, pk: str) -> Response:
        """Take a co-investigator out of a proposal."""
        del pk
        membership = self.get_object()
        _require_pi(user_of(request), membership.proposal_id)
        if membership.role == Membership.Role.CI:
            remove_member(membership)
        return Response(status=204)

    @action(detail=True, methods=["post"])
    def limit(self, request: Request, pk: str) -> Response:
        """Limit the time of one co-investigator."""
        del pk
        membership = self.get_object()
        _require_pi(user_of(request), membership.proposal_id)
        hours = _hours(request)
        try:
            limit_member(membership, hours)
        except Refusal as refusal:
            raise Refusal({"errors": {"non_field_errors": [refusal.errors]}}) from refusal
        user = membership.user
        return Response({"message": f"Time limit for {user.first_name} {user.last_name} set to {hours} hours"})


class InvitationViewSet(Resource):
    """Invitations to the proposals that the caller leads."""

    permission_classes = (IsAuthenticated,)
    filterset_class = InvitationFilters
    order_model = ProposalInvite

    def get_queryset(self) -> QuerySet[ProposalInvite]:
        """Those that the caller may see."""
        return queries.visible_invitations(user_of(self.request))

    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """Invitations."""
        return [wire.invitation(row) for row in rows]

    @extend_schema(request=KeySerializer, responses={200: dict})
    @action(detail=False, methods=["post"])
    def accept(self, request: Request) -> Response:
        """Join a proposal with the key of an invitation's mail, whatever address the caller has."""
        body = KeySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        membership = accept_invitation(user_of(request), body.validated_data["key"])
        return Response(self._joined(membership))

    @staticmethod
    def _joined(membership: Membership) -> dict[str, Any]:
        return {"proposal": membership.proposal_id, "role": membership.role}

    def destroy(self, request: Request, pk: str) -> Response:
        """Take an invitation back."""
        del pk
        invitation = self.get_object()
        _require_pi(user_of(request), invitation.proposal_id)
        withdraw_invitation(invitation)
        return Response(status=204)
