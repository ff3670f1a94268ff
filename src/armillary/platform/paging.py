"""Pages of lists on the wire: ``limit`` and ``offset``, answered as ``count``, ``next``, ``previous``, ``results``."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from armillary.configuration import configuration
from armillary.platform.refusals import PlainRefusal

_DEFAULT_LIMIT: Final = 10
_WHOLE_LIST_LIMIT: Final = 1000


def refuse_deep_anonymous_paging(request: Request) -> None:
    """Keep strangers from reading the whole database page by page.

    Raises:
        PlainRefusal: An anonymous caller asks for a larger ``offset`` or ``limit`` than the configuration allows.
    """
    if request.user.is_authenticated:
        return
    settings = configuration()
    limits = {"offset": settings.max_unauthenticated_offset, "limit": settings.max_unauthenticated_limit}
    for name, largest in limits.items():
        value = _integer(request.query_params.get(name))
        if value is not None and value > largest:
            raise PlainRefusal(f"Large {name} not allowed for anonymous users.")


def _integer(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None


class LimitOffsetPaging(LimitOffsetPagination):
    """Ten per page unless the caller says otherwise; no maximum for people we know."""

    default_limit = _DEFAULT_LIMIT

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Take one page, after the guard against anonymous deep paging."""
        refuse_deep_anonymous_paging(request)
        return super().paginate_queryset(queryset, request, view)


class ThousandPerPagePaging(LimitOffsetPagination):
    """For lists that clients expect to get whole: configuration and downtimes."""

    default_limit = _WHOLE_LIST_LIMIT
