from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from armillary import clock
from armillary.archive.api.access import ArchiveView, TokenInFormAuthentication
from armillary.archive.links import LinkMaker
from armillary.archive.models import StoredFile, Version
from armillary.archive.products import NotThatKind, catalogue, chunks_of, uncompressed
from armillary.archive.queries.visibility import visible_frames
from armillary.archive.serializers import ZipRequestSerializer
from armillary.archive.stores import FileStore, StoredObjectMissing, StoreUnavailable, file_store
from armillary.archive.zips import Entry, manifest, stream_zip
from armillary.clients.errors import ServiceUnavailable
from armillary.configuration import configuration
from armillary.platform.errors import Refusal
from armillary.platform.parsers import UnicodeJsonParser

_MOST_UNCOMPRESSED: Final = 10
_REDUCED: Final = 91
_AS_IT_IS: Final = {"Content-Encoding": "identity"}  # see files.py: the server must not compress it again
Product = Callable[[FileStore, str], IO[bytes]]


class Funpack(ArchiveView):
    """A frame without compression."""

    @extend_schema(responses={(200, "application/octet-stream"): bytes}, operation_id="archive_funpack")
    def get(self, request: Request, key: int) -> HttpResponseBase:
        """The newest version, unpacked."""
        del request
        version = _newest(self, key)
        name = version.frame.basename + version.extension.removesuffix(".fz")
        return _file(uncompressed, version, name)


class Catalogue(ArchiveView):
    """The sources in a frame."""

    @extend_schema(responses={(200, "application/octet-stream"): bytes}, operation_id="archive_catalog")
    def get(self, request: Request, key: int) -> HttpResponseBase:
        """The catalogue of the newest version."""
        del request
        version = _newest(self, key)
        return _file(catalogue, version, f"{version.frame.basename}-catalog.fits")


class ZipDownload(ArchiveView):
    """Many frames at once."""

    authentication_classes = (TokenInFormAuthentication,)
    permission_classes = (AllowAny,)
    parser_classes = (UnicodeJsonParser, FormParser, MultiPartParser)

    @extend_schema(
        request=ZipRequestSerializer, responses={(200, "application/zip"): bytes}, operation_id="archive_zip"
    )
    def post(self, request: Request) -> HttpResponseBase:
        """A zip of the newest versions of the frames that exist for the caller, streamed as it is made.

        With ``manifest``, or if the archive keeps the bytes of none of them: a list of the files, with their addresses.
        """
        body = ZipRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        options = body.validated_data
        if options["uncompress"] and len(options["frame_ids"]) > _MOST_UNCOMPRESSED:
            raise Refusal(
                f"A maximum of {_MOST_UNCOMPRESSED} frames can be downloaded with the uncompress flag. "
                "Please try again with fewer frame_ids."
            )
        now = clock.now()
        frames = visible_frames(self.who, now).filter(has_versions=True)
        if options["catalog_only"]:
            frames = frames.filter(reduction_level=_REDUCED, configuration_type="EXPOSE")
        chosen = frames.filter(pk__in=options["frame_ids"][:_MOST_FRAMES]).values_list("pk", flat=True)
        making = _Making(LinkMaker(request), options["uncompress"], options["catalog_only"])
        entries = _entries(list(chosen), making)
        if not entries:
            return Response(status=404)
        folder = f"{configuration().archive_zip_name}-{now:%Y%m%d}-{len(entries)}"
        is_list = options["manifest"] or not any(entry.open for entry in entries)
        return _manifest(folder, entries) if is_list else _zip(folder, entries)


_MOST_FRAMES: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Making:
    """How the files of a zip are made."""

    links: LinkMaker
    uncompress: bool
    catalog_only: bool

    def product(self, kind: str, version: Version) -> str:
        """The address of an unpacked frame or a catalogue; it needs the caller's token."""
        return self.links.start + reverse(f"archive-{kind}", args=[version.frame_id])


def _newest(view: ArchiveView, key: int) -> Version:
    frame = visible_frames(view.who, clock.now()).filter(pk=key).first()
    version = frame and frame.version_set.select_related("file", "frame").first()
    if not version or version.file is None:
        raise Http404("No Frame matches the given query.")
    return version


def _file(product: Product, version: Version, name: str) -> HttpResponseBase:
    file = version.file
    if file is None:
        raise Http404("No Frame matches the given query.")
    try:
        stream = product(file_store(), file.path)
    except NotThatKind as error:
        raise Refusal(f"Frame {version.frame_id}: {error}.") from error
    except (StoredObjectMissing, StoreUnavailable) as error:
        raise ServiceUnavailable("file store", str(error)) from error
    return FileResponse(
        stream, as_attachment=True, filename=name, content_type="application/octet-stream", headers=_AS_IT_IS
    )


def _entries(frames: list[int], making: _Making) -> list[Entry]:
    newest: dict[int, Version] = {}
    for version in Version.objects.filter(frame_id__in=frames).select_related("file", "frame"):
        newest.setdefault(version.frame_id, version)  # ordered newest first
    return [_entry(newest[frame], making) for frame in frames if frame in newest]


def _entry(version: Version, making: _Making) -> Entry:
    basename, file = version.frame.basename, version.file
    if file is None:
        return Entry(basename + version.extension, None, None)
    if making.catalog_only:
        return Entry(f"{basename}-catalog.fits", None, _made(catalogue, file), making.product("catalog", version))
    if making.uncompress and version.extension.endswith(".fz"):
        name = basename + version.extension.removesuffix(".fz")
        return Entry(name, None, _made(uncompressed, file), making.product("funpack", version))
    name = basename + version.extension
    return Entry(name, file.size_bytes, lambda: file_store().read(file.path), making.links.link(version.key, name))


def _made(product: Product, file: StoredFile) -> Callable[[], Iterator[bytes]]:
    return lambda: chunks_of(product(file_store(), file.path))


def _manifest(folder: str, entries: list[Entry]) -> HttpResponse:
    headers = {"Content-Disposition": f"attachment; filename={folder}.zip"}
    response = HttpResponse(manifest(folder, entries), content_type="text/plain; charset=utf-8", headers=headers)
    response.set_cookie("fileDownload", "true", path="/")
    return response


def _zip(folder: str, entries: list[Entry]) -> HttpResponseBase:
    stream, size = stream_zip(folder, entries)
    headers: dict[str, Any] = _AS_IT_IS | {"Content-Disposition": f"attachment; filename={folder}.zip"}
    if size is not None:
        headers["Content-Length"] = str(size)
    response = StreamingHttpResponse(stream, content_type="application/zip", headers=headers)
    response.set_cookie("fileDownload", "true", path="/")
    return response
