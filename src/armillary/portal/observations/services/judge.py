"""Whether an observation may be placed where somebody wants it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from armillary.accounts.models import User
from armillary.core.observatory import Instrument, Observatory
from armillary.core.requests.model import UNSCHEDULED
from armillary.core.requests.submission import read
from armillary.portal.locks import Place
from armillary.portal.observations.shapes import SubmittedObservation, SubmittedStatus
from armillary.portal.proposals.models import Membership
from armillary.portal.requestgroups.models import Configuration, Request, Window

Errors = dict[str, Any]


@dataclass(slots=True)
class Wish:
    """One observation that somebody wants, as far as it could be read."""

    document: dict[str, Any] = field(default_factory=dict)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    errors: Errors = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where."""
        return self.document["site"], self.document["enclosure"], self.document["telescope"]


def read_wish(body: object) -> Wish:
    """Read one submitted observation with its configuration statuses."""
    reading = read(SubmittedObservation, body)
    wish = Wish(reading.document or {}, errors=dict(reading.errors))
    given = body.get("configuration_statuses") if isinstance(body, Mapping) else None
    if isinstance(given, list):
        readings = [read(SubmittedStatus, item) for item in given]
        wish.statuses = [item.document or {} for item in readings]
        if any(item.errors for item in readings):
            wish.errors["configuration_statuses"] = [item.errors for item in readings]
    return wish


@dataclass(frozen=True)
class Known:
    """The requests that wishes are about, with what is needed to judge them: four queries for any number."""

    requests: Mapping[int, Request]
    windows: Mapping[int, Sequence[tuple[datetime, datetime]]]
    configurations: Mapping[int, Sequence[Configuration]]

    @cached_property
    def configuration_ids(self) -> frozenset[int]:
        """All configurations of these requests."""
        return frozenset(row.pk for rows in self.configurations.values() for row in rows)


def known(wishes: Collection[Wish]) -> Known:
    """Read what is needed to judge wishes."""
    ids = {wish.document["request"] for wish in wishes if "request" in wish.document}
    requests = Request.objects.filter(pk__in=ids).select_related("request_group")
    windows: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    spans = Window.objects.filter(request_id__in=ids).values_list("request_id", "start", "end")
    for request, start, end in spans:
        windows[request].append((start, end))
    configurations: dict[int, list[Configuration]] = defaultdict(list)
    for configuration in Configuration.objects.filter(request_id__in=ids).order_by("priority", "pk"):
        configurations[configuration.request_id].append(configuration)
    return Known({row.pk: row for row in requests}, windows, configurations)


