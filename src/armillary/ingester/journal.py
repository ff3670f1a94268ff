"""What became of each file, remembered across restarts."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from armillary.ingester.files import beside

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    at TEXT NOT NULL
)
"""


class FileState(StrEnum):
    """What became of a file."""

    INGESTED = "ingested"
    """It is in the archive."""
    REFUSED = "refused"
    """It is unacceptable as it is; it is looked at again when it changes."""
    WAITING = "waiting"
    """The archive could not be reached; it is tried again."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells a changed file from an unchanged one without reading it."""

    size_bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Fingerprint:
        """Of a file as it is now, together with the metadata beside it.

        Raises:
            OSError: It cannot be looked at.
        """
        status = path.stat()
        try:
            metadata = beside(path).stat()
        except OSError:
            return cls(status.st_size, status.st_mtime_ns)
        return cls(status.st_size + metadata.st_size, max(status.st_mtime_ns, metadata.st_mtime_ns))


class Journal:
    """A small database beside the files. Losing it costs time, not data: the archive knows contents by checksum."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        with self._connection() as connection:
            connection.execute(_SCHEMA)

    def state(self, path: Path, fingerprint: Fingerprint) -> FileState | None:
        """What became of a file; ``None`` if it is new or has changed since."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT state FROM files WHERE path = ? AND size_bytes = ? AND changed_ns = ?",
                (str(path.absolute()), fingerprint.size_bytes, fingerprint.changed_ns),
            ).fetchone()
        return FileState(row[0]) if row else None

    def finished(self, files: Sequence[tuple[Path, Fingerprint]]) -> set[Path]:
        """Which of some files are done as they are now: ingested, or refused."""
        places = ", ".join("?" * len(files))
        with self._connection() as connection:
            rows = connection.execute(
                f"SELECT path, size_bytes, changed_ns FROM files WHERE state IN (?, ?) AND path IN ({places})",  # noqa: S608  only placeholders
                (FileState.INGESTED, FileState.REFUSED, *(str(path.absolute()) for path, _ in files)),
            ).fetchall()
        known = {path: (size_bytes, changed_ns) for path, size_bytes, changed_ns in rows}
        return {path for path, own in files if known.get(str(path.absolute())) == (own.size_bytes, own.changed_ns)}

    def note(self, path: Path, fingerprint: Fingerprint, state: FileState, detail: str, *, at: datetime) -> None:
        """Remember what became of a file."""
        values = (str(path.absolute()), fingerprint.size_bytes, fingerprint.changed_ns, state, detail, at.isoformat())
        with self._connection() as connection:
            connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", values)

    def counts(self) -> dict[FileState, int]:
        """How many files are in which state."""
        with self._connection() as connection:
            rows = connection.execute("SELECT state, count(*) FROM files GROUP BY state").fetchall()
        return {FileState(state): count for state, count in rows}

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """One short transaction; threads take turns."""
        with self._lock:
            connection = sqlite3.connect(self._path, timeout=30)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
