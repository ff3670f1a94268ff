"""Rows written straight from values, where many are written at once or some with nearly every call.

Django makes a model of each row, prepares every value of it by itself, and compiles the statement anew for each call.
That takes longer than PostgreSQL does to store them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import (
    BigAutoField,
    CharField,
    DateTimeField,
    Field,
    ForeignKey,
    Func,
    JSONField,
    Model,
    QuerySet,
    TextField,
)


class Insertion:
    """How rows of one table are appended.

    Args:
        model: The table. Its rows get their ids from the database.
        columns: Attributes (``request_id``, not ``request``) in the order in which rows give their values.
        computed: Attributes whose values the database computes without parameters, the same for all rows of a call.

    Raises:
        TypeError: A column has no value: defaults of models are not filled in.
    """

    def __init__(self, model: type[Model], *columns: str, **computed: Func) -> None:
        meta = model._meta  # noqa: SLF001  it is public, see Django's "Model _meta API"
        fields = {field.attname: field for field in meta.concrete_fields}
        needed = {name for name, field in fields.items() if not isinstance(field, BigAutoField)}
        if missing := needed ^ {*columns, *computed}:
            raise TypeError(f"{model.__name__}: these columns are missing, or not there: {sorted(missing)}")
        self._table = meta.db_table
        self._fields = [fields[name] for name in columns]
        self._computed = {str(fields[name].column): expression for name, expression in computed.items()}
        self._rows: QuerySet[Model] = QuerySet(model)

    def run(self, rows: Iterable[Sequence[Any]]) -> None:
        """Append rows: one query for any number, none for none."""
        columns = self._columns(rows)
        if not columns:
            return
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(self._from_arrays, columns)
            else:
                cursor.executemany(self._from_values(1), list(zip(*columns, strict=True)))

    def numbered(self, rows: Iterable[Sequence[Any]]) -> list[int]:
        """Append rows; the ids that they were given, in their order. SQLite takes a few hundred rows in a query."""
        columns = self._columns(rows)
        if not columns:
            return []
        returning = f" RETURNING {connection.ops.quote_name('id')}"
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(self._from_arrays + returning, columns)
                return [key for (key,) in cursor.fetchall()]
            found: list[int] = []
            most = max((connection.features.max_query_params or 0) // len(columns), 1)
            lines = list(zip(*columns, strict=True))
            for first in range(0, len(lines), most):
                some = lines[first : first + most]
                cursor.execute(self._from_values(len(some)) + returning, [value for row in some for value in row])
                found += [key for (key,) in cursor.fetchall()]
            return found

    def _columns(self, rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
        return [
            _prepared(field, column) for field, column in zip(self._fields, zip(*rows, strict=True), strict=False)
        ]  # no rows have no columns

    @cached_property
    def _head(self) -> str:
        quote = connection.ops.quote_name
        columns = map(quote, [*(str(field.column) for field in self._fields), *self._computed])
        return f"INSERT INTO {quote(self._table)} ({', '.join(columns)})"

    def _expressions(self) -> list[str]:
        if not self._computed:
            return []
        compiler = self._rows.query.get_compiler(connection=connection)
        return [compiler.compile(expression)[0] for expression in self._computed.values()]

    @cached_property
    def _from_arrays(self) -> str:
        # Types without their lengths: with them, what is too long would be cut instead of refused.
        types = [(field.db_type(connection) or "").split("(", maxsplit=1)[0] for field in self._fields]
        arrays = ", ".join(f"%s::{name}[]" for name in types)
        chosen = ", ".join(["given.*", *self._expressions()])
        return f"{self._head} SELECT {chosen} FROM unnest({arrays}) AS given"  # noqa: S608  names of our own tables

    def _from_values(self, count: int) -> str:
        row = f"({', '.join([*(['%s'] * len(self._fields)), *self._expressions()])})"
        return f"{self._head} VALUES {', '.join([row] * count)}"


def _prepared(field: Field[Any, Any], values: Sequence[Any]) -> list[Any]:
    """The values of a column, as the driver takes them."""
    while isinstance(field, ForeignKey):
        field = field.target_field
    if isinstance(field, JSONField):
        return [json.dumps(value) for value in values]
    if isinstance(field, DateTimeField):
        return list(map(connection.ops.adapt_datetimefield_value, values))
    if isinstance(field, CharField | TextField):
        return [None if value is None else str(value) for value in values]  # also words of enumerations
    return list(values)
