"""Contention, pressure and the state of telescopes over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from armillary import riseset
from armillary.clock import now
from armillary.core.observatory import Observatory, Telescope, riseset_site
from armillary.platform.errors import PlainRefusal
from armillary.portal.moments import read_moment
from armillary.portal.requestgroups import demand
from armillary.portal.surroundings import downtimes, observatory

Json = dict[str, Any]
_DAY = timedelta(days=1)


def _sees_proposals(request: Request) -> bool:
    return bool(getattr(request.user, "is_staff", False))


class ContentionView(APIView):
    """How much is asked of an instrument type, over the sky."""

    permission_classes = (AllowAny,)

    def get(self, request: Request, instrument_type: str) -> Response:
        """Seconds by hour of right ascension, in the next day."""
        return Response(demand.contention(instrument_type, now(), by_proposal=_sees_proposals(request)))


class PressureView(APIView):
    """How hard requests press on telescopes."""

    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        """By quarter of an hour of the next day."""
        moment = now()
        instrument_type = request.query_params.get("instrument", "")
        site = request.query_params.get("site", "")
        return Response(
            demand.pressure(
                demand.demands(instrument_type, site, moment),
                observatory(),
                downtimes(moment),
                moment,
                instrument_type=instrument_type,
                site=site,
                by_proposal=_sees_proposals(request),
            )
        )


def _moment(request: Request, name: str, default: datetime) -> datetime:
    text = request.query_params.get(name)
    if not text:
        return default
    try:
        return read_moment(text)
    except ValueError as error:
        raise PlainRefusal(str(error)) from error


def _chosen(request: Request, snapshot: Observatory) -> list[Telescope]:
    sites, telescopes = (request.query_params.getlist(name) for name in ("site", "telescope"))
    return [
        telescope
        for telescope in snapshot.telescopes()
        if any(item.is_enabled for item in telescope.instruments)
        and (not sites or telescope.site in sites)
        and (not telescopes or telescope.code in telescopes)
    ]


class TelescopeStatesView(APIView):
    """What telescopes could do, and why they could not."""

    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        """Events of each telescope between two times."""
        moment = now()
        start, end = _moment(request, "start", moment), _moment(request, "end", moment)
        stops = downtimes(start)
        return Response(
            {
                telescope.key: [item.as_json() for item in demand.telescope_events(telescope.key, stops, start, end)]
                for telescope in _chosen(request, observatory())
            }
        )


class TelescopeAvailabilityView(APIView):
    """Which share of each night telescopes could work."""

    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        """By telescope, or together by site and class."""
        moment = now()
        start, end = _moment(request, "start", moment - _DAY), _moment(request, "end", moment)
        stops = downtimes(start)
        found: dict[str, list[list[Any]]] = {}
        classes: dict[str, str] = {}
        for telescope in _chosen(request, observatory()):
            nights = riseset.dark_windows(riseset_site(telescope), start, end)
            events = demand.telescope_events(telescope.key, stops, start, end)
            found[telescope.key] = demand.availability(events, nights)
            classes[telescope.key] = f"{telescope.site}.{telescope.telescope_class}"
        return Response(_combined(found, classes) if request.query_params.get("combine") else found)


def _combined(found: dict[str, list[list[Any]]], classes: dict[str, str]) -> dict[str, list[list[Any]]]:
    """The mean over telescopes of one class at one site; a site with one class goes by its own name."""
    groups: dict[str, dict[str, list[float]]] = {}
    for key, nights in found.items():
        shares = groups.setdefault(classes[key], {})
        for night, share in nights:
            shares.setdefault(night, []).append(share)
    sites = [name.split(".")[0] for name in groups]
    return {
        name.split(".")[0] if sites.count(name.split(".")[0]) == 1 else name: [
            [night, sum(values) / len(values)] for night, values in sorted(shares.items())
        ]
        for name, shares in groups.items()
    }
