"""Zip files made while they are sent: nothing is written to disk, and memory does not grow with what is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from zipstream import ZIP_STORED, ZipStream

from armillary.archive.products import NotThatKind
from armillary.archive.stores import StoreError

_REPORT: Final = "NOT-INCLUDED.txt"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a zip."""

    name: str
    size_bytes: int | None
    """If it is known before the file is made."""
    open: Callable[[], Iterator[bytes]] | None
    """Gives the bytes; ``None`` when this archive does not keep them."""
    url: str = ""
    """Where the file can be fetched by itself; empty when this archive does not keep it."""

    @property
    def size_text(self) -> str:
        """The size in bytes; ``-`` if it is not known before the file is made."""
        if self.open is None:
            return "0"
        return "-" if self.size_bytes is None else str(self.size_bytes)


def manifest(folder: str, entries: Iterable[Entry]) -> str:
    """What a zip would hold, one file in each line: checksum (``-``: none), size, address, name.

    This is the format in which zips are described to nginx's mod_zip. A download that follows it file by file can be
    broken off and continued, which a zip made on the fly cannot.
    """
    return "".join(
        f"- {entry.size_text} {entry.url} {folder}/{entry.name}\n" for entry in _with_unique_names(list(entries))
    )


def stream_zip(folder: str, entries: Iterable[Entry]) -> tuple[Iterator[bytes], int | None]:
    """A zip and, if the size of every entry is known, its size: then the receiver sees how much is to come.

    Frames are stored, not compressed: they are compressed already. Files larger than 4 GiB and more than 65,535 of them
    are fine (ZIP64). What cannot be included is named in a text file inside, because the answer has begun by then.
    """
    listed = list(entries)
    kept = [entry for entry in listed if entry.open is not None]
    is_sized = all(entry.size_bytes is not None for entry in kept)
    missing = [f"{entry.name}: this archive does not keep its bytes" for entry in listed if entry.open is None]
    archive: Any = ZipStream(compress_type=ZIP_STORED, sized=is_sized)
    for entry in _with_unique_names(kept):
        if is_sized:
            archive.add(_chunks(entry), f"{folder}/{entry.name}", size=entry.size_bytes)
        else:
            archive.add(_chunks_or_reason(entry, missing), f"{folder}/{entry.name}")
    if is_sized:
        if missing:
            archive.add("\n".join(missing) + "\n", f"{folder}/{_REPORT}")
        return iter(archive), len(archive)
    return _with_report(archive, folder, missing), None


def _chunks(entry: Entry) -> Iterator[bytes]:
    """The bytes, opened only when their turn comes. Missing ones break the download off: the receiver notices."""
    if entry.open is not None:
        yield from entry.open()


def _chunks_or_reason(entry: Entry, missing: list[str]) -> Iterator[bytes]:
    try:
        yield from _chunks(entry)
    except (NotThatKind, StoreError) as error:
        log.warning("zip_entry_not_included", name=entry.name, error=str(error))
        missing.append(f"{entry.name}: {error}")


def _with_report(archive: Any, folder: str, missing: list[str]) -> Iterator[bytes]:
    yield from archive.all_files()
    if missing:
        archive.add("\n".join(missing) + "\n", f"{folder}/{_REPORT}")
    yield from archive.finalize()


def _with_unique_names(entries: list[Entry]) -> list[Entry]:
    seen: set[str] = set()
    unique: list[Entry] = []
    for number, entry in enumerate(entries):
        name = entry.name if entry.name not in seen else f"{number}-{entry.name}"
        seen.add(name)
        unique.append(replace(entry, name=name))
    return unique
