from __future__ import annotations

import re
from datetime import UTC
from typing import IO, Any, Final, cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, http_date, parse_http_date_safe
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from armillary import clock
from armillary.archive.api.access import ArchiveView
from armillary.archive.api.raw_bodies import RawBody, chunks_of, digests_of
from armillary.archive.links import is_valid
from armillary.archive.models import StoredFile
from armillary.archive.services.keep_file import WrongContent, keep_file
from armillary.archive.stores import InvalidPlace, StoredObjectMissing, StoreUnavailable, file_store
from armillary.clients.errors import ServiceUnavailable
from armillary.core.frames import InvalidFrame

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_TYPES: Final = {".fits": "application/fits", ".fits.fz": "application/fits", ".pdf": "application/pdf"}
_PICTURES: Final = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
_DIRECT_LINK_LIFETIME_S: Final = 600


class LengthRequired(APIException):
    """A body of unknown length is not accepted: it could not be told from a broken one."""

    status_code = 411
    default_detail = "Send a Content-Length."


class FileUpload(ArchiveView):
    """Where ingesters hand in bytes."""

    parser_classes = (RawBody,)

    @extend_schema(
        request={"application/octet-stream": bytes}, responses={201: dict[str, Any]}, operation_id="archive_files_put"
    )
    def put(self, request: Request, place: str) -> Response:
        """Keep the bytes, if they arrive with the checksums that ``Content-Digest`` announces.

        Sending the same content to the same place again changes nothing and answers 200 instead of 201.
        """
        digests = digests_of(request.headers.get("Content-Digest", ""))
        length = request.headers.get("Content-Length", "")
        if not length.isdigit():
            raise LengthRequired
        chunks = chunks_of(cast("IO[bytes]", request.data), int(length))
        try:
            file, is_new = keep_file(place, chunks, md5=digests["md5"], sha256=digests["sha-256"])
        except (InvalidPlace, InvalidFrame, WrongContent) as error:
            raise ParseError(str(error)) from error
        except StoreUnavailable as error:
            raise ServiceUnavailable("file store", str(error)) from error
        body = {"key": file.key, "md5": file.md5, "sha256": file.sha256, "size": file.size_bytes}
        return Response(body | {"extension": file.extension}, status=201 if is_new else 200)


def download(request: HttpRequest, key: str, name: str) -> HttpResponseBase:
    """The bytes behind a signed link: whole or in part (Range), or the news that they did not change.

    No token is needed: the signature says that the archive gave the link out. A link that is forged, altered or
    expired leads nowhere (404).
    """
    if request.method not in {"GET", "HEAD"}:
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    query = request.GET
    if not is_valid(key, query.get("expires", ""), query.get("signature", ""), now=clock.now()):
        return HttpResponse("This link has expired or is not complete. Ask the archive for a new one.\n", status=404)
    file = StoredFile.objects.filter(key=key).first()
    if file is None:
        raise Http404
    kind = content_type(file.extension)
    address = file_store().direct_address(
        file.path, file_name=name, content_type=kind, lifetime_s=_DIRECT_LINK_LIFETIME_S
    )
    if address is not None:
        return HttpResponse(status=307, headers={"Location": address, "Cache-Control": "private, max-age=300"})
    return _bytes_of(request, file, name, kind)


def content_type(extension: str) -> str:
    """What kind of file an extension names."""
    return (_TYPES | _PICTURES).get(extension.lower(), "application/octet-stream")


def _bytes_of(request: HttpRequest, file: StoredFile, name: str, kind: str) -> HttpResponseBase:
    headers = {
        "ETag": f'"{file.sha256}"',
        "Last-Modified": http_date(file.created.timestamp()),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=86400, immutable",
        "Content-Disposition": content_disposition_header(kind not in _PICTURES.values(), name) or "attachment",
        # Frames are not worth compressing on the fly, and a compressed answer could not be continued.
        "Content-Encoding": "identity",
    }
    if _is_unchanged(request, file):
        return HttpResponse(status=304, headers=headers)
    first, last, status = _span(request, file)
    if status == 416:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size_bytes}"})
    if status == 206:
        headers["Content-Range"] = f"bytes {first}-{last}/{file.size_bytes}"
    headers |= {"Content-Type": kind, "Content-Length": str(last - first + 1)}
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    try:
        chunks = file_store().read(file.path, first, last)
    except StoredObjectMissing:
        return HttpResponse("The bytes of this file are missing from the store.\n", status=410)
    except StoreUnavailable as error:
        return HttpResponse(f"The file store is unavailable: {error}\n", status=503, headers={"Retry-After": "30"})
    return StreamingHttpResponse(chunks, status=status, headers=headers)


def _is_unchanged(request: HttpRequest, file: StoredFile) -> bool:
    asked = request.headers.get("If-None-Match")
    if asked is not None:
        return asked.strip() == "*" or f'"{file.sha256}"' in {
            tag.strip().removeprefix("W/") for tag in asked.split(",")
        }
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    return since is not None and int(file.created.astimezone(UTC).timestamp()) <= since


def _span(request: HttpRequest, file: StoredFile) -> tuple[int, int, int]:
    """First byte, last byte and status of the answer. A range we do not understand is ignored, as RFC 9110 says."""
    whole = (0, file.size_bytes - 1, 200)
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    condition = request.headers.get("If-Range")
    if found is None or found.groups() == ("", "") or (condition and condition != f'"{file.sha256}"'):
        return whole
    start, end = found.groups()
    if not start:
        wanted = int(end)
        return (max(0, file.size_bytes - wanted), file.size_bytes - 1, 206) if wanted else (0, 0, 416)
    first, last = int(start), min(int(end) if end else file.size_bytes - 1, file.size_bytes - 1)
    return (first, last, 206) if first <= last else (0, 0, 416)
