"""Real-time sessions over HTTP."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from armillary.clock import now
from armillary.platform.errors import Refusal
from armillary.platform.idempotency import idempotent
from armillary.portal.observations.availability import bookable
from armillary.portal.observations.models import Observation
from armillary.portal.observations.queries import statuses_by_observation
from armillary.portal.observations.services.realtime import book_session, give_up_session
from armillary.portal.resource import user_of
from armillary.portal.surroundings import downtimes, observatory

Json = dict[str, Any]
_PARTS = 3


class RealtimeViewSet(GenericViewSet[Observation]):
    """Sessions in which a person has a telescope; those that were given up are not listed."""

    permission_classes = (IsAuthenticated,)

    def get_queryset(self) -> QuerySet[Observation]:
        """The caller's own; all for staff."""
        user = user_of(self.request)
        rows = Observation.objects.filter(request__request_group__observation_type="REAL_TIME")
        rows = rows.exclude(state="CANCELED").select_related("request__request_group__submitter").order_by("-pk")
        return rows if user.is_staff else rows.filter(request__request_group__submitter=user)

    def list(self, request: Request) -> Response:
        """One page."""
        del request
        page = list(self.paginate_queryset(self.get_queryset()) or ())
        return self.get_paginated_response(_described(page))

    def retrieve(self, request: Request, pk: str) -> Response:
        """One session."""
        del request, pk
        return Response(_described([self.get_object()])[0])

    @idempotent
    def create(self, request: Request) -> Response:
        """Take a telescope."""
        if isinstance(request.data, list):
            raise Refusal("Invalid data. Expected a dictionary, but got list.")
        row = book_session(user_of(request), dict(request.data.items()), now())
        return Response(_described([self.get_queryset().get(pk=row.pk)])[0], status=201)

    def destroy(self, request: Request, pk: str) -> Response:
        """Give a telescope back."""
        del pk
        give_up_session(self.get_object(), user_of(request), now())
        return Response(status=204)

    @action(detail=False)
    def availability(self, request: Request) -> Response:
        """When the caller could take which telescope, in the next week."""
        wanted = request.query_params.get("telescope", "")
        if wanted and len(wanted.split(".")) != _PARTS:
            raise Refusal({"telescope": ["Name it as telescope.enclosure.site."]})
        moment = now()
        found = bookable(user_of(request), observatory(), downtimes(moment), moment, only=wanted)
        spans = {name: [[moment.isoformat() for moment in span] for span in spans] for name, spans in found.items()}
        return Response(spans, headers={"Cache-Control": "no-store"})


def _described(rows: list[Observation]) -> list[Json]:
    statuses = statuses_by_observation([row.pk for row in rows])
    return [_session(row, statuses[row.pk][0].pk if statuses[row.pk] else None) for row in rows]


def _session(row: Observation, status: int | None) -> Json:
    group = row.request.request_group
    return {
        "site": row.site,
        "enclosure": row.enclosure,
        "telescope": row.telescope,
        "start": row.start,
        "end": row.end,
        "state": row.state,
        "priority": row.priority,
        "id": row.pk,
        "modified": row.modified,
        "proposal": group.proposal_id,
        "submitter": group.submitter.username,
        "name": group.name,
        "ipp_value": group.ipp_value,
        "observation_type": group.observation_type,
        "request_group_id": group.pk,
        "configuration_status_id": status,
    }
