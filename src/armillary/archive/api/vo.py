"""Virtual Observatory services: SIA2, simple cone search, DataLink, and what each says about itself (VOSI)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final, cast
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from armillary import clock
from armillary.archive.api.access import ArchiveView
from armillary.archive.api.files import content_type
from armillary.archive.links import LinkMaker, origin
from armillary.archive.models import Frame, Thumbnail, Version
from armillary.archive.queries.sky import intersecting
from armillary.archive.queries.visibility import visible_frames
from armillary.archive.sky.polygons import InvalidRegion
from armillary.archive.sky.words import cone_around
from armillary.archive.vo import obscore, votable
from armillary.archive.vo.parameters import InvalidParameter, Parameters, matching

_TEXT: Final = [OpenApiParameter(name, str) for name in ("POS", "BAND", "TIME", "CALIB", "TARGET", "ID", "MAXREC")]
_CONE: Final = [OpenApiParameter(name, float) for name in ("RA", "DEC", "SR")]
_DOCUMENT: Final = {(200, votable.CONTENT_TYPE): str}
_LINK_COLUMNS: Final = (
    votable.Column("ID", "char", "meta.id;meta.main"),
    votable.Column("access_url", "char", "meta.ref.url"),
    votable.Column("service_def", "char", "meta.ref"),
    votable.Column("error_message", "char", "meta.code.error"),
    votable.Column("semantics", "char", "meta.code"),
    votable.Column("description", "char", "meta.note"),
    votable.Column("content_type", "char", "meta.code.mime"),
    votable.Column("content_length", "long", "phys.size;meta.file", "byte"),
)
_MOST_IDENTIFIERS: Final = 100


class _AnyAnswer(DefaultContentNegotiation):
    """These services answer in one format, whatever the client would like better."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The only one."""
        del request, format_suffix
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class _OpenView(ArchiveView):
    permission_classes = (AllowAny,)
    content_negotiation_class = _AnyAnswer
    parser_classes = (FormParser, MultiPartParser)


class _Service(_OpenView, ABC):
    def answer(self, request: Request) -> HttpResponseBase:
        """The table that was asked for, or one that says what was wrong with the question."""
        pairs = [(name, value) for name, values in request.query_params.lists() for value in values]
        if request.method == "POST":
            form = cast("QueryDict", request.data)  # forms are all that is parsed
            pairs += [(name, str(value)) for name, values in form.lists() for value in values]
        try:
            document: Iterable[str] = self.document(Parameters(pairs))
        except (InvalidParameter, InvalidRegion) as error:
            return HttpResponse(votable.error(str(error)), status=400, content_type=votable.CONTENT_TYPE)
        return StreamingHttpResponse(document, content_type=votable.CONTENT_TYPE)

    @abstractmethod
    def document(self, given: Parameters) -> Iterable[str]:
        """The answer to a question."""

    @property
    def frames(self) -> QuerySet[Frame]:
        """The frames with data that exist for the caller."""
        return visible_frames(self.who, clock.now()).filter(has_versions=True)

    @property
    def authority(self) -> str:
        """Who publishes the data."""
        return urlsplit(origin(self.request)).netloc

    def table(self, frames: QuerySet[Frame], columns: tuple[votable.Column, ...], most: int) -> Iterator[str]:
        """Frames as a table of at most so many rows."""
        found = list(frames.order_by("-observation_date", "-id").values(*obscore.FRAME_COLUMNS)[: most + 1])
        shown, authority = found[:most], self.authority
        files = _files({row["id"]: row["basename"] for row in shown}, LinkMaker(self.request))
        links = origin(self.request) + reverse("archive-datalink")
        return votable.table(
            columns,
            (obscore.described(row, files.get(row["id"], {}), authority=authority) for row in shown),
            status="OVERFLOW" if len(found) > most else "OK",
            info={"SERVICE_PROTOCOL": "ObsCore 1.1"},
            meta=votable.datalink_service(links),
        )


class ImageSearch(_Service):
    """SIA 2.0: images (and spectra) by place, time, wavelength and more."""

    @extend_schema(parameters=_TEXT, responses=_DOCUMENT, operation_id="archive_sia2")
    def get(self, request: Request) -> HttpResponseBase:
        """The frames that match, in the words of ObsCore."""
        return self.answer(request)

    @extend_schema(request=None, responses=_DOCUMENT, operation_id="archive_sia2_post")
    def post(self, request: Request) -> HttpResponseBase:
        """The same, with the parameters in a form."""
        return self.answer(request)

    def document(self, given: Parameters) -> Iterable[str]:
        """The frames that match."""
        found = matching(self.frames, given, authority=self.authority)
        return self.table(found, obscore.COLUMNS, given.most_rows)


class ConeSearch(_Service):
    """Simple Cone Search 1.03: what overlaps a cone."""

    @extend_schema(parameters=_CONE, responses=_DOCUMENT, operation_id="archive_cone_search")
    def get(self, request: Request) -> HttpResponseBase:
        """The frames within ``SR`` degrees of ``RA``, ``DEC`` (ICRS, degrees)."""
        return self.answer(request)

    @extend_schema(request=None, responses=_DOCUMENT, operation_id="archive_cone_search_post")
    def post(self, request: Request) -> HttpResponseBase:
        """The same, with the parameters in a form."""
        return self.answer(request)

    def document(self, given: Parameters) -> Iterable[str]:
        """The frames in the cone."""
        cone = cone_around(given.number("RA"), given.number("DEC"), given.number("SR"))
        return self.table(intersecting(self.frames, cone), obscore.CONE_COLUMNS, given.most_rows)


