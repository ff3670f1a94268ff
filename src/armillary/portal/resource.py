"""Lists and details that are rendered straight from rows, with a constant number of queries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from django.db.models import Model
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from armillary.accounts.models import User
from armillary.portal.filters import column_names, ordered

Rendered = list[dict[str, Any]]


def user_of(request: Request) -> User:
    """The signed-in caller of a view that admits nobody else."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("this view must require authentication")
    return user


class Resource(GenericViewSet[Any], ABC):
    """A list and details."""

    default_order: tuple[str, ...] = ("-pk",)
    order_model: type[Model]
    orderings: tuple[str, ...] = ()
    """Names to order by; default: all columns of ``order_model``."""

    @abstractmethod
    def rendered(self, rows: Sequence[Any]) -> Rendered:
        """The rows as the wire shows them."""

    def list(self, request: Request) -> Response:
        """One page."""
        rows = self.filter_queryset(self.get_queryset())
        names = self.orderings or column_names(self.order_model)
        rows = ordered(rows, request.query_params.get("ordering"), names, self.default_order)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.rendered(page or ()))

    def retrieve(self, request: Request, pk: str) -> Response:
        """One of them."""
        del request, pk
        return Response(self.rendered([self.get_object()])[0])
