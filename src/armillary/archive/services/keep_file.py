from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from django.db import IntegrityError, transaction

from armillary import clock
from armillary.archive.models import StoredFile
from armillary.archive.stores import Digests, FileStore, checked_place, file_store
from armillary.archive.stores.interface import Digesting
from armillary.core.frames import split_file_name


class WrongContent(ValueError):
    """What arrived is not what was announced."""


def keep_file(
    place: str, chunks: Iterable[bytes], *, md5: str, sha256: str, store: FileStore | None = None
) -> tuple[StoredFile, bool]:
    """Keep the bytes of a file, and say whether they were new.

    The place that is stored is made unique by the content's hash, so that nothing is ever overwritten with something
    else. Handing in the same content at the same place again changes nothing and gives the same answer: this is how
    an ingester that was interrupted between storing and recording continues.

    Args:
        place: Folder and file name, like ``tst/1m0a/sim01/20261123/raw/name.fits``.
        chunks: The bytes.
        md5: Hexadecimal MD5 that the sender computed.
        sha256: Hexadecimal SHA-256 that the sender computed.
        store: Where to keep them; default: the archive's store.

    Raises:
        InvalidPlace, InvalidFrame: The place or the file name is not acceptable.
        WrongContent: The bytes do not have the announced checksums; nothing is kept.
        StoreUnavailable: The store failed; nothing is kept.
    """
    path = unique_place(place, sha256)
    if existing := StoredFile.objects.filter(path=path).first():
        _drain(chunks)
        return existing, False
    announced = (md5.lower(), sha256.lower())
    digests = (store or file_store()).write(path, _verified(chunks, announced))
    return _recorded(path, digests, extension_of(place))


def unique_place(place: str, sha256: str) -> str:
    """The place under which a content is stored: the name gets the first twelve digits of its SHA-256."""
    folder, _, name = checked_place(place).rpartition("/")
    basename, extension = split_file_name(name)
    return checked_place(str(PurePosixPath(folder) / f"{basename}.{sha256[:12].lower()}{extension}"))


def extension_of(place: str) -> str:
    """Everything after the first dot of a place's file name, with the dot."""
    return split_file_name(place.rpartition("/")[2])[1]


def _verified(chunks: Iterable[bytes], announced: tuple[str, str]) -> Iterator[bytes]:
    """The chunks; the end of the stream is an error when they are not the announced ones, so nothing is kept."""
    digesting = Digesting(chunks)
    yield from digesting
    found = digesting.digests()
    if (found.md5, found.sha256) != announced:
        raise WrongContent(
            f"{found.size_bytes} bytes arrived with md5 {found.md5} and sha-256 {found.sha256}, but md5 {announced[0]} "
            f"and sha-256 {announced[1]} were announced; nothing was kept, send the file again"
        )


def _recorded(path: str, digests: Digests, extension: str) -> tuple[StoredFile, bool]:
    fields = {
        "extension": extension,
        "size_bytes": digests.size_bytes,
        "md5": digests.md5,
        "sha256": digests.sha256,
        "created": clock.now(),
    }
    try:
        with transaction.atomic():
            return StoredFile.objects.create(key=uuid.uuid4().hex, path=path, **fields), True
    except IntegrityError:
        # Somebody else handed in the same content at the same moment: theirs are the same bytes at the same place.
        return StoredFile.objects.get(path=path), False


def _drain(chunks: Iterable[bytes]) -> None:
    """Read what is being sent, because many clients cannot take an answer before they are done sending."""
    for _ in chunks:
        pass
