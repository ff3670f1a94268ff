"""Signatures of S3 requests (AWS Signature Version 4), checked: who sent this, and is it what they sent?

Source: the published description of the algorithm, "Authenticating Requests: Using the Authorization Header".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
UNSIGNED_IN_PIECES: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_AUTHORIZATION: Final = re.compile(
    rf"{_ALGORITHM}\s+Credential=(?P<access_key>[^/,\s]+)/(?P<scope>(?P<day>\d{{8}})/(?P<region>[\w\-]+)/s3/aws4_request)"
    r"\s*,\s*SignedHeaders=(?P<headers>[a-z0-9\-;]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_LARGEST_SKEW_S: Final = 15 * 60


class BadSignature(ValueError):
    """A request is not signed, or not by whom it says; ``code`` is S3's word for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What of a request is signed."""

    method: str
    path: str
    """Decoded."""
    query: Sequence[tuple[str, str]]
    """Decoded names and values."""
    headers: Mapping[str, str]
    """With names in lower case."""

    @property
    def payload_hash(self) -> str:
        """What the sender says of the body: its SHA-256, or that it is not signed."""
        return self.headers.get("x-amz-content-sha256", UNSIGNED)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a request says that it comes from, and the proof to be checked."""

    access_key: str
    scope: str
    day: str
    region: str
    signed_headers: tuple[str, ...]
    signature: str
    moment: str


def claim_of(request: SignedRequest, *, real_now: datetime) -> Claim:
    """What a request says about its sender.

    Args:
        request: The request.
        real_now: The real time: an old request, recorded and sent again, is refused.

    Raises:
        BadSignature: There is no signature of the known kind, it signs too little, or it is too old.
    """
    found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", "").strip())
    if found is None:
        raise BadSignature(
            "AccessDenied", "Sign the request with AWS Signature Version 4, in the header Authorization."
        )
    signed = tuple(found["headers"].split(";"))
    if "host" not in signed or "x-amz-date" not in signed:
        raise BadSignature("AccessDenied", "The signature must cover the headers host and x-amz-date.")
    moment = request.headers.get("x-amz-date", "")
    try:
        sent = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadSignature("AccessDenied", "The header x-amz-date must look like 20261123T020304Z.") from error
    if abs((real_now - sent).total_seconds()) > _LARGEST_SKEW_S or not moment.startswith(found["day"]):
        raise BadSignature("RequestTimeTooSkewed", f"The request was signed at {moment}; check the sender's clock.")
    return Claim(found["access_key"], found["scope"], found["day"], found["region"], signed, found["signature"], moment)


def check_signature(request: SignedRequest, claim: Claim, secret: str) -> None:
    """Make sure that who knows the secret signed exactly this request.

    Raises:
        BadSignature: Somebody else did, or it was altered on its way.
    """
    canonical = _canonical(request, claim.signed_headers)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{claim.moment}\n{claim.scope}\n{digest}"
    key = f"AWS4{secret}".encode()
    for part in (claim.day, claim.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    expected = hmac.digest(key, text.encode(), "sha256").hex()
    if not hmac.compare_digest(expected, claim.signature):
        raise BadSignature("SignatureDoesNotMatch", "The signature is not that of this request and this access key.")


def _canonical(request: SignedRequest, signed_headers: Sequence[str]) -> str:
    query = "&".join(sorted(f"{_encoded(name)}={_encoded(value)}" for name, value in request.query))
    lines = [f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed_headers]
    path, names = quote(request.path, safe="/-_.~"), ";".join(signed_headers)
    return f"{request.method}\n{path}\n{query}\n{''.join(lines)}\n{names}\n{request.payload_hash}"


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
