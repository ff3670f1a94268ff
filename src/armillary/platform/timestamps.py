"""Reading moments from PostgreSQL as fast as its driver can.

Django reads each with a loader of its own that is written in Python, which takes longer than all else about a row.
The driver's is written in C and gives the same: sessions of ours are in UTC.
"""

from __future__ import annotations

from datetime import UTC
from functools import cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


@cache
def _loader() -> Any:
    import psycopg
    from psycopg.pq import Format

    fastest: Any = psycopg.adapters.get_loader(psycopg.adapters.types["timestamptz"].oid, Format.TEXT)

    class UtcLoader:
        """Stands for the driver's loader, of which no class can be derived."""

        format = Format.TEXT
        timezone = UTC
        """By this Django recognises a loader that suits it, and leaves it where it is."""

        def __new__(cls, oid: int, context: Any = None) -> Any:
            """The driver's loader itself: in C, where that is installed."""
            return fastest(oid, context)

    return UtcLoader


def _read_moments_fast(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "postgresql" and connection.timezone is UTC:
        connection.connection.adapters.register_loader("timestamptz", _loader())


def install() -> None:
    """Do so on every connection that is opened from now on."""
    connection_created.connect(_read_moments_fast, dispatch_uid="armillary.platform.timestamps")
