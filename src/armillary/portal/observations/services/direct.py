"""People who stand at a telescope place observations themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from django.db import IntegrityError, transaction
from pydantic import Field

from armillary.accounts.models import User
from armillary.core.observations.states import LIVE, ObservationState, values
from armillary.core.observatory import Instrument, Observatory
from armillary.core.requests.durations import request_duration
from armillary.core.requests.facts import ValidationContext
from armillary.core.requests.model import Instant, Integer, RequestGroup, Text, WireObject
from armillary.core.requests.submission import read
from armillary.core.requests.validation.requests import check_direct_request_rules
from armillary.platform.database import retry_conflicts
from armillary.platform.errors import Conflict, Refusal
from armillary.portal.cause import Cause
from armillary.portal.locks import Place, lock_telescopes
from armillary.portal.observations.models import Observation
from armillary.portal.observations.services.cancel import cancel_observations
from armillary.portal.observations.services.create import occupations, store
from armillary.portal.observations.services.judge import Wish
from armillary.portal.proposals.models import Membership, Proposal
from armillary.portal.requestgroups.models import Configuration
from armillary.portal.requestgroups.services.submit import Submission, context_of, store_request_group

Json = dict[str, Any]


class DirectSubmission(WireObject):
    """An observation with everything it needs, posted to ``/api/schedule/``."""

    site: Text
    enclosure: Text
    telescope: Text
    start: Instant
    end: Instant
    proposal: Annotated[Text, Field(min_length=1)]
    name: Annotated[Text, Field(min_length=1, max_length=50)]
    priority: Annotated[Integer, Field(ge=0, le=2_147_483_647)] = 10
    request: Any


@dataclass(slots=True)
class Direct:
    """One direct submission, as far as it was judged."""

    body: Any
    document: Json = field(default_factory=dict)
    request: Json = field(default_factory=dict)
    instruments: list[tuple[str, str]] = field(default_factory=list)
    """Instrument and guide camera of each configuration."""
    errors: Json = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where."""
        return self.document["site"], self.document["enclosure"], self.document["telescope"]


def submit_directly(user: User, bodies: Sequence[Any], now: datetime) -> list[Observation]:
    """Place observations with requests of their own; all of them or none.

    Raises:
        Refusal: Some break rules: a list of errors, one for each.
        Conflict: A telescope was taken at the same moment.
    """
    context = context_of(user, None, now)
    wishes = [_judge(Direct(body), user, context) for body in bodies]
    if any(wish.errors for wish in wishes):
        raise Refusal([wish.errors for wish in wishes])
    return _place_all(wishes, context.observatory, Cause("submitted directly", now, user))


def _judge(wish: Direct, user: User, context: ValidationContext) -> Direct:
    reading = read(DirectSubmission, wish.body)
    wish.errors = dict(reading.errors)
    wish.document = reading.document or {}
    if isinstance(wish.body, Mapping):
        _check_place(wish, context.observatory)
        _check_request(wish, context)
    if wish.document and "end" not in wish.errors and wish.document["end"] < context.now:
        wish.errors["end"] = ["End time must be in the future"]
    if wish.document and not wish.errors:
        _check_proposal(wish, user)
    if wish.document and not wish.errors and (sentence := _objection(wish, context.observatory)):
        wish.errors["non_field_errors"] = [sentence]
    return wish


def _check_place(wish: Direct, observatory: Observatory) -> None:
    choices = {
        "site": observatory.site_codes(),
        "enclosure": observatory.enclosure_codes(),
        "telescope": observatory.telescope_codes(),
    }
    for name, codes in choices.items():
        value = wish.body.get(name)
        if value is not None and value not in codes:
            wish.errors[name] = [f'"{value}" is not a valid choice.']


def _check_request(wish: Direct, context: ValidationContext) -> None:
    if "request" in wish.errors or "request" not in wish.body:
        return
    checked = check_direct_request_rules(wish.body["request"], context)
    if checked.errors:
        wish.errors["request"] = checked.errors
    elif checked.document is not None:
        wish.request = checked.document


def _check_proposal(wish: Direct, user: User) -> None:
    name = wish.document["proposal"]
    proposal = Proposal.objects.filter(pk=name).first()
    if proposal is None:
        wish.errors["proposal"] = [f"Proposal {name} does not exist"]
    elif not proposal.direct_submission:
        wish.errors["proposal"] = [f"Proposal {name} is not allowed to submit observations directly"]
    elif not Membership.objects.filter(proposal=proposal, user=user).exists():
        wish.errors["non_field_errors"] = [f"You do not belong to the proposal {name}"]
    elif not proposal.active:
        wish.errors["non_field_errors"] = [f"Proposal {name} is currently inactive"]


