"""Rows of many keys, asked for with one parameter: databases allow only so many, and preparing each takes time."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, TypeVar

from django.db import connection
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.expressions import RawSQL

_Row = TypeVar("_Row", bound=Model)


def among(rows: QuerySet[_Row], column: str, keys: Collection[int]) -> QuerySet[_Row]:
    """Restrict to many keys."""
    if not keys:
        return rows.none()
    if connection.vendor == "postgresql":
        return rows.filter(_IsAny(F(column), Value(_array(keys)), output_field=BooleanField()))
    return rows.filter(**{f"{column}__in": RawSQL("SELECT value FROM json_each(%s)", [_listed(keys)])})


def rows_among(statement: str, keys: Collection[int]) -> list[tuple[Any, ...]]:
    """What a statement finds that says ``{is_among}`` after a column, where keys are asked for.

    For the hottest questions, whose text is always the same: the object mapper would take longer than the database.
    """
    if not keys:
        return []
    if connection.vendor == "postgresql":
        is_among, parameter = "= ANY(%s::bigint[])", _array(keys)
    else:
        is_among, parameter = "IN (SELECT value FROM json_each(%s))", _listed(keys)
    with connection.cursor() as cursor:
        cursor.execute(statement.format(is_among=is_among), [parameter])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


class _IsAny(Func):
    """Whether a column is in an array. PostgreSQL walks the index in order, which it does not for a subquery."""

    arg_joiner = " = ANY("
    template = "%(expressions)s::bigint[])"


def _array(keys: Collection[int]) -> str:
    """As PostgreSQL writes an array; its driver would look at each number by itself."""
    return "{" + ",".join(map(str, keys)) + "}"


def _listed(keys: Collection[int]) -> str:
    """In JSON."""
    return json.dumps(list(keys))
