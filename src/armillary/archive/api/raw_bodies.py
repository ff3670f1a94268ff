from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from armillary.archive.stores.interface import CHUNK_BYTES

_DIGEST: Final = re.compile(r"\s*([a-z0-9\-]+)=:([A-Za-z0-9+/=]*):\s*", re.IGNORECASE)
_LENGTHS: Final = {"md5": 16, "sha-256": 32}


class UploadBroken(APIException):
    """The sender went away in the middle of a file."""

    status_code = 400
    default_detail = "The upload ended early; nothing was kept. Send the file again."


class RawBody(BaseParser):
    """Leaves the body alone: the view reads it piece by piece."""

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body as a stream."""
        del media_type, parser_context
        return stream


def chunks_of(stream: IO[bytes], length: int) -> Iterator[bytes]:
    """The body in pieces.

    Raises:
        UploadBroken: It is shorter than was announced, or the connection broke.
    """
    left = length
    while left > 0:
        try:
            chunk = stream.read(min(CHUNK_BYTES, left))
        except OSError as error:
            raise UploadBroken from error
        if not chunk:
            raise UploadBroken
        left -= len(chunk)
        yield chunk


def digests_of(header: str) -> dict[str, str]:
    """The hexadecimal checksums of a ``Content-Digest`` header (RFC 9530), by algorithm.

    Raises:
        ParseError: It is missing, malformed, or lacks one of ``sha-256`` and ``md5``.
    """
    digests: dict[str, str] = {}
    for part in header.split(","):
        found = _DIGEST.fullmatch(part)
        if found and (name := found[1].lower()) in _LENGTHS:
            digests[name] = _hexadecimal(name, found[2])
    if missing := [name for name in _LENGTHS if name not in digests]:
        raise ParseError(
            f"The header Content-Digest lacks {' and '.join(missing)}; send both, like "
            "'sha-256=:<base64>:, md5=:<base64>:' (RFC 9530)."
        )
    return digests


def _hexadecimal(name: str, text: str) -> str:
    try:
        value = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ParseError(f"The {name} in Content-Digest is not base64.") from error
    if len(value) != _LENGTHS[name]:
        raise ParseError(f"The {name} in Content-Digest has {len(value)} bytes; it must have {_LENGTHS[name]}.")
    return value.hex()
