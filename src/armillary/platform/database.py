"""Locks and retries that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import structlog
from django.db import OperationalError, connection

_SERIALIZATION_FAILURE: Final = "40001"
_DEADLOCK: Final = "40P01"
_LOCK_NOT_AVAILABLE: Final = "55P03"
_SHORTEST_WAIT_S: Final = 0.02

_P = ParamSpec("_P")
_R = TypeVar("_R")

logger = structlog.get_logger(__name__)


def serialised(key: str) -> None:
    """From here to the end of the transaction, be the only writer of ``key``.

    Others that ask for the same key wait until this transaction ends. On PostgreSQL this is an advisory lock; on
    SQLite there is one writer at a time anyway, because transactions begin as writers (``IMMEDIATE``). Taking several
    keys in one transaction: take them in sorted order, or two transactions may wait for each other.

    Raises:
        RuntimeError: There is no transaction, so that the lock would end at once.
    """
    require_transaction("serialised()")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def require_transaction(what: str) -> None:
    """Refuse to go on outside of a transaction.

    Raises:
        RuntimeError: There is none; the message names ``what`` needs it.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(
            f"{what} needs a transaction around it: use transaction.atomic() in the service that calls it"
        )


def retry_conflicts(*, attempts: int = 4) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Run a service again when the database undid it for the sake of another one.

    For the outermost function only: inside a transaction the decorated function runs once, because only the
    whole transaction can be repeated.

    Args:
        attempts: How often to try in all.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def repeat(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            for attempt in range(1, attempts):
                try:
                    return function(*args, **kwargs)
                except OperationalError as error:
                    if connection.in_atomic_block or not (is_transient_conflict(error) or is_lock_timeout(error)):
                        raise
                    logger.info("transaction_repeated", function=function.__qualname__, attempt=attempt)
                    time.sleep(_SHORTEST_WAIT_S * 2**attempt * (1 + random.random()))  # noqa: S311  spreads colliding writers, hides nothing
            return function(*args, **kwargs)

        return repeat

    return decorate


def is_transient_conflict(error: OperationalError) -> bool:
    """Whether the database gave up one of two transactions that stood in each other's way."""
    return _sqlstate(error) in {_SERIALIZATION_FAILURE, _DEADLOCK}


def is_lock_timeout(error: OperationalError) -> bool:
    """Whether the database was busy for longer than we were ready to wait."""
    return _sqlstate(error) == _LOCK_NOT_AVAILABLE or "database is locked" in str(error)


def _sqlstate(error: OperationalError) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)
