from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from armillary.archive.stores.interface import (
    Chunks,
    Digesting,
    Digests,
    Held,
    StoredObjectMissing,
    StoreUnavailable,
    checked_place,
)

_UNFINISHED: Final = ".unfinished"
"""Directory of the files being written. A crash leaves them there, never among the kept ones."""


class FileSystemStore:
    """Keeps bytes as plain files under a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, place: str, chunks: Iterable[bytes]) -> Digests:
        """Write beside, force to disk, then rename: a reader sees all of it or nothing, also after a power cut."""
        target = self._path(place)
        digesting = Digesting(chunks)
        unfinished = self._directory / _UNFINISHED / f"{uuid.uuid4().hex}.part"
        with _storage_errors(place):
            unfinished.parent.mkdir(parents=True, exist_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _storage_errors(place), unfinished.open("xb") as stream:
                for chunk in digesting:
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())
            with _storage_errors(place):
                unfinished.replace(target)
                _force_directory(target.parent)
        finally:
            unfinished.unlink(missing_ok=True)
        return digesting.digests()

    def read(self, place: str, first: int = 0, last: int | None = None) -> Chunks:
        """Open now, so that a missing file is noticed before the first chunk; read as it is consumed."""
        try:
            stream = self._path(place).open("rb")
        except FileNotFoundError as error:
            raise StoredObjectMissing(place) from error
        except OSError as error:
            raise StoreUnavailable(f"{place} cannot be read: {error.strerror}") from error

        stream.seek(first)
        return Chunks(stream, None if last is None else last - first + 1)

    def size_bytes(self, place: str) -> int:
        """How many bytes the file holds."""
        try:
            return self._path(place).stat().st_size
        except FileNotFoundError as error:
            raise StoredObjectMissing(place) from error

    def delete(self, place: str) -> None:
        """Remove the file."""
        with _storage_errors(place):
            self._path(place).unlink(missing_ok=True)

    def direct_address(self, place: str, *, file_name: str, content_type: str, lifetime_s: int) -> None:
        """A directory hands out nothing by itself."""

    def everything(self) -> Iterator[Held]:
        """Every kept file, in order of its place."""
        for folder, subfolders, names in os.walk(self._directory):
            subfolders[:] = sorted(name for name in subfolders if name != _UNFINISHED)
            for name in sorted(names):
                path = Path(folder) / name
                status = path.stat()
                yield Held(
                    path.relative_to(self._directory).as_posix(),
                    status.st_size,
                    datetime.fromtimestamp(status.st_mtime, UTC),
                )

    def check(self) -> None:
        """The directory exists and can be written."""
        with _storage_errors(str(self._directory)):
            self._directory.mkdir(parents=True, exist_ok=True)
            probe = self._directory / f".probe-{uuid.uuid4().hex}"
            probe.write_bytes(b"armillary")
            probe.unlink()

    def _path(self, place: str) -> Path:
        return self._directory / checked_place(place)


@contextmanager
def _storage_errors(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{place} cannot be written: {error.strerror or error}") from error


def _force_directory(directory: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
