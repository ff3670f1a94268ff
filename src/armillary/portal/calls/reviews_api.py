"""Panels and their reviews over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from armillary.accounts.models import User
from armillary.accounts.permissions import Permission, requires
from armillary.platform.errors import Forbidden
from armillary.portal.calls import papers, queries, services, wire
from armillary.portal.calls.api import base_url
from armillary.portal.calls.filters import ReviewFilters
from armillary.portal.calls.models import ReviewPanel, ScienceApplicationReview, ScienceApplicationUserReview
from armillary.portal.calls.serializers import (
    AssignmentSerializer,
    ConflictSerializer,
    PanelSerializer,
    SecondaryNotesSerializer,
    SummarySerializer,
    UserReviewSerializer,
)
from armillary.portal.resource import Rendered, Resource, user_of

Decides = requires(Permission.DECIDE_APPLICATIONS)
_NOT_YOURS = "You do not have permission to perform this action."
_APPLICATION = "science_application"
_OF_THE_REVIEW = "science_application_review"


class PanelViewSet(Resource):
    """Panels; who decides about applications appoints them."""

    permission_classes = (Decides,)
    order_model = ReviewPanel
    queryset = ReviewPanel.objects.prefetch_related("members")

    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """Panels, with the names of their members."""
        return [
            {
                "id": row.pk,
                "name": row.name,
                "is_admin": row.is_admin,
                "members": sorted(user.username for user in row.members.all()),
            }
            for row in rows
        ]

    @extend_schema(request=PanelSerializer, responses={201: dict})
    def create(self, request: Request) -> Response:
        """Appoint a panel."""
        body = PanelSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        panel = services.create_panel(
            values["name"], values["members"], is_admin=values["is_admin"], actor=user_of(request)
        )
        return Response(self.rendered([panel])[0], status=201)


class ReviewViewSet(Resource):
    """Reviews by the caller's panels."""

    permission_classes = (IsAuthenticated,)
    filterset_class = ReviewFilters
    order_model = ScienceApplicationReview
    default_order = ("-created_at", "-pk")
    orderings = (
        f"{_APPLICATION}__title",
        f"{_APPLICATION}__call__semester__start",
        "science_category",
        "status",
        "mean_grade",
        "created_at",
    )

    def get_queryset(self) -> QuerySet[ScienceApplicationReview]:
        """Those of the caller's panels; of applications that are not the caller's own."""
        return queries.visible_reviews(user_of(self.request))

    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """Reviews."""
        user = user_of(self.request)
        return wire.reviews(rows, user, base_url(), administers=queries.is_panel_administrator(user))

    @extend_schema(request=AssignmentSerializer, responses={201: dict})
    def create(self, request: Request) -> Response:
        """Give an application to a panel."""
        if not Decides().has_permission(request, self):
            raise Forbidden(_NOT_YOURS)
        body = AssignmentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        row = services.assign_review(
            values["science_application"],
            values["review_panel"],
            values["primary_reviewer"],
            values["secondary_reviewer"],
            category=values["science_category"],
            technical_review=values["technical_review"],
            actor=user_of(request),
        )
        return Response({"id": row.pk, "status": row.status, "application_id": row.science_application_id}, status=201)

    def _led(self, *, by_primary: bool) -> ScienceApplicationReview:
        """The review, if the caller leads it or sits on the administrators' panel."""
        row = self._reviewed()
        user = user_of(self.request)
        leaders = {row.secondary_reviewer_id} | ({row.primary_reviewer_id} if by_primary else set())
        if user.pk not in leaders and not queries.is_panel_administrator(user):
            raise Forbidden(_NOT_YOURS)
        return row

    def _reviewed(self) -> ScienceApplicationReview:
        row: ScienceApplicationReview = self.get_object()
        return row

    @extend_schema(request=SummarySerializer, responses={200: SummarySerializer})
    @action(detail=True, methods=["get", "put"])
    def summary(self, request: Request, pk: str) -> Response:
        """The panel's common opinion."""
        del pk
        row = self._led(by_primary=True)
        if request.method == "GET":
            return Response({"summary": row.summary})
        body = SummarySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        summary = body.validated_data.get("summary", row.summary)
        services.summarize(row, summary)
        return Response({"summary": summary})

    @extend_schema(request=SecondaryNotesSerializer, responses={200: SecondaryNotesSerializer})
    @action(detail=True, methods=["get", "put"], url_path="secondary-notes")
    def secondary_notes(self, request: Request, pk: str) -> Response:
        """What only the panel reads."""
        del pk
        row = self._led(by_primary=False)
        if request.method == "GET":
            return Response({"secondary_notes": row.secondary_notes})
        body = SecondaryNotesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        notes = body.validated_data.get("secondary_notes", row.secondary_notes)
        services.note_for_secondary(row, notes)
        return Response({"secondary_notes": notes})

    @extend_schema(request=UserReviewSerializer, responses={200: dict, 201: dict})
    @action(detail=True, methods=["get", "post", "put", "patch"], url_path="my-review")
    def my_review(self, request: Request, pk: str) -> Response:
        """What the caller thinks."""
        del pk
        row = self._reviewed()
        user = user_of(request)
        if not queries.sits_on(user, row.review_panel_id):
            raise Forbidden(_NOT_YOURS)
        if request.method == "GET":
            return Response(wire.user_review(_opinion(row, user), base_url()))
        is_new = request.method == "POST"
        if not is_new:
            _opinion(row, user)
        body = UserReviewSerializer(data=request.data, partial=request.method == "PATCH")
        body.is_valid(raise_exception=True)
        services.review(row, user, body.validated_data, new=is_new)
        return Response(wire.user_review(_opinion(row, user), base_url()), status=201 if is_new else 200)

    @extend_schema(request=ConflictSerializer, responses={200: dict})
    @action(detail=True, methods=["post"])
    def conflict(self, request: Request, pk: str) -> Response:
        """Take no part in this review."""
        del pk
        row = self._reviewed()
        user = user_of(request)
        if not queries.sits_on(user, row.review_panel_id):
            raise Forbidden(_NOT_YOURS)
        body = ConflictSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.declare_conflict(row, user, body.validated_data["reason"])
        return Response({"message": "You take no part in this review."})

    @extend_schema(responses={(200, "application/pdf"): bytes})
    @action(detail=True)
    def pdf(self, request: Request, pk: str) -> FileResponse:
        """The anonymous PDF of the application."""
        del request, pk
        row = self._reviewed()
        if not row.pdf:
            raise Http404("There is no PDF for the reviewers of this application.")
        return papers.stored(row.pdf)

    @extend_schema(responses={(200, "application/zip"): bytes})
    @action(detail=False, url_path="pdf-zip")
    def pdf_zip(self, request: Request) -> StreamingHttpResponse:
        """The PDFs of all reviews that the caller may see."""
        del request
        return papers.zipped(self.filter_queryset(self.get_queryset()))

    @extend_schema(responses={200: list})
    @action(detail=False, permission_classes=[Decides])
    def ranking(self, request: Request) -> Response:
        """Applications under review by mean grade, for those who decide."""
        rows = queries.ranking(request.query_params.get("semester"))
        return Response(
            [
                {
                    "rank": place if row.mean_grade is not None else None,
                    "review": row.pk,
                    "application_id": row.science_application_id,
                    "title": row.science_application.title,
                    "application_status": row.science_application.status,
                    "status": row.status,
                    "mean_grade": None if row.mean_grade is None else str(row.mean_grade),
                    "panel": row.review_panel.name,
                    "summary": row.summary,
                }
                for place, row in enumerate(rows, start=1)
            ]
        )


def _opinion(row: ScienceApplicationReview, user: User) -> ScienceApplicationUserReview:
    found = queries.visible_user_reviews(user).filter(science_application_review=row).first()
    if found is None:
        raise Http404("No ScienceApplicationUserReview matches the given query.")
    return found


class UserReviewViewSet(Resource):
    """What the caller wrote about applications."""

    permission_classes = (IsAuthenticated,)
    order_model = ScienceApplicationUserReview
    orderings = (
        f"{_OF_THE_REVIEW}__{_APPLICATION}__title",
        f"{_OF_THE_REVIEW}__{_APPLICATION}__call__semester__start",
        f"{_OF_THE_REVIEW}__science_category",
        f"{_OF_THE_REVIEW}__mean_grade",
        "grade",
    )

    def get_queryset(self) -> QuerySet[ScienceApplicationUserReview]:
        """The caller's own."""
        return queries.visible_user_reviews(user_of(self.request))

    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """Each with what it is about."""
        return [wire.user_review(row, base_url()) for row in rows]
