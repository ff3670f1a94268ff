"""Rows of many keys, asked for with one parameter: databases allow only so many, and preparing each takes time."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from django.db import connection
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.expressions import RawSQL

_Row = TypeVar("_Row", bound=Model)


def among(rows: QuerySet[_Row], column: str, keys: Collection[int]) -> QuerySet[_Row]:
    """Restrict to many keys."""
    return among_text(rows, column, text_of(keys)) if keys else rows.none()


def among_text(rows: QuerySet[_Row], column: str, text: str) -> QuerySet[_Row]:
    """Restrict to keys that were made a text, the one parameter of a query that is compiled once."""
    if connection.vendor == "postgresql":
        return rows.filter(_IsAny(F(column), Value(text), output_field=BooleanField()))
    return rows.filter(**{f"{column}__in": RawSQL("SELECT value FROM json_each(%s)", [text])})


def rows_among(statement: str, keys: Collection[int]) -> list[tuple[Any, ...]]:
    """What a statement finds that says ``{is_among}`` after a column, where keys are asked for.

    For the hottest questions, whose text is always the same: the object mapper would take longer than the database.
    """
    if not keys:
        return []
    is_postgresql = connection.vendor == "postgresql"
    is_among = "= ANY(%s::bigint[])" if is_postgresql else "IN (SELECT value FROM json_each(%s))"
    with connection.cursor() as cursor:
        cursor.execute(statement.format(is_among=is_among), [text_of(keys)])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


class _IsAny(Func):
    """Whether a column is in an array. PostgreSQL walks the index in order, which it does not for a subquery."""

    arg_joiner = " = ANY("
    template = "%(expressions)s::bigint[])"


def text_of(keys: Collection[int]) -> str:
    """Keys as PostgreSQL writes an array, whose driver would look at each number by itself; for SQLite in JSON."""
    listed = ",".join(map(str, keys))
    return f"{{{listed}}}" if connection.vendor == "postgresql" else f"[{listed}]"
