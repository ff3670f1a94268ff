"""As much of S3 as an OCS ingester uses to store a file: ``PutObject``, signed.

The access key is the name of an account that may store frames, the secret key is its API token, and the bucket may have
any name. The answer's ``x-amz-version-id`` is the key under which the frame is then recorded with ``POST /frames/``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import tempfile
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any, Final
from xml.sax.saxutils import escape

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from armillary.accounts.models import User
from armillary.accounts.permissions import Permission, may
from armillary.accounts.services import api_token
from armillary.archive.api.raw_bodies import UploadBroken, chunks_of
from armillary.archive.services.keep_file import keep_file
from armillary.archive.signatures import (
    UNSIGNED,
    UNSIGNED_IN_PIECES,
    BadSignature,
    SignedRequest,
    check_signature,
    claim_of,
)
from armillary.archive.stores import InvalidPlace, StoreUnavailable
from armillary.archive.stores.interface import CHUNK_BYTES
from armillary.core.frames import InvalidFrame

_LONGEST_LINE: Final = 8192


class _Refused(Exception):
    """An answer of S3 that is no success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@csrf_exempt  # no cookie is looked at: the signature says who calls
def put_object(request: HttpRequest, bucket: str, place: str) -> HttpResponse:
    """Keep one object; everything else that S3 can do is refused in its own words."""
    try:
        signed = _signed(request)
        _authenticate(signed)
        return _kept(request, signed, place)
    except _Refused as refusal:
        return _error(refusal, f"/{bucket}/{place}")


def _kept(request: HttpRequest, signed: SignedRequest, place: str) -> HttpResponse:
    with tempfile.TemporaryFile(prefix="armillary-") as spool:
        md5, sha256 = _receive(request, signed, spool)
        spool.seek(0)
        try:
            file, _ = keep_file(place, iter(lambda: spool.read(CHUNK_BYTES), b""), md5=md5, sha256=sha256)
        except (InvalidPlace, InvalidFrame) as error:
            raise _Refused(400, "InvalidArgument", str(error)) from error
        except StoreUnavailable as error:
            raise _Refused(503, "ServiceUnavailable", str(error)) from error
    return HttpResponse(status=200, headers={"ETag": f'"{md5}"', "x-amz-version-id": file.key})


def _receive(request: HttpRequest, signed: SignedRequest, spool: IO[bytes]) -> tuple[str, str]:
    """Write the body down, make sure that it is what was announced, and give its MD5 and SHA-256."""
    md5, sha256, crc32 = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    announced = dict(signed.headers)
    try:
        for chunk in _body(request, announced):
            md5.update(chunk)
            sha256.update(chunk)
            crc32 = zlib.crc32(chunk, crc32)
            spool.write(chunk)
    except UploadBroken as error:
        raise _Refused(400, "IncompleteBody", str(error.detail)) from error
    if signed.payload_hash not in {UNSIGNED, UNSIGNED_IN_PIECES, sha256.hexdigest()}:
        raise _Refused(400, "XAmzContentSHA256Mismatch", "The body does not have the SHA-256 that was signed.")
    found = {
        "content-md5": md5.digest(),
        "x-amz-checksum-sha256": sha256.digest(),
        "x-amz-checksum-crc32": crc32.to_bytes(4, "big"),
    }
    for name, digest in found.items():
        if name in announced and _decoded(announced[name]) != digest:
            raise _Refused(400, "BadDigest", f"The body does not have the checksum that {name} announces.")
    return md5.hexdigest(), sha256.hexdigest()


def _body(request: HttpRequest, announced: dict[str, str]) -> Iterator[bytes]:
    stream: Any = request
    if announced.get("x-amz-content-sha256") == UNSIGNED_IN_PIECES:
        return _pieces(stream, announced)
    length = announced.get("content-length", "")
    if not length.isdigit():
        raise _Refused(411, "MissingContentLength", "Send a Content-Length.")
    return chunks_of(stream, int(length))


def _pieces(stream: IO[bytes], announced: dict[str, str]) -> Iterator[bytes]:
    """The content of a body in pieces, each after its length (``aws-chunked``); what follows them is announced, too."""
    while True:
        line = stream.readline(_LONGEST_LINE).rstrip(b"\r\n").partition(b";")[0]
        try:
            length = int(line, 16)
        except ValueError as error:
            raise UploadBroken from error
        if length <= 0:
            break
        yield from chunks_of(stream, length)
        stream.readline(_LONGEST_LINE)
    while trailer := stream.readline(_LONGEST_LINE).strip():
        name, _, value = trailer.decode("latin-1").partition(":")
        announced[name.strip().lower()] = value.strip()


def _signed(request: HttpRequest) -> SignedRequest:
    if request.method != "PUT" or request.GET:
        raise _Refused(501, "NotImplemented", "This archive takes objects in (PutObject) and does nothing else.")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return SignedRequest(str(request.method), request.path, [], headers)


def _authenticate(request: SignedRequest) -> None:
    """Let nobody in but those who are permitted to store frames, and prove to know their token."""
    if request.payload_hash.startswith("STREAMING-") and request.payload_hash != UNSIGNED_IN_PIECES:
        raise _Refused(501, "NotImplemented", f"Bodies are not accepted as {request.payload_hash}.")
    try:
        user = _signer(request)
    except BadSignature as error:
        raise _Refused(403, error.code, str(error)) from error
    if not may(user, Permission.STORE_FRAMES):
        raise _Refused(403, "AccessDenied", "Only those who are permitted to store frames may store files.")


def _signer(request: SignedRequest) -> User:
    # The real time, and not the observatory's, which tests and demos set: the other side signs with its own.
    claim = claim_of(request, real_now=datetime.fromtimestamp(time.time(), UTC))
    user = User.objects.filter(username=claim.access_key, is_active=True).first()
    if user is None:
        raise BadSignature("InvalidAccessKeyId", "The access key is the name of an account here.")
    check_signature(request, claim, api_token(user))
    return user


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None  # equal to no checksum


def _error(refusal: _Refused, resource: str) -> HttpResponse:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message>"
        f"<Resource>{escape(resource)}</Resource></Error>"
    )
    return HttpResponse(body, status=refusal.status, content_type="application/xml")
