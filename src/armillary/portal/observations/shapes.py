"""What may be posted about observations; read with :func:`armillary.core.requests.submission.read`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from armillary.core.observations.states import ConfigurationState, ObservationState
from armillary.core.requests.model import Flag, Instant, Integer, Number, Text, WireObject
from armillary.core.requests.submission import LONG_AGO, NULL

_LARGEST_KEY: Final = 2**63 - 1
"""What the database numbers rows with."""


def _read_key(value: object) -> object:
    """The id of a row, in Django REST Framework's words when it is none."""
    if value == "":
        raise PydanticCustomError("null", NULL)
    if isinstance(value, bool) or (isinstance(value, str) and not value.lstrip("-").isdigit()):
        raise PydanticCustomError("key", "Incorrect type. Expected pk value, received {kind}.", {"kind": _kind(value)})
    if isinstance(value, (int, str)) and abs(int(value)) > _LARGEST_KEY:
        raise PydanticCustomError("key", 'Invalid pk "{value}" - object does not exist.', {"value": str(value)})
    if value is None or isinstance(value, (int, str)):
        return value
    raise PydanticCustomError("key", "Incorrect type. Expected pk value, received {kind}.", {"kind": _kind(value)})


def _kind(value: object) -> str:
    return type(value).__name__


def _read_choice(choices: tuple[str, ...]) -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, str) and value in choices:
            return value
        raise PydanticCustomError("choice", '"{value}" is not a valid choice.', {"value": str(value)})

    return BeforeValidator(check)


Key = Annotated[int, BeforeValidator(_read_key)]
Place = Annotated[Text, Field(max_length=10, min_length=1)]
STATUS_STATES: Final = tuple(state.value for state in ConfigurationState if state is not ConfigurationState.ABORTED)
OBSERVATION_STATES: Final = tuple(state.value for state in ObservationState)


class SubmittedSummary(WireObject):
    """What a telescope reports of an execution."""

    start: Instant
    end: Instant
    state: Annotated[Text, Field(max_length=50)]
    time_completed: Number
    reason: Annotated[Text, Field(max_length=200)] = ""
    events: list[Any] | dict[str, Any] = {}


class SubmittedStatus(WireObject):
    """Which instrument executes a configuration."""

    configuration: Key | None = None
    instrument_name: Annotated[Text, Field(max_length=255, min_length=1)]
    guide_camera_name: Annotated[Text, Field(max_length=255)] = ""
    state: Annotated[str, _read_choice(STATUS_STATES)] = ConfigurationState.PENDING.value
    summary: SubmittedSummary | None = None


class SubmittedObservation(WireObject):
    """A span of a telescope's time for a request."""

    request: Key
    site: Place
    enclosure: Place
    telescope: Place
    start: Instant
    end: Instant
    priority: Annotated[Integer, Field(ge=0, le=2_147_483_647)] = 10
    state: Annotated[str, _read_choice(OBSERVATION_STATES)] = ObservationState.PENDING.value
    configuration_statuses: list[Any]


class PlannedSpan(WireObject):
    """A telescope's whole plan for a span."""

    site: Place
    enclosure: Place
    telescope: Place
    start: Instant
    end: Instant
    version: Text | None = None
    fence: Integer | None = None
    """The publisher's newest lease; see ``POST /api/scheduler/lease/``."""
    preempt: list[Integer] = []
    """Live observations to end early for rapid-response work of this plan."""
    observations: list[Any]


class StatusReport(WireObject):
    """What a telescope reports on an execution; everything optional."""

    state: Annotated[str, _read_choice(STATUS_STATES)] | None = None
    summary: dict[str, Any] | None = None
    end: Instant | None = None
    exposures_start_at: Instant | None = None
    instrument_name: Annotated[Text, Field(max_length=255)] | None = None
    guide_camera_name: Annotated[Text, Field(max_length=255)] | None = None


class ObservationChange(WireObject):
    """What may be changed of an observation."""

    end: Instant | None = None
    state: Annotated[str, _read_choice(OBSERVATION_STATES)] | None = None


def _read_keys(value: object) -> object:
    if not isinstance(value, list):
        raise PydanticCustomError("keys", 'Expected a list of items but got type "{kind}".', {"kind": _kind(value)})
    if not value:
        raise PydanticCustomError("keys", "Ensure this field has at least 1 elements.")
    return value


class Cancellation(WireObject):
    """Which observations to take back: by id, or by time, at a place or anywhere; only what is supplied counts."""

    ids: Annotated[list[Annotated[Integer, Field(ge=-_LARGEST_KEY, le=_LARGEST_KEY)]], BeforeValidator(_read_keys)] = []
    start: Instant = LONG_AGO
    end: Instant = LONG_AGO
    site: Text = ""
    enclosure: Text = ""
    telescope: Text = ""
    include_normal: Flag = True
    include_rr: Flag = False
    include_direct: Flag = False
    preemption_enabled: Flag = False


Schedulable = Literal["NORMAL", "TIME_CRITICAL", "RAPID_RESPONSE"]
