from __future__ import annotations

import select
import time
from typing import Any, Final

from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQLWrapper
from psycopg.pq import TransactionStatus

_TRUSTED_FOR_S: Final = 30.0
"""How long after a sign of life a quiet connection is taken to be alive."""


class DatabaseWrapper(PostgreSQLWrapper):
    """A connection that is asked ``SELECT 1`` before a call only if there is reason to doubt it.

    A server that stops or throws a connection out says so: there is something to read on the socket before anything was
    asked. So a look at the socket tells most of what a question would, without a round trip to the database in front
    of every call. What ends without a word (a machine that loses its power) is found by asking after a while.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._alive_at = float("-inf")

    def connect(self) -> None:
        """Connect; that is a sign of life."""
        super().connect()
        self._alive_at = time.monotonic()

    def is_usable(self) -> bool:
        """Whether the connection still works."""
        if self._is_quiet() and time.monotonic() - self._alive_at < _TRUSTED_FOR_S:
            return True
        usable = bool(super().is_usable())
        if usable:
            self._alive_at = time.monotonic()
        return usable

    def _is_quiet(self) -> bool:
        """Whether it is outside of any transaction, and nothing waits to be read, not even its end."""
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.info.transaction_status is not TransactionStatus.IDLE:
            return False  # one that failed is of no use until it is rolled back
        look = select.poll()
        look.register(self.connection.fileno(), select.POLLIN | select.POLLPRI)
        return not look.poll(0)
