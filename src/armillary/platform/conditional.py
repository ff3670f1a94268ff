"""Conditional requests: unchanged answers are not sent again, and nobody overwrites what they have not seen."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from django.utils.http import parse_etags
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

_CACHE_CONTROL: Final = "no-cache"
"""Copies may be kept, but must be asked about before use."""


class PreconditionFailed(APIException):
    """The thing is no longer what the caller has seen."""

    status_code = 412
    default_detail = "Somebody changed this meanwhile (If-Match names another version); read it again."
    default_code = "precondition_failed"


def etag_of_list(revision: str, request: Request) -> str:
    """An ETag for anything that depends on a revision of the data, the address asked, and nothing else."""
    return _etag(f"{revision} {request.build_absolute_uri()} {request.accepted_media_type}")


def etag_of_thing(document: dict[str, Any]) -> str:
    """An ETag of one object: it changes only when the object does."""
    return _etag(json.dumps(document, sort_keys=True, default=str))


def unmodified(request: Request, etag: str) -> Response | None:
    """A 304 answer, if the caller has this version."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" not in known and _opaque(etag) not in map(_opaque, known):
        return None
    return Response(status=304, headers={"ETag": etag, "Cache-Control": _CACHE_CONTROL})


def require_match(request: Request, etag: str) -> None:
    """Refuse to go on if the caller names another version.

    Raises:
        PreconditionFailed: ``If-Match`` is given and does not name this one.
    """
    named = parse_etags(request.headers.get("If-Match", ""))
    if named and "*" not in named and _opaque(etag) not in map(_opaque, named):
        raise PreconditionFailed


def tagged(response: Response, etag: str) -> Response:
    """The answer with its ETag."""
    response["ETag"] = etag
    response["Cache-Control"] = _CACHE_CONTROL
    return response


def _etag(text: str) -> str:
    # Weak: compression on the way changes the bytes, not the meaning.
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _opaque(etag: str) -> str:
    return etag.strip().removeprefix("W/")