class DataLinks(_Service):
    """DataLink 1.1: everything that belongs to a frame."""

    @extend_schema(parameters=[OpenApiParameter("ID", str)], responses=_DOCUMENT, operation_id="archive_datalink")
    def get(self, request: Request) -> HttpResponseBase:
        """The file, its pictures, its header, and the frames it was made from or helped to make."""
        return self.answer(request)

    @extend_schema(request=None, responses=_DOCUMENT, operation_id="archive_datalink_post")
    def post(self, request: Request) -> HttpResponseBase:
        """The same, with the parameters in a form."""
        return self.answer(request)

    def document(self, given: Parameters) -> Iterable[str]:
        """The links of each identifier; one that is unknown (or not for this caller) says so in its row."""
        names = given.all("ID")[:_MOST_IDENTIFIERS]
        rows = [row for name in names for row in self._links(name)]
        return votable.table(
            _LINK_COLUMNS, rows, status="OK", info={"standardID": "ivo://ivoa.net/std/DataLink#links-1.1"}
        )

    def _links(self, name: str) -> list[dict[str, Any]]:
        basename = name.removeprefix(obscore.identifier("", self.authority))
        frame = self.frames.filter(basename=basename).first()
        if frame is None:
            return [{"ID": name, "error_message": f"NotFoundFault: {name}", "semantics": "#this"}]
        links = LinkMaker(self.request)
        own = _files({frame.pk: frame.basename}, links)[frame.pk]
        rows = [_link(name, "#this", "the newest version", own)]
        headers = origin(self.request) + reverse("archive-headers", args=[frame.pk])
        rows.append(_link(name, "#auxiliary", "the header", {"url": headers, "content_type": "application/json"}))
        for picture in Thumbnail.objects.filter(frame=frame, file__isnull=False):
            address = links.link(picture.key, picture.basename + picture.extension)
            rows.append(
                _link(name, "#preview", f"{picture.size} picture", {"url": address, "content_type": "image/jpeg"})
            )
        related = dict(self.frames.filter(related_frames=frame).values_list("pk", "basename"))
        files = _files(related, links)
        return rows + [_link(name, "#auxiliary", f"related: {related[key]}", files[key]) for key in files]


class Availability(_OpenView):
    """VOSI 1.1: whether a service works."""

    @extend_schema(responses={(200, "application/xml"): str}, operation_id="archive_vo_availability")
    def get(self, request: Request) -> HttpResponseBase:
        """It does, or this would not be answered."""
        del request
        return _xml(
            '<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">'
            "<vosi:available>true</vosi:available></vosi:availability>"
        )


class Capabilities(_OpenView):
    """VOSI 1.1: what a service can do, and where."""

    services: ClassVar[Mapping[str, str]] = {
        "archive-sia2": "ivo://ivoa.net/std/SIA#query-2.0",
        "archive-scs": "ivo://ivoa.net/std/ConeSearch#query-1.03",
        "archive-datalink": "ivo://ivoa.net/std/DataLink#links-1.1",
        "archive-vo-capabilities": "ivo://ivoa.net/std/VOSI#capabilities",
        "archive-vo-availability": "ivo://ivoa.net/std/VOSI#availability",
    }

    @extend_schema(responses={(200, "application/xml"): str}, operation_id="archive_vo_capabilities")
    def get(self, request: Request) -> HttpResponseBase:
        """Every service with its address."""
        start = origin(request)
        parts = [
            f'<capability standardID="{standard}"><interface xsi:type="vs:ParamHTTP" role="std" version="1.0">'
            f'<accessURL use="{"base" if "query" in standard else "full"}">{escape(start + reverse(name))}</accessURL>'
            "</interface></capability>"
            for name, standard in self.services.items()
        ]
        return _xml(
            '<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" '
            'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" '
            f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{"".join(parts)}</vosi:capabilities>'
        )


def _files(names: Mapping[int, str], links: LinkMaker) -> dict[int, dict[str, Any]]:
    """Address, type and size of the newest version of frames, by their id."""
    found: dict[int, dict[str, Any]] = {}
    rows = Version.objects.filter(frame_id__in=names).order_by("-created", "-id")
    for frame, key, extension, size_bytes, file in rows.values_list(
        "frame_id", "key", "extension", "file__size_bytes", "file_id"
    ):
        address = links.link(key, names[frame] + extension) if file else None
        entry = {"url": address, "content_type": content_type(extension), "size_bytes": size_bytes}
        found.setdefault(frame, entry)
    return found


def _link(name: str, semantics: str, description: str, file: Mapping[str, Any]) -> dict[str, Any]:
    row = {"ID": name, "semantics": semantics, "description": description, "content_type": file["content_type"]}
    row["content_length"] = file.get("size_bytes")
    if file["url"] is None:
        return row | {"error_message": "NotFoundFault: the archive does not keep the bytes of this file"}
    return row | {"access_url": file["url"]}


def _xml(body: str) -> HttpResponse:
    return HttpResponse(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n', content_type="application/xml")
