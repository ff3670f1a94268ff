"""Where a demonstration keeps its data: SQLite files, or databases on a PostgreSQL server, one for each process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

ARRANGEMENT_FILE: Final = "arrangement.json"
_SCHEMES: Final = ("postgresql", "postgres")


class DatabaseRefused(RuntimeError):
    """The database server cannot be used as asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A server on which a demonstration has databases of its own."""

    address: str
    """``postgresql://user:password@host:port/database``; the user must be allowed to create databases."""
    directory: Path
    """The demonstration's directory: it makes the names of the databases, so that two never share one."""

    def __post_init__(self) -> None:
        if urlsplit(self.address).scheme not in _SCHEMES:
            raise DatabaseRefused("--database takes a PostgreSQL server: postgresql://user:password@host:port/database")

    def name(self, server: str) -> str:
        """Name of the database of a server process."""
        return f"armillary_demo_{hashlib.sha256(str(self.directory).encode()).hexdigest()[:10]}_{server}"

    def url(self, server: str) -> str:
        """Address of the database of a server process."""
        return urlsplit(self.address)._replace(path=f"/{self.name(server)}").geturl()

    def make(self, server: str) -> None:
        """Make a database unless it is there.

        Raises:
            DatabaseRefused: The server does not answer or does not allow it.
        """
        with self._connection() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.name(server)]).fetchone():
                connection.execute(f'CREATE DATABASE "{self.name(server)}"')

    def drop(self, server: str) -> None:
        """Remove a database and everything in it, if it is there."""
        with self._connection() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self.name(server)}" WITH (FORCE)')

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        try:
            import psycopg
        except ImportError as error:
            raise DatabaseRefused("--database needs the postgres extra: pip install 'armillary[postgres]'") from error
        try:
            with psycopg.connect(self.address, autocommit=True, connect_timeout=10) as connection:
                yield connection
        except psycopg.Error as error:
            place = urlsplit(self.address)
            raise DatabaseRefused(f"PostgreSQL at {place.hostname}:{place.port or 5432}: {error}") from error


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What must not change between two starts of the same demonstration."""

    is_split: bool
    database: str | None
    """Address of the PostgreSQL server; ``None``: SQLite files."""


def kept(directory: Path) -> Arrangement | None:
    """How the demonstration in a directory was started before; ``None`` if there is none."""
    path = directory / ARRANGEMENT_FILE
    return Arrangement(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def settle(directory: Path, wanted: Arrangement) -> Arrangement:
    """The arrangement of a demonstration: what is wanted at its first start, and the same again at every other.

    Raises:
        DatabaseRefused: It was started in another way before.
    """
    before = kept(directory)
    if before is None:
        return wanted
    if wanted.is_split != before.is_split:
        raise DatabaseRefused(
            f"the demonstration in {directory} was started {'with' if before.is_split else 'without'} --separate; "
            "start it like that again, or forget it with --fresh"
        )
    if wanted.database not in {None, before.database}:
        raise DatabaseRefused(
            f"the demonstration in {directory} keeps its data elsewhere; "
            "leave --database out, or forget it with --fresh"
        )
    return before
