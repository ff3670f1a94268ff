"""What the portal says to a composition, and the pictures that go with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from pydantic import ValidationError

from armillary.clients.errors import RequestRefused
from armillary.clients.portal import PortalClient
from armillary.core.observatory import Observatory
from armillary.core.requests.model import Request
from armillary.web.composition import Complaint, Composition, Json, located
from armillary.web.curves import Plot, Stretch, altitude_plot, telescopes_for

_REFUSED: Final = 400
_HOURS: Final = 24
_DEGREES_PER_HOUR: Final = 15.0
_SECONDS_PER_HOUR: Final = 3600.0
_SHOWN: Final = timedelta(hours=26)
_BEFORE: Final = timedelta(hours=1)
_ALL_WINDOWS: Final = timedelta(hours=30)
_KINDS: Final = {"exposure": "exposing", "readout": "reading out", "fixed_overhead": "reading out"}
_SETTING_UP: Final = "setting up"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the time that a request takes."""

    label: str
    seconds: float
    percent: float


@dataclass(frozen=True, slots=True)
class HourOfSky:
    """How much is asked of the sky at an hour of right ascension."""

    hour: int
    hours_asked: float
    percent: float
    """Of the most crowded hour."""
    is_here: bool
    """Whether the target is there."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that the composer shows beside its form."""

    body: Json
    complaints: tuple[Complaint, ...]
    missing: tuple[str, ...]
    """Fields that are still empty and should not be."""
    seconds: float
    requests: int
    shares: tuple[Share, ...]
    cost: tuple[Json, ...]
    contention: tuple[Json, ...]
    sky: tuple[HourOfSky, ...]
    possible_h: Mapping[str, float]
    """Hours in which each telescope could observe it."""
    plot: Plot | None

    @property
    def is_good(self) -> bool:
        """Whether the portal would take it as it is."""
        return not self.complaints

    @property
    def wrong(self) -> tuple[Complaint, ...]:
        """What is wrong with what was filled in."""
        return tuple(it for it in self.complaints if it.slot not in self.missing)

    def sentences(self, slot: str) -> list[str]:
        """What is wrong with a field."""
        return [it.sentence for it in self.complaints if it.slot == slot]


def ready(portal: PortalClient, composition: Composition, observatory: Observatory) -> Json:
    """The request group as it is submitted: with single requests in place of a cadence.

    Raises:
        RequestRefused: The portal cannot make requests of the cadence.
    """
    body = composition.body(observatory)
    return portal.expand_cadence(body) if composition.has_cadence else body


def judge(portal: PortalClient, composition: Composition, observatory: Observatory, now: datetime) -> Judgement:
    """Ask the portal what is wrong with a composition, or what it costs; nothing is stored."""
    body = composition.body(observatory)
    answer: Json = {}
    try:
        body = ready(portal, composition, observatory)
        answer = portal.validate(body)
        errors = answer["errors"]
    except RequestRefused as refusal:
        if refusal.status != _REFUSED:
            raise
        errors = refusal.detail
    complaints = tuple(located(errors))
    per_request = (answer.get("request_durations") or {}).get("requests") or []
    windows = per_request[0]["windows"] if per_request else {}
    return Judgement(
        body=body,
        complaints=complaints,
        missing=tuple(
            dict.fromkeys(it.slot for it in complaints if it.slot and not composition.texts.get(it.slot, "-"))
        ),
        seconds=sum(float(it["duration"]) for it in per_request),
        requests=len(per_request),
        shares=tuple(_shares(per_request)),
        cost=tuple(answer.get("cost") or ()),
        contention=tuple(answer.get("contention") or ()),
        sky=tuple(_sky(portal, composition, body)),
        possible_h={
            key: sum((end - start) / timedelta(hours=1) for start, end in _spans(it)) for key, it in windows.items()
        },
        plot=_plot(body, observatory, [span for it in windows.values() for span in _spans(it)], now),
    )


def _spans(windows: Sequence[Mapping[str, str]]) -> list[Stretch]:
    return [(datetime.fromisoformat(it["start"]), datetime.fromisoformat(it["end"])) for it in windows]


def _shares(per_request: Sequence[Json]) -> list[Share]:
    seconds: dict[str, float] = {}
    for request in per_request:
        for kind, spent in request["breakdown"].items():
            label = _KINDS.get(kind, _SETTING_UP)
            seconds[label] = seconds.get(label, 0.0) + spent
    total = sum(seconds.values()) or 1.0
    return [Share(label, spent, round(100 * spent / total, 2)) for label, spent in seconds.items() if spent > 0]


def _sky(portal: PortalClient, composition: Composition, body: Json) -> list[HourOfSky]:
    if not composition["instrument_type"]:
        return []
    asked = [seconds / _SECONDS_PER_HOUR for seconds in portal.contention(composition["instrument_type"])]
    ra_deg = body["requests"][0]["configurations"][0]["target"]["ra"]
    here = int(ra_deg // _DEGREES_PER_HOUR) % _HOURS if isinstance(ra_deg, (int, float)) else -1
    most = max(asked, default=0.0) or 1.0
    return [HourOfSky(hour, hours, round(100 * hours / most, 1), hour == here) for hour, hours in enumerate(asked)]


def _plot(body: Json, observatory: Observatory, possible: list[Stretch], now: datetime) -> Plot | None:
    document = {name: value for name, value in body["requests"][0].items() if name != "cadence"}
    cadence = body["requests"][0].get("cadence")
    if cadence:
        document["windows"] = [{"start": cadence["start"], "end": cadence["end"]}]
    try:
        request = Request.model_validate(document)
    except ValidationError:
        return None  # what is wrong with it is among the complaints
    if not request.windows:
        return None
    first, last = request.windows[0].start, request.windows[-1].end
    start, end = max(first, now) - _BEFORE, max(first, now) - _BEFORE + _SHOWN
    if timedelta(0) < last - first <= _ALL_WINDOWS:
        start, end = first - _BEFORE, last + _BEFORE
    telescopes = telescopes_for(observatory, request)
    return altitude_plot(request, telescopes, start=start, end=end, possible=_merged(possible, start, end), now=now)


def _merged(spans: list[Stretch], start: datetime, end: datetime) -> list[Stretch]:
    """Stretches that are shown, without what lies outside of the picture."""
    inside = sorted({(max(begin, start), min(stop, end)) for begin, stop in spans if begin < end and stop > start})
    return [next(iter(group)) for _, group in groupby(inside)]
