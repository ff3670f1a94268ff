from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

from armillary.configdb.models import Revision
from armillary.platform.prepared import Prepared

_revision: Final = Prepared[tuple[str]](lambda: Revision.objects.order_by("pk").values_list("value")[:1])


def current_revision() -> str:
    """A text that is another one after every change of the configuration; empty for a new database."""
    found = _revision.first()
    return found[0] if found else ""


@contextmanager
def consistent_reading() -> Iterator[None]:
    """Let all queries inside see the database as it was at the first of them; they hold up no writer."""
    if connection.in_atomic_block:  # the caller's transaction decides what is seen
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        with _deferred_transaction():
            yield


@contextmanager
def _deferred_transaction() -> Iterator[None]:
    """SQLite: `atomic()` would begin as a writer (IMMEDIATE) and wait for the others."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")  # nothing was written
