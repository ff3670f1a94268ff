"""Where an ingester leaves the bytes: with the archive itself, or where an OCS archive looks for them.

An OCS archive takes records only. Its ingesters put the bytes into its bucket or shared folder themselves, at a place
that it works out from the record again.
"""

from __future__ import annotations

import base64
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from armillary.clients.archive import ArchiveClient, ContentDigests
from armillary.clients.errors import ServiceUnavailable

_SERVICE: Final = "file store"
_LARGEST_SINGLE_PUT: Final = 5 * 1024**3
_LONGEST_KEY: Final = 32
_OPTIONS: Final = frozenset({"endpoint_url", "region", "addressing", "access_key", "secret_key"})


@dataclass(frozen=True, slots=True)
class KeptFile:
    """Bytes that a store keeps."""

    key: str
    """Names them in ``version_set``."""
    md5: str


class Placed(Protocol):
    """Says where a file belongs."""

    @property
    def place(self) -> str:
        """In our archive's store."""

    @property
    def shared_place(self) -> str:
        """Where an OCS archive looks for it."""


class ByteStore(Protocol):
    """Keeps the bytes of data products."""

    def keep(self, path: Path, record: Placed, digests: ContentDigests) -> KeptFile:
        """Keep a file. Doing it again is harmless.

        Raises:
            ServiceUnavailable: The store cannot be reached, is full, or refuses; nothing is lost, try again later.
        """


@dataclass(frozen=True, slots=True)
class ArchiveStore:
    """The archive keeps the bytes itself: how it is with ours."""

    archive: ArchiveClient

    def keep(self, path: Path, record: Placed, digests: ContentDigests) -> KeptFile:
        """Hand the bytes to the archive, which checks both checksums."""
        kept = self.archive.put_file(path, place=record.place, digests=digests)
        return KeptFile(kept.key, kept.md5)


@dataclass(frozen=True, slots=True)
class SharedFolder:
    """A folder that an OCS archive serves (``FILESTORE_TYPE=local``)."""

    directory: Path

    def keep(self, path: Path, record: Placed, digests: ContentDigests) -> KeptFile:
        """Copy beside, force to disk, then rename."""
        target = self.directory / record.shared_place
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as source, part.open("xb") as copy:
                shutil.copyfileobj(source, copy, 1024 * 1024)
                copy.flush()
                os.fsync(copy.fileno())
            part.replace(target)
        except OSError as error:
            raise ServiceUnavailable(_SERVICE, f"{target}: {error.strerror or error}") from error
        finally:
            with suppress(OSError):  # the copy was renamed, or could not be made
                part.unlink()
        return KeptFile(digests.md5, digests.md5)


class Bucket:
    """A bucket that an OCS archive hands out links to; it must have versions, by which the archive names contents."""

    def __init__(self, name: str, **options: str) -> None:
        self._name = name
        self._options = options

    def keep(self, path: Path, record: Placed, digests: ContentDigests) -> KeptFile:
        """Upload with a checksum that the server must confirm."""
        place = record.shared_place
        with _failures_told(place):
            version = self._uploaded(path, place, digests)
        if not version or len(version) > _LONGEST_KEY:
            raise ServiceUnavailable(
                _SERVICE,
                f"the bucket {self._name} gave {place} the version {version!r}; switch versioning on: an OCS archive "
                f"names contents by versions of at most {_LONGEST_KEY} characters",
            )
        return KeptFile(version, digests.md5)

    def _uploaded(self, path: Path, place: str, digests: ContentDigests) -> str | None:
        if digests.size_bytes >= _LARGEST_SINGLE_PUT:
            self._client.upload_file(str(path), self._name, place)
            kept: dict[str, Any] = self._client.head_object(Bucket=self._name, Key=place)
            if kept["ContentLength"] != digests.size_bytes:
                raise ServiceUnavailable(_SERVICE, f"kept {kept['ContentLength']} bytes of {digests.size_bytes}")
            return str(kept["VersionId"]) if "VersionId" in kept else None
        md5 = base64.b64encode(bytes.fromhex(digests.md5)).decode()
        with path.open("rb") as stream:
            answer = self._client.put_object(Bucket=self._name, Key=place, Body=stream, ContentMD5=md5)
        version: str | None = answer.get("VersionId")
        return version

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self._options.get("endpoint_url"),
            region_name=self._options.get("region", "us-east-1"),
            aws_access_key_id=self._options.get("access_key"),
            aws_secret_access_key=self._options.get("secret_key"),
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": self._options.get("addressing", "path")},
                connect_timeout=10,
                read_timeout=60,
                retries={"max_attempts": 2, "mode": "standard"},
                request_checksum_calculation="when_required",
            ),
        )


def open_byte_store(url: str) -> ByteStore:
    """The store that an address names: ``file:///folder`` or ``s3://bucket?endpoint_url=...``.

    Raises:
        ValueError: It names none.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return SharedFolder(Path(unquote(parts.path)))
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "s3" and parts.netloc and not set(options) - _OPTIONS:
        return Bucket(parts.netloc, **options)
    raise ValueError(
        f"{url!r} is not a store; use file:///folder or s3://bucket?endpoint_url=https://host:port with any of "
        + ", ".join(sorted(_OPTIONS))
    )


@contextmanager
def _failures_told(place: str) -> Iterator[None]:
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError, S3UploadFailedError) as error:
        raise ServiceUnavailable(_SERVICE, f"{place}: {error}") from error
