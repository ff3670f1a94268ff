"""Whether every byte is still there and right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from armillary import clock
from armillary.archive.models import StoredFile
from armillary.archive.stores import FileStore, StoredObjectMissing, StoreUnavailable, file_store
from armillary.archive.stores.interface import Digesting

_YOUNG: Final = timedelta(days=1)
"""Bytes that nobody refers to yet may be on their way: an ingester stores before it records."""


class Finding(StrEnum):
    """What is wrong with a file."""

    LOST = "lost"
    """The archive refers to bytes that the store does not have."""
    ROTTEN = "rotten"
    """The bytes are not those that were stored."""
    ORPHAN = "orphan"
    """The store has bytes that nothing refers to."""
    UNRECORDED = "unrecorded"
    """A file was stored a while ago, but no frame was ever recorded for it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be."""

    finding: Finding
    place: str
    detail: str


def verify_files(*, reread: bool = True, store: FileStore | None = None) -> Iterator[Problem]:
    """Compare the store with what the archive knows about it, and say what is wrong as it is found.

    Args:
        reread: Read every byte and compare checksums; otherwise only presence and size.
        store: The store; default: the archive's.

    Raises:
        StoreUnavailable: The store cannot be asked: that says nothing about the files.
    """
    kept = store or file_store()
    for file in StoredFile.objects.order_by("pk").iterator(chunk_size=1000):
        problem = _examined(file, kept, reread=reread)
        if problem is not None:
            yield problem
    yield from _orphans(kept)
    yield from _unrecorded()


def repair_from(second: FileStore, *, store: FileStore | None = None) -> Iterator[tuple[str, bool]]:
    """Bring lost and rotten files back from a second store, and say for each place whether it could be.

    A copy is taken only if it has the checksum that the archive remembers.
    """
    kept = store or file_store()
    for file in StoredFile.objects.order_by("pk").iterator(chunk_size=1000):
        if _examined(file, kept, reread=True) is None:
            continue
        if _examined(file, second, reread=True) is not None:
            yield file.path, False
            continue
        kept.write(file.path, second.read(file.path))
        yield file.path, _examined(file, kept, reread=True) is None


def _examined(file: StoredFile, store: FileStore, *, reread: bool) -> Problem | None:
    try:
        size_bytes = store.size_bytes(file.path)
        if size_bytes != file.size_bytes:
            return Problem(Finding.ROTTEN, file.path, f"holds {size_bytes} bytes instead of {file.size_bytes}")
        if not reread:
            return None
        digesting = Digesting(store.read(file.path))
        for _ in digesting:
            pass
    except StoredObjectMissing:
        return Problem(Finding.LOST, file.path, "is not in the store")
    found = digesting.digests().sha256
    return (
        None
        if found == file.sha256
        else Problem(Finding.ROTTEN, file.path, f"has SHA-256 {found} instead of {file.sha256}")
    )


def _orphans(store: FileStore) -> Iterator[Problem]:
    before = clock.now() - _YOUNG
    batch: list[str] = []
    for held in store.everything():
        if held.written < before:
            batch.append(held.place)
        if len(batch) >= 1000:
            yield from _unknown(batch)
            batch = []
    yield from _unknown(batch)


def _unknown(places: list[str]) -> Iterator[Problem]:
    known = set(StoredFile.objects.filter(path__in=places).values_list("path", flat=True))
    for place in places:
        if place not in known:
            yield Problem(Finding.ORPHAN, place, "is in the store, but the archive does not know it")


def _unrecorded() -> Iterator[Problem]:
    before = clock.now() - _YOUNG
    waiting = StoredFile.objects.filter(version__isnull=True, thumbnail__isnull=True, created__lt=before)
    for file in waiting.order_by("pk").iterator(chunk_size=1000):
        yield Problem(Finding.UNRECORDED, file.path, "belongs to no frame; ingest the file again, or delete it")


__all__ = ["Finding", "Problem", "StoreUnavailable", "repair_from", "verify_files"]
