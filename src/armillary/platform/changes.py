"""The append-only change feed: everything that changes is announced, in one order, and nobody misses a line.

A writer announces inside its own transaction, so a change and its announcement are committed together. A reader keeps
the cursor of the last line it has seen and asks for what came after it.

The order must be the same for everybody, or a reader that has seen line 6 would never see line 5, written by a slower
transaction and committed later. Row ids alone do not give such an order on PostgreSQL. Lines are therefore ordered by
(transaction id, row id), and a reader sees a line only when every older transaction has ended. SQLite has one writer
at a time, so there the row id is enough and the transaction id is 0.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final, Self

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Func, Q, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from armillary import clock
from armillary.platform.claims import note_effect
from armillary.platform.database import require_transaction
from armillary.platform.insertion import Insertion
from armillary.platform.models import Change

FEED_RESET: Final = "feed.reset"
"""Kind of the event that tells a reader that its cursor is unknown: it should read everything anew."""

_committed = threading.Condition()
_CURSOR: Final = re.compile(r"(\d{1,18})-(\d{1,18})")


class _CurrentTransaction(Func):
    """The id of the running transaction (PostgreSQL), or 0."""

    output_field = BigIntegerField()
    arity = 0
    template = "0"

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="pg_current_xact_id()::text::bigint")


_LINES: Final = Insertion(Change, "kind", "key", "payload", "created", transaction=_CurrentTransaction())


class _OldestRunningTransaction(Func):
    """The id below which every transaction has ended (PostgreSQL), or 1."""

    output_field = BigIntegerField()
    arity = 0
    template = "1"

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the feed: just after one line."""

    transaction: int
    id: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor that :attr:`Change.cursor` wrote.

        Raises:
            ValueError: It is not one.
        """
        match = _CURSOR.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a place in the change feed; give one that the feed has sent as an id")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.transaction}-{self.id}"


BEGINNING: Final = Cursor(0, 0)


def record_change(kind: str, key: str, payload: dict[str, Any] | None = None) -> None:
    """Announce a change; it becomes visible to readers when the surrounding transaction is committed.

    Args:
        kind: What happened to what, ``noun.verb``.
        key: The public identifier of the thing.
        payload: JSON-serialisable details; nothing that not every reader of the kind may see.

    Raises:
        RuntimeError: There is no transaction that makes the change.
    """
    record_changes(kind, [(key, payload or {})])


def record_changes(kind: str, changes: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Announce that the same happened to several things, in their order: one query for any number.

    Args:
        kind: What happened to what, ``noun.verb``.
        changes: Public identifier and details of each thing.

    Raises:
        RuntimeError: There is no transaction that makes the changes.
    """
    require_transaction("record_change()")
    created = clock.now()
    lines = [(kind, key, payload, created) for key, payload in changes]
    if not lines:
        return
    _LINES.run(lines)
    note_effect(f"{kind} {lines[-1][1]}")
    transaction.on_commit(_wake_readers)


def changes_after(cursor: str | None, *, kinds: tuple[str, ...] = (), limit: int = 500) -> list[Change]:
    """The next lines of the feed, oldest first.

    Args:
        cursor: The last line seen; ``None`` for the beginning of what is kept.
        kinds: Prefixes of the kinds wanted (``"observation."``); empty for all.
        limit: The most lines to return.

    Raises:
        ValueError: The cursor is malformed.
    """
    after = BEGINNING if cursor is None else Cursor.parse(cursor)
    lines = _settled(kinds).filter(_later_than(after))
    return list(lines.order_by("transaction", "id")[:limit])


def latest_cursor(kinds: tuple[str, ...] = ()) -> str:
    """Where the feed ends now."""
    last = _settled(kinds).order_by("-transaction", "-id").first()
    return str(BEGINNING) if last is None else last.cursor


def is_known(cursor: str) -> bool:
    """Whether nothing after this cursor has been thrown away (or belongs to another life of the database)."""
    place = Cursor.parse(cursor)
    return place == BEGINNING or _settled(()).filter(transaction=place.transaction, id=place.id).exists()


def wait_for_commit(timeout_s: float) -> None:
    """Wait until something was announced by this process, or for ``timeout_s`` real seconds.

    Other processes are not noticed: a reader asks the database after every wait.
    """
    with _committed:
        _committed.wait(timeout_s)


def _wake_readers() -> None:
    with _committed:
        _committed.notify_all()


def _settled(kinds: tuple[str, ...]) -> QuerySet[Change]:
    lines = Change.objects.filter(transaction__lt=_OldestRunningTransaction())
    if not kinds:
        return lines
    return lines.filter(reduce(or_, (Q(kind__startswith=prefix) for prefix in kinds)))


def _later_than(place: Cursor) -> Q:
    return Q(transaction__gt=place.transaction) | Q(transaction=place.transaction, id__gt=place.id)
