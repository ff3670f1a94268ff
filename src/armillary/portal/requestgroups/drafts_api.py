"""Drafts over HTTP."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from armillary.accounts.permissions import sees_everything
from armillary.clock import now
from armillary.platform.errors import Forbidden
from armillary.platform.idempotency import idempotent
from armillary.portal.requestgroups.api import body_of
from armillary.portal.requestgroups.models import DraftRequestGroup
from armillary.portal.requestgroups.services.drafts import save_draft
from armillary.portal.resource import user_of

Json = dict[str, Any]


def _described(row: DraftRequestGroup) -> Json:
    return {
        "id": row.pk,
        "author": row.author.username,
        "title": row.title,
        "content": row.content,
        "created": row.created,
        "modified": row.modified,
        "proposal": row.proposal_id,
    }


class DraftViewSet(GenericViewSet[DraftRequestGroup]):
    """Drafts of the caller's proposals: all members read them, their authors change them."""

    permission_classes = (IsAuthenticated,)

    def get_queryset(self) -> QuerySet[DraftRequestGroup]:
        """What the caller may see, newest first."""
        user = user_of(self.request)
        rows = DraftRequestGroup.objects.select_related("author")
        if sees_everything(user):
            return rows
        return rows.filter(Q(proposal__membership__user=user))

    def list(self, request: Request) -> Response:
        """One page."""
        del request
        page = self.paginate_queryset(self.get_queryset().order_by("-modified", "-pk"))
        return self.get_paginated_response([_described(row) for row in page or ()])

    def retrieve(self, request: Request, pk: str) -> Response:
        """One draft."""
        del request, pk
        return Response(_described(self.get_object()))

    @idempotent
    def create(self, request: Request) -> Response:
        """Store a draft."""
        draft = save_draft(DraftRequestGroup(), body_of(request), user_of(request), now())
        return Response(_described(draft), status=201)

    def update(self, request: Request, pk: str) -> Response:
        """Store a new version."""
        del pk
        draft = self._own(request)
        return Response(_described(save_draft(draft, body_of(request), user_of(request), now())))

    def partial_update(self, request: Request, pk: str) -> Response:
        """Store a new version of some parts."""
        del pk
        draft = self._own(request)
        kept = {"title": draft.title, "content": draft.content, "proposal": draft.proposal_id}
        return Response(_described(save_draft(draft, kept | dict(body_of(request)), user_of(request), now())))

    def destroy(self, request: Request, pk: str) -> Response:
        """Throw a draft away."""
        del pk
        self._own(request).delete()
        return Response(status=204)

    def _own(self, request: Request) -> DraftRequestGroup:
        draft: DraftRequestGroup = self.get_object()
        user = user_of(request)
        if draft.author_id != user.pk and not sees_everything(user):
            raise Forbidden("Only its author can change a draft.")
        return draft
