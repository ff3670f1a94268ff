"""Where the bytes are: one small interface, a file system or any S3 behind it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from armillary.archive.stores.file_system import FileSystemStore
from armillary.archive.stores.interface import (
    Digests,
    FileStore,
    InvalidPlace,
    StoredObjectMissing,
    StoreError,
    StoreUnavailable,
    checked_place,
)
from armillary.configuration import ConfigurationError, configuration

__all__ = [
    "Digests",
    "FileStore",
    "FileSystemStore",
    "InvalidPlace",
    "StoreError",
    "StoreUnavailable",
    "StoredObjectMissing",
    "checked_place",
    "file_store",
    "open_store",
]


def open_store(url: str) -> FileStore:
    """The store that an address names: ``file:///directory`` or ``s3://bucket/prefix?endpoint_url=...``.

    Raises:
        ConfigurationError: The address is of another kind, or incomplete.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return FileSystemStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from armillary.archive.stores.s3 import S3Store

        options = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return S3Store(parts.netloc, prefix=unquote(parts.path).strip("/"), **S3Store.checked_options(options))
    raise ConfigurationError(
        f"ARMILLARY_ARCHIVE_STORE is {url!r}; use file:///directory or s3://bucket/prefix?endpoint_url=https://host:port"
    )


@cache
def file_store() -> FileStore:
    """The store of this archive."""
    settings = configuration()
    return open_store(settings.archive_store or (settings.data_directory / "archive").absolute().as_uri())
