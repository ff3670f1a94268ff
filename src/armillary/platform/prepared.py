"""Queries that are compiled once in each process and run with other values each time.

Django turns a query into SQL anew each time it is run, which takes longer than PostgreSQL does to answer when a row is
looked up by its key. For the few queries that nearly every call of the API makes, that is most of what the call costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, Generic, TypeVar, cast

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql.compiler import SQLCompiler

from armillary.platform.database import require_transaction

R = TypeVar("R")
Value = int | str | datetime
_MARKERS: Final[Mapping[type[Value], Callable[[int], Value]]] = {
    int: lambda index: 1_618_033_900 + index,
    str: lambda index: f"\u241fprepared {index}\u241f",
    datetime: lambda index: datetime(1987, 6, 5, 4, 3, 2, index, tzinfo=UTC),
}
"""Values that stand for others while a query is compiled; no query of ours has them for themselves."""


class Prepared(Generic[R]):
    """A query whose shape is always the same.

    Args:
        build: Makes the query set from values for its parameters; models (also with ``select_related``) or tuples
            (``values_list``).
        parameters: The types of the values, by name.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, R]], **parameters: type[Value]) -> None:
        self._build = build
        self._parameters = parameters
        self._compiled: dict[str, _Compiled] = {}

    def all(self, **values: Value) -> list[R]:
        """All rows, for values of all parameters."""
        known = self._compiled.get(connection.vendor)
        if known is None:
            known = self._compiled[connection.vendor] = self._compile()
        return cast("list[R]", known.run(values))

    def first(self, **values: Value) -> R | None:
        """The first row, if there is one; the query should ask for no more."""
        return next(iter(self.all(**values)), None)

    def _compile(self) -> _Compiled:
        markers = {name: _MARKERS[kind](index) for index, (name, kind) in enumerate(self._parameters.items())}
        rows = self._build(**markers)
        compiler = rows.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        slots = {_adapted(marker): name for name, marker in markers.items()}
        places = tuple((slots.get(value), value) for value in parameters)
        missing = markers.keys() - {name for name, _ in places}
        if missing:
            raise ValueError(f"the query does not hold these parameters as they are: {sorted(missing)}")
        return _Compiled(sql, places, compiler, issubclass(rows._iterable_class, ModelIterable))  # noqa: SLF001  no other way to tell


@dataclass(frozen=True)
class _Compiled:
    """The SQL of a query for one kind of database, and how to read what it answers."""

    sql: str
    places: tuple[tuple[str | None, Any], ...]
    """The parameters of the SQL in order: the name of ours, or none and the value."""
    compiler: SQLCompiler
    reads_models: bool
    """Or tuples."""

    def run(self, values: Mapping[str, Value]) -> list[Any]:
        if self.compiler.query.select_for_update:
            require_transaction("a query that locks rows")
        adapted = {name: _adapted(value) for name, value in values.items()}
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [value if name is None else adapted[name] for name, value in self.places])
            rows: Iterable[Any] = cursor.fetchall()
        if self._converters:
            compiler = copy(self.compiler)
            compiler.connection = connection  # that of this thread
            rows = map(tuple, compiler.apply_converters(rows, self._converters))
        return self._models(rows) if self.reads_models else list(rows)

    @cached_property
    def _converters(self) -> Any:
        selected = self.compiler.select[: self.compiler.col_count]
        return self.compiler.get_converters([expression for expression, *_ in selected])

    def _models(self, rows: Iterable[tuple[Any, ...]]) -> list[Any]:
        info: Any = self.compiler.klass_info
        model, positions, alias = info["model"], info["select_fields"], connection.alias
        begin, end = positions[0], positions[-1] + 1
        names = [expression.target.attname for expression, *_ in self.compiler.select[begin:end]]
        populators = get_related_populators(info, self.compiler.select, alias)  # type: ignore[call-arg]  # stubs of a later Django
        found = []
        for row in rows:
            thing = model.from_db(alias, names, row[begin:end])
            for populator in populators:
                populator.populate(row, thing)
            found.append(thing)
        return found


def _adapted(value: Value) -> Any:
    """A value as this database's driver takes it."""
    database: BaseDatabaseWrapper = connection
    return database.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