@dataclass(frozen=True)
class Judge:
    """Applies the rules to wishes; what it needs was read before."""

    observatory: Observatory
    known: Known
    free_proposals: frozenset[str] | None
    """Proposals for which the caller may place observations; None: all of them."""

    def judge(self, wish: Wish) -> None:
        """Add what is wrong with a wish to its errors; level by level, as deep as it is well-formed."""
        if not wish.errors:
            self._check_keys(wish)
        if not wish.errors:
            self._check_guide_cameras(wish)
        if not wish.errors and (sentence := self._objection(wish)):
            wish.errors["non_field_errors"] = [sentence]
        if not wish.errors:
            self._complete_statuses(wish)

    def _check_keys(self, wish: Wish) -> None:
        request = wish.document["request"]
        if request not in self.known.requests:
            wish.errors["request"] = [f'Invalid pk "{request}" - object does not exist.']
            return
        own = {row.pk for row in self.known.configurations.get(request, ())}
        errors = []
        for status in wish.statuses:
            key = status.get("configuration")
            if key is None:
                errors.append({"configuration": ["This field is required."]})
            elif key not in own:
                errors.append({"configuration": [f'Invalid pk "{key}" - object does not exist.']})
            else:
                errors.append({})
        if any(errors):
            wish.errors["configuration_statuses"] = errors

    def _check_guide_cameras(self, wish: Wish) -> None:
        if self.observatory.telescope(".".join(wish.place)) is None:
            return
        errors = []
        for status in wish.statuses:
            camera, name = status.get("guide_camera_name"), status["instrument_name"]
            instruments = self.instruments_named(wish.place, name)
            allowed = {code.lower() for instrument in instruments for code in instrument.guide_camera_codes}
            refused = bool(camera) and str(camera).lower() not in allowed
            sentence = f"{camera} is not a valid guide camera for {name}"
            errors.append({"non_field_errors": [sentence]} if refused else {})
        if any(errors):
            wish.errors["configuration_statuses"] = errors

    def instruments_named(self, place: Place, name: str) -> list[Instrument]:
        """The instruments of a name at a place that are not disabled."""
        telescope = self.observatory.telescope(".".join(place))
        if telescope is None:
            return []
        return [item for item in telescope.instruments if item.is_enabled and item.code.lower() == name.lower()]

    def _objection(self, wish: Wish) -> str:
        request = self.known.requests[wish.document["request"]]
        return (
            self._to_caller(request)
            or self._to_time(wish, request)
            or self._to_place(wish, request)
            or self._to_instruments(wish, request)
        )

    def _to_caller(self, request: Request) -> str:
        if self.free_proposals is None or request.request_group.proposal_id in self.free_proposals:
            return ""
        return (
            "Non staff users can only create or update observations on proposals they belong to that allow "
            "direct submission"
        )

    def _to_time(self, wish: Wish, request: Request) -> str:
        start, end = wish.document["start"], wish.document["end"]
        if end <= start:
            return "End time must be after start time"
        if request.request_group.observation_type in UNSCHEDULED:
            return f"request {request.pk} is {request.request_group.observation_type}: it has its observation already"
        windows = self.known.windows.get(request.pk, ())
        if any(_whole_second(opens) <= start and end <= closes for opens, closes in windows):
            return ""
        span = f"The start {start.isoformat()} and end {end.isoformat()} times"
        return f"{span} do not fall within any window of the request"

    def _to_place(self, wish: Wish, request: Request) -> str:
        place = ".".join(wish.place)
        telescope = self.observatory.telescope(place)
        telescope_class = "" if telescope is None else telescope.telescope_class
        wanted = (request.site, request.enclosure, request.telescope)
        matches = all(not code or code == given for code, given in zip(wanted, wish.place, strict=True))
        if telescope is not None and matches and telescope_class == request.telescope_class:
            return ""
        return f"{place} does not match the request location"

    def _to_instruments(self, wish: Wish, request: Request) -> str:
        place = ".".join(wish.place)
        telescope = self.observatory.telescope(place)
        enabled = [] if telescope is None else [item for item in telescope.instruments if item.is_enabled]
        types = {item.type.code.upper() for item in enabled}
        for configuration in self.known.configurations.get(request.pk, ()):
            if configuration.instrument_type.upper() not in types:
                return f"Instrument type {configuration.instrument_type} not available at {place}"
        names = {item.code.lower() for item in enabled}
        for status in wish.statuses:
            if status["instrument_name"].lower() not in names:
                return f"Instrument {status['instrument_name']} not available at {place}"
        return ""

    def _complete_statuses(self, wish: Wish) -> None:
        """One status for each configuration in each repeat; repeats that are not given are like the first."""
        request = self.known.requests[wish.document["request"]]
        given: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for status in wish.statuses:
            given[status["configuration"]].append(status)
        rows = self.known.configurations[request.pk]
        missing = [str(row.pk) for row in rows if row.pk not in given]
        if missing:
            wish.errors["configuration_statuses"] = [
                f"Every configuration of the request needs a status; missing: {', '.join(missing)}"
            ]
            return
        repeats = request.configuration_repeats
        if any(len(statuses) > repeats for statuses in given.values()):
            wish.errors["configuration_statuses"] = [
                f"A configuration has more statuses than the request has repeats ({repeats})"
            ]
            return
        wish.statuses = [
            given[row.pk][repeat] if repeat < len(given[row.pk]) else {**given[row.pk][0], "summary": None}
            for repeat in range(repeats)
            for row in rows
        ]


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def free_proposals(user: User) -> frozenset[str] | None:
    """The proposals for which a person may place observations; None for staff: all of them."""
    if user.is_staff:
        return None
    rows = Membership.objects.filter(user=user, proposal__direct_submission=True)
    return frozenset(rows.values_list("proposal_id", flat=True))
