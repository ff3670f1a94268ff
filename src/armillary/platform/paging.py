"""Pages of lists on the wire: ``limit`` and ``offset``, answered as ``count``, ``next``, ``previous``, ``results``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from armillary.configuration import configuration
from armillary.platform.refusals import PlainRefusal

if TYPE_CHECKING:  # these views ask for the paging classes while they are imported
    from rest_framework.generics import GenericAPIView

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


def text_page(
    view: GenericAPIView[Any], rows: QuerySet[Any], write: Callable[[Sequence[Any]], Sequence[str]]
) -> HttpResponse:
    """One page of a list whose items are written as JSON text, in the same envelope as all lists.

    Args:
        view: The view, for its paging.
        rows: What is listed, filtered and in order.
        write: The JSON of each row of a page.
    """
    paginator = view.paginator
    if not isinstance(paginator, LimitOffsetPagination):
        raise TypeError(f"{type(view).__name__} needs paging by limit and offset to answer text pages")
    items = write(list(view.paginate_queryset(rows) or ()))
    envelope = json.dumps(
        {"count": paginator.count, "next": paginator.get_next_link(), "previous": paginator.get_previous_link()},
        separators=(",", ":"),
    )
    body = f'{envelope[:-1]},"results":[{",".join(items)}]}}'
    return HttpResponse(body, content_type="application/json")


class ThousandPerPagePaging(LimitOffsetPagination):
    """For lists that clients expect to get whole: configuration and downtimes."""

    default_limit = _WHOLE_LIST_LIMIT
