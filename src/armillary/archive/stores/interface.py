"""What the archive asks of a place that keeps bytes.

A place (a path like ``tst/1m0a/sim01/20261123/raw/name.fits``) is written once and never changed: the archive makes
places unique by the content's hash, so writing the same place again writes the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

CHUNK_BYTES: Final = 1024 * 1024
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_+\-][A-Za-z0-9_+.\-]*")
_LONGEST_SEGMENT: Final = 255
_LONGEST_PLACE: Final = 1400


class StoreError(Exception):
    """The store could not do what was asked."""


class StoreUnavailable(StoreError):
    """The store cannot be reached, is full, or failed; asking again later may help."""


class StoredObjectMissing(StoreError):
    """There are no bytes at a place where there should be."""


class InvalidPlace(ValueError):
    """A place is not one that files may be kept at."""


@dataclass(frozen=True, slots=True)
class Digests:
    """What identifies a content."""

    size_bytes: int
    md5: str
    """Hexadecimal."""
    sha256: str
    """Hexadecimal."""


@dataclass(frozen=True, slots=True)
class Held:
    """An object that a store holds."""

    place: str
    size_bytes: int
    written: datetime


class Readable(Protocol):
    """An open stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes; none at the end."""

    def close(self) -> None:
        """Give back what the stream holds."""


class FileStore(Protocol):
    """A place that keeps bytes."""

    def write(self, place: str, chunks: Iterable[bytes]) -> Digests:
        """Keep bytes at a place, whole or not at all, and say what was kept."""

    def read(self, place: str, first: int = 0, last: int | None = None) -> Chunks:
        """The bytes from ``first`` to ``last`` (included; default: the end), in chunks.

        Raises:
            StoredObjectMissing: Before the first chunk: there is nothing.
        """

    def size_bytes(self, place: str) -> int:
        """How many bytes are kept at a place."""

    def delete(self, place: str) -> None:
        """Forget a place; one that is not there is forgotten already."""

    def direct_address(self, place: str, *, file_name: str, content_type: str, lifetime_s: int) -> str | None:
        """An address at which the store itself hands out the bytes for a while, if it can."""

    def everything(self) -> Iterator[Held]:
        """Every object kept."""

    def check(self) -> None:
        """Make sure that the store can be used.

        Raises:
            StoreUnavailable: With what is wrong.
        """


class Chunks(Iterator[bytes]):
    """The rest of an open stream, or a part of it, in pieces. Closes the stream at its end, or when told to."""

    def __init__(self, stream: Readable, length: int | None = None) -> None:
        self._stream = stream
        self._left = length

    def __next__(self) -> bytes:
        wanted = CHUNK_BYTES if self._left is None else min(CHUNK_BYTES, self._left)
        chunk = self._stream.read(wanted) if wanted else b""
        if not chunk:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Close the stream: somebody who was sent the file went away."""
        self._stream.close()
        self._left = 0


class Digesting:
    """Passes chunks on while it computes what identifies them."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._md5.update(chunk)
            self._sha256.update(chunk)
            self._size_bytes += len(chunk)
            yield chunk

    def digests(self) -> Digests:
        """What identifies the chunks so far."""
        return Digests(self._size_bytes, self._md5.hexdigest(), self._sha256.hexdigest())


def checked_place(place: str) -> str:
    """The place, if it is one that every store can keep and that leads out of none.

    Raises:
        InvalidPlace: Saying what is wrong.
    """
    segments = place.split("/")
    if len(place) > _LONGEST_PLACE:
        raise InvalidPlace(f"the path is longer than {_LONGEST_PLACE} characters")
    for segment in segments:
        if not _SEGMENT.fullmatch(segment) or len(segment) > _LONGEST_SEGMENT:
            raise InvalidPlace(
                f"the path segment {segment[:40]!r} is not accepted: use up to {_LONGEST_SEGMENT} letters, digits, "
                "'_', '+', '-' and dots, not beginning with a dot"
            )
    return place
