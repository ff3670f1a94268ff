from __future__ import annotations

import json
from collections.abc import Collection
from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL

_Row = TypeVar("_Row", bound=Model)


def among(rows: QuerySet[_Row], column: str, keys: Collection[int]) -> QuerySet[_Row]:
    """Restrict to many keys with one parameter: databases allow only so many, and preparing each of them takes time."""
    if not keys:
        return rows.none()
    if connection.vendor == "postgresql":
        return rows.filter(**{f"{column}__in": RawSQL("SELECT unnest(%s::bigint[])", [list(keys)])})
    return rows.filter(**{f"{column}__in": RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(keys))])})