def _objection(wish: Direct, observatory: Observatory) -> str:
    if wish.document["end"] <= wish.document["start"]:
        return "End time must be after start time"
    place = ".".join(wish.place)
    telescope = observatory.telescope(place)
    enabled = [] if telescope is None else [item for item in telescope.instruments if item.is_enabled]
    given = wish.body["request"].get("configurations", [])
    for configuration, original in zip(wish.request["configurations"], given, strict=True):
        of_type = [item for item in enabled if item.type.code == configuration["instrument_type"]]
        if not of_type:
            return f"instrument type {configuration['instrument_type']} is not available at {place}"
        instrument = _instrument(str(original.get("instrument_name") or ""), of_type, enabled)
        if isinstance(instrument, str):
            return instrument.format(place=place)
        guide = _guide_camera(instrument, configuration, str(original.get("guide_camera_name") or ""))
        if guide is None:
            return f"Invalid guide camera {original['guide_camera_name']} for instrument {instrument.code}"
        wish.instruments.append((instrument.code.lower(), guide))
    return ""


def _instrument(name: str, of_type: Sequence[Instrument], enabled: Sequence[Instrument]) -> Instrument | str:
    if not name:
        if len(of_type) == 1:
            return of_type[0]
        names = ", ".join(item.code.lower() for item in of_type)
        return f"There is more than one valid instrument at {{place}}; choose instrument_name from {names}"
    named = [item for item in enabled if item.code.lower() == name.lower()]
    kind = of_type[0].type.code
    return named[0] if named else f"{name} is not an available {kind} instrument at {{place}}"


def _guide_camera(instrument: Instrument, configuration: Json, wanted: str) -> str | None:
    """The guide camera to use: none if nothing is guided or acquired; None (not a name) if the wanted one is wrong."""
    modes = [(configuration.get(name) or {}).get("mode") or "OFF" for name in ("guiding_config", "acquisition_config")]
    if all(mode == "OFF" for mode in modes):
        return ""
    allowed = [code.lower() for code in instrument.guide_camera_codes]
    if wanted:
        return wanted.lower() if wanted.lower() in allowed else None
    if (configuration.get("extra_params") or {}).get("self_guide"):
        return instrument.code.lower()
    camera = instrument.autoguider_camera
    return "" if camera is None else camera.code.lower()


@retry_conflicts()
def _place_all(wishes: Sequence[Direct], observatory: Observatory, cause: Cause) -> list[Observation]:
    try:
        with transaction.atomic():
            lock_telescopes(wish.place for wish in wishes)
            rows = [_place(wish, observatory, cause) for wish in wishes]
            if any(wish.errors for wish in wishes):
                raise Refusal([wish.errors for wish in wishes])
            return [row for row in rows if row is not None]
    except IntegrityError as error:
        raise Conflict("the telescope was taken by somebody else at the same moment; ask again") from error


def _place(wish: Direct, observatory: Observatory, cause: Cause) -> Observation | None:
    start, end = wish.document["start"], wish.document["end"]
    make_way(wish.place, start, end, cause)
    if other := occupations({wish.place}, start, end)[wish.place].conflict(start, end):
        wish.errors["non_field_errors"] = [f"The observation overlaps {other} on {'.'.join(wish.place)}"]
        return None
    group = {
        "proposal": wish.document["proposal"],
        "name": wish.document["name"],
        "observation_type": "DIRECT",
        "operator": "SINGLE",
        "ipp_value": 1.0,
        "requests": [wish.request],
    }
    model = RequestGroup.model_validate(group)
    durations = [request_duration(request, observatory) for request in model.requests]
    if cause.actor is None:
        raise TypeError("a direct submission has an author")
    row = store_request_group(Submission(model, durations, observatory.etag), cause.actor, cause.at)
    (request,) = row.requests.all()
    configurations = Configuration.objects.filter(request=request).order_by("priority")
    statuses = [
        {"configuration": configuration.pk, "instrument_name": instrument, "guide_camera_name": guide}
        for _ in range(request.configuration_repeats)
        for configuration, (instrument, guide) in zip(configurations, wish.instruments, strict=True)
    ]
    placed = {key: value for key, value in wish.document.items() if key != "request"}
    return store([Wish({**placed, "request": request.pk}, statuses)], cause)[0]


def make_way(place: Place, start: datetime, end: datetime, cause: Cause) -> None:
    """Cancel pending normal observations in a span: the scheduler finds another time for their requests."""
    site, enclosure, telescope = place
    rows = Observation.objects.filter(
        site=site,
        enclosure=enclosure,
        telescope=telescope,
        state=ObservationState.PENDING.value,
        start__lt=end,
        end__gt=start,
        request__request_group__observation_type="NORMAL",
    )
    if (
        Observation.objects.filter(
            site=site, enclosure=enclosure, telescope=telescope, state__in=values(LIVE), start__lt=end, end__gt=start
        )
        .exclude(pk__in=rows.values("pk"))
        .exists()
    ):
        return  # somebody else keeps the telescope: nothing is gained by taking these back
    cancel_observations(list(rows.values_list("pk", flat=True)), cause)
