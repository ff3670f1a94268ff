"""Rows of many keys, asked for with one parameter: databases allow only so many, and preparing each takes time."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL

_Row = TypeVar("_Row", bound=Model)


def among(rows: QuerySet[_Row], column: str, keys: Collection[int]) -> QuerySet[_Row]:
    """Restrict to many keys."""
    if not keys:
        return rows.none()
    if connection.vendor == "postgresql":
        return rows.filter(**{f"{column}__in": RawSQL("SELECT unnest(%s::bigint[])", [_array(keys)])})
    return rows.filter(**{f"{column}__in": RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(keys))])})


def rows_among(statement: str, keys: Collection[int]) -> list[tuple[Any, ...]]:
    """What a statement finds that says ``{keys}`` where a list of keys stands.

    For the hottest questions, whose text is always the same: the object mapper would take longer than the database.
    """
    if not keys:
        return []
    if connection.vendor == "postgresql":
        listed, parameter = "SELECT unnest(%s::bigint[])", _array(keys)
    else:
        listed, parameter = "SELECT value FROM json_each(%s)", json.dumps(list(keys))
    with connection.cursor() as cursor:
        cursor.execute(statement.format(keys=listed), [parameter])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _array(keys: Collection[int]) -> str:
    """As PostgreSQL writes an array; its driver would look at each number by itself."""
    return "{" + ",".join(map(str, keys)) + "}"
