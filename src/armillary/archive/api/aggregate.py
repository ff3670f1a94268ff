from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from armillary import clock
from armillary.archive.api.access import ArchiveView
from armillary.archive.models import Frame
from armillary.archive.queries.aggregates import AGGREGATED, between, chosen, distinct_values, occurring_values
from armillary.archive.queries.visibility import visible_frames
from armillary.core.frames import Viewer
from armillary.platform.errors import PlainRefusal, Refusal

_LONGEST: Final = timedelta(days=365)
_CHOICES: Final = tuple(AGGREGATED.values())
_LONGEST_TIMEOUT_MS: Final = 20_000
_FALSE: Final = frozenset({"", "false", "0"})


class Aggregate(ArchiveView):
    """What there is to choose from."""

    @extend_schema(
        parameters=[OpenApiParameter(name, str) for name in ("start", "end", "public", "query_timeout", *_CHOICES)],
        responses=dict[str, Any],
        operation_id="archive_frames_aggregate",
    )
    def get(self, request: Request) -> Response:
        """Sites, telescopes, filters, instruments, types and proposals of the frames that exist for the caller.

        Without parameters: of everything the caller may see. With any: of a period of at most 365 days, where
        ``public=true`` adds public frames to the caller's own.
        """
        now, who = clock.now(), self.who
        parameters = request.query_params
        _check_timeout(parameters.get("query_timeout"))
        choices = {name: parameters[name] for name in _CHOICES if parameters.get(name)}
        if choices or any(parameters.get(name) for name in ("start", "end", "public")):
            start, end = _period(parameters.get("start"), parameters.get("end"))
            frames = chosen(between(visible_frames(who, now).filter(has_versions=True), start, end), choices)
            if parameters.get("public", "").lower() in _FALSE:
                frames = _still_private(frames, who, now)
            found = distinct_values(frames)
        else:
            found = occurring_values(who, now)
        response = Response(found | {"generated_at": now})
        response["Vary"] = "Cookie, Authorization"
        return response


def _check_timeout(text: str | None) -> None:
    """The reference's clients say how long a query may take; it never takes long here, so only nonsense is refused."""
    if text and not (text.isdigit() and int(text) <= _LONGEST_TIMEOUT_MS):
        raise Refusal({"query_timeout": [f"Enter a whole number of milliseconds between 0 and {_LONGEST_TIMEOUT_MS}."]})


def _still_private(frames: QuerySet[Frame], who: Viewer, now: datetime) -> QuerySet[Frame]:
    if who.sees_all:
        return frames
    return frames.filter(proposal_id__in=who.proposals).exclude(public_date__lt=now)


def _period(start: str | None, end: str | None) -> tuple[datetime, datetime]:
    moments = {"start": _moment("start", start), "end": _moment("end", end)}
    if any(moment is None for moment in moments.values()):
        raise PlainRefusal("Both start and end are needed when anything is asked of the aggregate.")
    first, last = (moment for moment in moments.values() if moment is not None)
    if last - first > _LONGEST:
        raise PlainRefusal(f"The time between start and end must be at most {_LONGEST.days} days.")
    return first.replace(second=0, microsecond=0), last.replace(second=0, microsecond=0)


def _moment(name: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise Refusal({name: ["Enter a valid date/time."]})
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
