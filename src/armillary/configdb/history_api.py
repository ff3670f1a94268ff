"""Availability and versions over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from dateutil import parser as dates
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from armillary import clock
from armillary.accounts.authentication import ChallengingAuthentication
from armillary.configdb.models import Instrument, Telescope
from armillary.configdb.permissions import ReadsOpenly
from armillary.configdb.queries.availability import Interval, instrument_availability, telescope_availability

_BEGINNING: Final = datetime(2010, 1, 1, tzinfo=UTC)
_WIRE_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"
_MISSING: Final = "Must supply either instrument_id or site_id, enclosure_id, and telescope_id in params"
_PLACE: Final = ("site_id", "enclosure_id", "telescope_id")


class IntervalSerializer(serializers.Serializer[Any]):
    """A stretch of time, UTC without saying so, whole seconds."""

    start = serializers.CharField()
    end = serializers.CharField()


class AvailabilitySerializer(serializers.Serializer[Any]):
    """When something could be scheduled, newest first."""

    availability_intervals = IntervalSerializer(many=True)


def _parameter(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, description=description)


class AvailabilityView(APIView):
    """When an instrument or a telescope could be scheduled, by the history of states and flags."""

    authentication_classes = (ChallengingAuthentication,)
    permission_classes = (ReadsOpenly,)

    @extend_schema(
        tags=["configdb"],
        parameters=[
            _parameter("instrument_id", "Code of an instrument, or its full name site.enclosure.telescope.instrument"),
            _parameter("site_id", "Code of the site"),
            _parameter("enclosure_id", "Code of the enclosure"),
            _parameter("telescope_id", "Code of the telescope; with all three, the telescope is asked about"),
            _parameter("start", "Beginning; default 2010-01-01. Times without an offset are UTC"),
            _parameter("end", "End; default now"),
        ],
        responses={
            200: AvailabilitySerializer,
            (400, "text/html"): OpenApiResponse(OpenApiTypes.STR, "A parameter is missing, or is no date"),
            (404, "text/html"): OpenApiResponse(OpenApiTypes.STR, "There is no such instrument or telescope"),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The intervals, newest first, clipped to what was asked for."""
        asked = {name: request.query_params.get(name, "") for name in (*_PLACE, "instrument_id", "start", "end")}
        if not (asked["instrument_id"] or all(asked[name] for name in _PLACE)):
            return _plain(_MISSING, 400)
        try:
            start, end = _moment(asked["start"]) or _BEGINNING, _moment(asked["end"]) or clock.now()
        except (ValueError, OverflowError):
            return _plain("Cannot parse start or end as a date; give for example 2026-11-23T10:00:00.", 400)
        return _of_telescope(asked, start, end) if all(asked[n] for n in _PLACE) else _of_instrument(asked, start, end)


def _of_telescope(asked: dict[str, str], start: datetime, end: datetime) -> HttpResponseBase:
    place = {"enclosure__site__code": asked["site_id"], "enclosure__code": asked["enclosure_id"]}
    telescope = Telescope.objects.filter(code=asked["telescope_id"], **place).first()
    if telescope is None:
        return _plain(f"No telescope {'.'.join(asked[name] for name in _PLACE)} found", 404)
    return _intervals(telescope_availability(telescope, start, end))


def _of_instrument(asked: dict[str, str], start: datetime, end: datetime) -> HttpResponseBase:
    name = asked["instrument_id"]
    found = list(_instruments(name))
    if not found:
        return _plain(f"No instrument {name} found", 404)
    if len(found) > 1:
        names = ", ".join(str(each) for each in found)
        return _plain(f"Several instruments are called {name}: {names}; give the full name.", 400)
    return _intervals(instrument_availability(found[0], start, end))


def _instruments(name: str) -> QuerySet[Instrument]:
    instruments = Instrument.objects.select_related("telescope__enclosure__site").order_by("id")
    parts = name.split(".")
    if len(parts) != 4:
        return instruments.filter(code=name)
    site, enclosure, telescope, code = parts
    place = {"telescope__enclosure__site__code": site, "telescope__enclosure__code": enclosure}
    return instruments.filter(telescope__code=telescope, code=code, **place)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    moment = dates.parse(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _intervals(spans: Iterable[Interval]) -> Response:
    shown = [{"start": f"{start:{_WIRE_FORMAT}}", "end": f"{end:{_WIRE_FORMAT}}"} for start, end in spans]
    return Response({"availability_intervals": shown[::-1]})


def _plain(sentence: str, status: int) -> HttpResponse:
    # The wire has text here, and calls it HTML: it must not be read as such.
    return HttpResponse(sentence.replace("&", "&amp;").replace("<", "&lt;"), status=status)
