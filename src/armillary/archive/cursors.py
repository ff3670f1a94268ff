"""Pages that go on from the last row seen: nothing is skipped or doubled, however many rows are alike or arrive.

A cursor holds the values of that row in every column of the order, its id last, so rows are never counted past.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from armillary.archive.links import origin
from armillary.archive.models import Frame

_NULLABLE: Final = frozenset({"exposure_time"})
"""Columns of orders that may be empty; empty is less than everything."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an order."""

    name: str
    is_descending: bool

    def order(self) -> str | OrderBy:
        """As a database orders by it; where empty values stand, databases differ, unless they are told."""
        if self.name not in _NULLABLE:
            return f"-{self.name}" if self.is_descending else self.name
        return F(self.name).desc(nulls_last=True) if self.is_descending else F(self.name).asc(nulls_first=True)

    def reversed(self) -> Column:
        """The other way round."""
        return Column(self.name, not self.is_descending)

    def beyond(self, value: Any) -> Q:
        """What comes after a value."""
        if value is None:
            return Q(pk__in=[]) if self.is_descending else Q(**{f"{self.name}__isnull": False})
        if not self.is_descending:
            return Q(**{f"{self.name}__gt": value})
        less = Q(**{f"{self.name}__lt": value})
        return less | Q(**{f"{self.name}__isnull": True}) if self.name in _NULLABLE else less

    def equal(self, value: Any) -> Q:
        """What has a value."""
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})

    def bound(self, value: Any) -> Q:
        """What comes not before a value, in a form for which databases walk an index."""
        if self.name in _NULLABLE or value is None:
            return Q()
        return Q(**{f"{self.name}__{'lte' if self.is_descending else 'gte'}": value})


Order = Sequence[Column]
"""Columns; the last one is the id, which makes it complete."""


@dataclass(frozen=True, slots=True)
class CursorPage:
    """A page of rows, and where to go on."""

    rows: list[tuple[Any, ...]]
    next: str | None
    previous: str | None

    def body(self, results: list[Any]) -> dict[str, Any]:
        """The answer, with the rows as they are shown."""
        return {"next": self.next, "previous": self.previous, "results": results}


def cursor_page(
    rows: QuerySet[Any, tuple[Any, ...]], names: Sequence[str], order: Order, request: Request, *, limit: int
) -> CursorPage:
    """The page that the query parameter ``cursor`` asks for; the first one without it.

    Args:
        rows: What is paged, one tuple each.
        names: What is in the tuples; the columns of the order are among them.
        order: How it is ordered.
        request: Says where to go on.
        limit: Rows of a page.

    Raises:
        NotFound: The cursor is none that was given out for this order.
    """
    token = request.query_params.get("cursor")
    is_backwards, values = _read(token, order) if token else (False, None)
    walked = [column.reversed() for column in order] if is_backwards else list(order)
    if values is not None:
        rows = rows.filter(_after(walked, values))
    found = list(rows.order_by(*(column.order() for column in walked))[: limit + 1])
    has_more = len(found) > limit
    del found[limit:]
    if is_backwards:
        found.reverse()
    address = f"{origin(request)}{request.get_full_path()}"
    has_next, has_previous = (bool(found), has_more) if is_backwards else (has_more, bool(token and found))
    first, last = ([dict(zip(names, found[place], strict=True)) for place in (0, -1)]) if found else ({}, {})
    return CursorPage(
        rows=found,
        next=_address(address, order, last, is_backwards=False) if has_next else None,
        previous=_address(address, order, first, is_backwards=True) if has_previous else None,
    )


def _after(order: Order, values: Sequence[Any]) -> Q:
    """What comes after a row: further in the first column, or equal there and further in the second, and so on."""
    beyond, equal = Q(pk__in=[]), Q()
    for column, value in zip(order, values, strict=True):
        beyond |= equal & column.beyond(value)
        equal &= column.equal(value)
    return order[0].bound(values[0]) & beyond


def _address(address: str, order: Order, row: dict[str, Any], *, is_backwards: bool) -> str:
    values = [row[column.name] for column in order]
    text = json.dumps([is_backwards, [None if value is None else str(value) for value in values]])
    return str(replace_query_param(address, "cursor", base64.urlsafe_b64encode(text.encode()).decode()))


def _read(token: str, order: Order) -> tuple[bool, list[Any]]:
    try:
        is_backwards, texts = json.loads(base64.urlsafe_b64decode(token.encode()))
        fields: list[Any] = [Frame._meta.get_field(column.name) for column in order]  # noqa: SLF001  Django documents it
        values = [field.to_python(text) for field, text in zip(fields, texts, strict=True)]
    except (binascii.Error, ValueError, TypeError, ValidationError) as error:
        raise NotFound("Invalid cursor") from error
    if any(value is None and column.name not in _NULLABLE for column, value in zip(order, values, strict=True)):
        raise NotFound("Invalid cursor")
    return is_backwards is True, values
