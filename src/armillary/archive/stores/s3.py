from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from armillary.archive.stores.interface import (
    CHUNK_BYTES,
    Chunks,
    Digesting,
    Digests,
    Held,
    StoredObjectMissing,
    StoreUnavailable,
    checked_place,
)
from armillary.configuration import ConfigurationError

_OPTIONS: Final = {"endpoint_url", "region", "addressing", "access_key", "secret_key", "links", "timeout_s"}
_PART_BYTES: Final = 16 * CHUNK_BYTES
_NOT_THERE: Final = {"NoSuchKey", "404", "NotFound"}


class S3Store:
    """Keeps bytes in a bucket of any S3.

    Nothing is assumed that servers differ in: no versioning, no storage classes, no meaning of the ETag. Checksums are
    our own. Addresses are path-style unless ``addressing=virtual``. Credentials come from the address, or else from
    where every AWS tool looks for them.
    """

    def __init__(
        self,
        bucket: str,
        *,
        prefix: str = "",
        endpoint_url: str | None = None,
        region: str | None = None,
        addressing: str = "path",
        access_key: str | None = None,
        secret_key: str | None = None,
        links: str = "redirect",
        timeout_s: str = "60",
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._endpoint_url = endpoint_url
        self._region = region
        self._addressing = addressing
        self._credentials = (access_key, secret_key)
        self._hands_out_links = links == "redirect"
        self._timeout_s = float(timeout_s)

    @staticmethod
    def checked_options(options: Mapping[str, str]) -> dict[str, str]:
        """The options of a store's address, if all are known.

        Raises:
            ConfigurationError: One is not, or has a value that means nothing.
        """
        if unknown := set(options) - _OPTIONS:
            raise ConfigurationError(
                f"ARMILLARY_ARCHIVE_STORE has the unknown option {min(unknown)}; known are "
                + ", ".join(sorted(_OPTIONS))
            )
        if options.get("links", "redirect") not in {"redirect", "proxy"}:
            raise ConfigurationError("the option links of ARMILLARY_ARCHIVE_STORE is redirect or proxy")
        if options.get("addressing", "path") not in {"path", "virtual"}:
            raise ConfigurationError("the option addressing of ARMILLARY_ARCHIVE_STORE is path or virtual")
        if not options.get("timeout_s", "60").isdigit() or options.get("timeout_s") == "0":
            raise ConfigurationError("the option timeout_s of ARMILLARY_ARCHIVE_STORE is a whole number of seconds")
        return dict(options)

    def write(self, place: str, chunks: Iterable[bytes]) -> Digests:
        """Upload in parts, so that memory does not grow with the file; an aborted upload leaves nothing."""
        digesting = Digesting(chunks)
        with _store_errors(place):
            # The reader's own errors (a broken upload) pass through unchanged.
            self._client.upload_fileobj(_Readable(iter(digesting)), self._bucket, self._key(place), Config=self._parts)
        digests = digesting.digests()
        kept = self.size_bytes(place)
        if kept != digests.size_bytes:
            raise StoreUnavailable(f"{place}: the store kept {kept} bytes of {digests.size_bytes}")
        return digests

    def read(self, place: str, first: int = 0, last: int | None = None) -> Chunks:
        """Ask now, so that a missing object is noticed before the first chunk; read as it is consumed."""
        span = {} if first == 0 and last is None else {"Range": f"bytes={first}-{'' if last is None else last}"}
        with _store_errors(place):
            body = self._client.get_object(Bucket=self._bucket, Key=self._key(place), **span)["Body"]

        return Chunks(_Body(body, place))

    def size_bytes(self, place: str) -> int:
        """How many bytes the object holds."""
        with _store_errors(place):
            return int(self._client.head_object(Bucket=self._bucket, Key=self._key(place))["ContentLength"])

    def delete(self, place: str) -> None:
        """Remove the object."""
        with _store_errors(place):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(place))

    def direct_address(self, place: str, *, file_name: str, content_type: str, lifetime_s: int) -> str | None:
        """A presigned address of the bucket, unless the bucket is hidden behind the archive (``links=proxy``)."""
        if not self._hands_out_links:
            return None
        parameters = {
            "Bucket": self._bucket,
            "Key": self._key(place),
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(file_name)}",
            "ResponseContentType": content_type,
        }
        return str(self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=lifetime_s))

    def everything(self) -> Iterator[Held]:
        """Every object under the prefix."""
        with _store_errors(self._bucket):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for found in page.get("Contents", ()):
                    yield Held(found["Key"].removeprefix(self._prefix), found["Size"], found["LastModified"])

    def check(self) -> None:
        """The bucket exists and lets us in."""
        with _store_errors(self._bucket):
            self._client.head_bucket(Bucket=self._bucket)

    def _key(self, place: str) -> str:
        return self._prefix + checked_place(place)

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            signature_version="s3v4",  # links too: by default they would be signed in the way that S3 has given up
            s3={"addressing_style": self._addressing},
            connect_timeout=min(10.0, self._timeout_s),
            read_timeout=self._timeout_s,
            retries={"total_max_attempts": 3, "mode": "standard"},
            # The checksums that newer clients add by themselves are refused by older servers; ours is kept beside.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        access_key, secret_key = self._credentials
        return boto3.client(
            "s3",
            endpoint_url=self._endpoint_url,
            region_name=self._region or "us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=config,
        )

    @cached_property
    def _parts(self) -> Any:
        from boto3.s3.transfer import TransferConfig

        return TransferConfig(
            multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, max_concurrency=2, use_threads=False
        )


class _Body:
    """The body of an answer; a broken connection is a failure of the store."""

    def __init__(self, body: Any, place: str) -> None:
        self._body = body
        self._place = place

    def read(self, size: int, /) -> bytes:
        with _store_errors(self._place):
            return bytes(self._body.read(size))

    def close(self) -> None:
        self._body.close()


class _Readable(io.RawIOBase):
    """Chunks as a stream that an uploader reads parts from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        pieces, have = [self._rest], len(self._rest)
        while size < 0 or have < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            pieces.append(chunk)
            have += len(chunk)
        whole = b"".join(pieces)
        cut = len(whole) if size < 0 else size
        self._rest = whole[cut:]
        return whole[:cut]


@contextmanager
def _store_errors(place: str) -> Iterator[None]:
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _NOT_THERE:
            raise StoredObjectMissing(place) from error
        raise StoreUnavailable(f"{place}: {error}") from error
    except (BotoCoreError, S3UploadFailedError) as error:
        raise StoreUnavailable(f"{place}: {error}") from error
