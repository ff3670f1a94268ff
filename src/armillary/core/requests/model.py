"""The request language: what an astronomer asks for, as the wire writes it.

The same classes are the portal's front door, the scheduler's input, the telescope agent's work list and the SDK's
types. They read both wire flavours (lists and details); attribute names are the wire's names. Keys that a class does
not know survive in it, and come out again.

Numbers are read as the wire has always been read: "12.5" is a number, "twelve" is not. Datetimes without an offset are
UTC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from armillary.core.requests.instants import WRONG_FORMAT, format_time, in_utc, parse_time

ObservationType = Literal["NORMAL", "RAPID_RESPONSE", "TIME_CRITICAL", "DIRECT", "REAL_TIME"]
Operator = Literal["SINGLE", "MANY"]
OptimizationType = Literal["TIME", "AIRMASS"]
TargetType = Literal["ICRS", "ORBITAL_ELEMENTS", "HOUR_ANGLE", "SATELLITE", "TLE"]
OrbitalScheme = Literal[
    "ASA_MAJOR_PLANET",
    "ASA_MINOR_PLANET",
    "ASA_COMET",
    "JPL_MAJOR_PLANET",
    "JPL_MINOR_PLANET",
    "MPC_MINOR_PLANET",
    "MPC_COMET",
]
ConfigurationTypeCode = Literal[
    "EXPOSE",
    "REPEAT_EXPOSE",
    "SKY_FLAT",
    "SKY",
    "STANDARD",
    "ARC",
    "LAMP_FLAT",
    "SPECTRUM",
    "REPEAT_SPECTRUM",
    "AUTO_FOCUS",
    "TRIPLE",
    "NRES_TEST",
    "NRES_SPECTRUM",
    "REPEAT_NRES_SPECTRUM",
    "NRES_EXPOSE",
    "NRES_DARK",
    "NRES_BIAS",
    "ENGINEERING",
    "SCRIPT",
    "BIAS",
    "DARK",
]

OBSERVATION_TYPES: Final[tuple[str, ...]] = get_args(ObservationType)
CONFIGURATION_TYPES: Final[tuple[str, ...]] = get_args(ConfigurationTypeCode)
UNSCHEDULED: Final = frozenset({"DIRECT", "REAL_TIME"})
"""Observation types that the scheduler never sees: whoever makes them places them on a telescope."""


def _read_instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return in_utc(value)
    try:
        if isinstance(value, str):
            return parse_time(value)
    except ValueError:
        pass  # refused below, in the same words as a value that is no text
    raise PydanticCustomError("instant", WRONG_FORMAT)


def _read_text(value: object) -> object:
    """Django's forms trim texts and take numbers for texts; so does the wire."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value


def _read_code(value: object) -> object:
    """Codes are choices: what is no text is refused as an unknown choice, by name."""
    return value if value is None else str(value).strip()


def _read_integer(value: object) -> object:
    """True is no number of exposures, although Python thinks so; "2.0" is."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "A valid integer is required.")
    if isinstance(value, str) and value.strip().removesuffix(".0").removeprefix("-").isdigit():
        return int(value.strip().removesuffix(".0"))
    return value


_TRUE: Final = frozenset({"t", "y", "yes", "true", "on", "1"})
_FALSE: Final = frozenset({"f", "n", "no", "false", "off", "0"})


def _read_flag(value: object) -> object:
    word = value.strip().lower() if isinstance(value, str) else value
    if isinstance(word, str) and word in _TRUE | _FALSE:
        return word in _TRUE
    return value


def _plain_value(value: object) -> object:
    """Forms send numbers and truth values as texts; inside `extra_params` nothing says what was meant but the text."""
    if not isinstance(value, (str, float)) or isinstance(value, bool):
        return value
    if value in ("true", "True"):
        return True
    if value in ("false", "False"):
        return False
    try:
        number = float(value)
    except ValueError:
        return value
    if not math.isfinite(number):
        return value
    return int(number) if number.is_integer() else number


def _read_extra_params(value: object) -> object:
    return {key: _plain_value(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _empty_if_null(value: object) -> object:
    """Details write null for an object that was never made; what it would hold is its defaults."""
    return {} if value is None else value


def _none_if_empty(value: object) -> object:
    """Lists write `{}` for an absent object."""
    return None if value == {} else value


Instant = Annotated[
    datetime, BeforeValidator(_read_instant), PlainSerializer(format_time, return_type=str, when_used="json")
]
Text = Annotated[str, BeforeValidator(_read_text)]
Code = Annotated[str, BeforeValidator(_read_code)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Integer = Annotated[int, BeforeValidator(_read_integer)]
Flag = Annotated[bool, BeforeValidator(_read_flag)]
ExtraParams = Annotated[dict[str, Any], BeforeValidator(_read_extra_params)]
Percentage = Annotated[Number, Field(ge=0.0, le=100.0)]
FullCircle = Annotated[Number, Field(ge=0.0, le=360.0)]


class WireObject(BaseModel):
    """An object of the wire: unknown keys survive."""

    READ_ONLY: ClassVar[frozenset[str]] = frozenset()
    """Keys that the server sets: whatever is submitted under them is ignored."""

    model_config = ConfigDict(extra="allow", validate_default=False, ser_json_inf_nan="constants")


class Location(WireObject):
    """Where a request may be observed; an empty code means anywhere."""

    telescope_class: Code
    site: Code = ""
    enclosure: Code = ""
    telescope: Code = ""


class Window(WireObject):
    """When a request may be observed: from `start`, before `end`."""

    start: Instant
    end: Instant


class Target(WireObject):
    """What is looked at. Which fields count depends on the type: see :func:`target_fields`.

    Angles are degrees; proper motions milliarcseconds a year on the sky (the one in right ascension includes the cosine
    of the declination); parallax milliarcseconds; epochs of positions Julian years; epochs of orbits modified Julian
    dates; distances astronomical units; hour angles degrees, too.
    """

    type: TargetType
    name: Annotated[Text, Field(max_length=50)]
    ra: Annotated[Number, Field(ge=0.0, le=360.0)] | None = None
    dec: Annotated[Number, Field(ge=-90.0, le=90.0)] | None = None
    proper_motion_ra: Annotated[Number, Field(le=20000.0)] | None = None
    proper_motion_dec: Annotated[Number, Field(le=20000.0)] | None = None
    parallax: Annotated[Number, Field(le=2000.0)] | None = None
    epoch: Annotated[Number, Field(le=2100.0)] | None = None
    hour_angle: Number | None = None
    altitude: Annotated[Number, Field(ge=0.0, le=90.0)] | None = None
    azimuth: FullCircle | None = None
    diff_altitude_rate: Number | None = None
    diff_azimuth_rate: Number | None = None
    diff_epoch: Number | None = None
    diff_altitude_acceleration: Number | None = None
    diff_azimuth_acceleration: Number | None = None
    scheme: Literal[OrbitalScheme, ""] | None = None
    epochofel: Annotated[Number, Field(ge=10000.0, le=100000.0)] | None = None
    orbinc: Annotated[Number, Field(ge=0.0, le=180.0)] | None = None
    longascnode: FullCircle | None = None
    longofperih: FullCircle | None = None
    argofperih: FullCircle | None = None
    meandist: Number | None = None
    perihdist: Number | None = None
    eccentricity: Annotated[Number, Field(ge=0.0)] | None = None
    meanlong: Number | None = None
    meananom: FullCircle | None = None
    dailymot: Number | None = None
    epochofperih: Annotated[Number, Field(ge=361.0, le=240000.0)] | None = None
    line1: Annotated[Text, Field(max_length=80)] | None = None
    line2: Annotated[Text, Field(max_length=80)] | None = None
    extra_params: ExtraParams = {}


_EQUATORIAL: Final = ("ra", "dec", "proper_motion_ra", "proper_motion_dec", "parallax", "epoch", "hour_angle")
_ORBIT: Final = ("epochofel", "orbinc", "longascnode", "eccentricity", "scheme")
SCHEME_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "ASA_MAJOR_PLANET": ("longofperih", "meandist", "meanlong", "dailymot"),
    "ASA_MINOR_PLANET": ("argofperih", "meandist", "meananom"),
    "ASA_COMET": ("argofperih", "perihdist", "epochofperih"),
    "JPL_MAJOR_PLANET": ("argofperih", "meandist", "meananom", "dailymot"),
    "JPL_MINOR_PLANET": ("argofperih", "perihdist", "epochofperih"),
    "MPC_MINOR_PLANET": ("argofperih", "meandist", "meananom"),
    "MPC_COMET": ("argofperih", "perihdist", "epochofperih"),
}
_MOTION: Final = (
    "altitude",
    "azimuth",
    "diff_altitude_rate",
    "diff_azimuth_rate",
    "diff_epoch",
    "diff_altitude_acceleration",
    "diff_azimuth_acceleration",
)


def target_fields(target_type: str, scheme: str | None = None) -> tuple[str, ...]:
    """The fields that a target of the type has on the wire, in the wire's order."""
    if target_type == "ORBITAL_ELEMENTS":
        return ("type", "name", *_ORBIT, *SCHEME_FIELDS.get(scheme or "", ()))
    if target_type == "SATELLITE":
        return ("name", "type", *_MOTION)
    if target_type == "TLE":
        return ("type", "name", "line1", "line2")
    return ("type", "name", *_EQUATORIAL)


def required_target_fields(target_type: str, scheme: str | None = None) -> tuple[str, ...]:
    """The fields without which a target of the type is not a place."""
    if target_type == "ICRS":
        return ("ra", "dec")
    if target_type == "HOUR_ANGLE":
        return ("hour_angle", "dec")
    return tuple(name for name in target_fields(target_type, scheme) if name not in ("type", "name"))


TARGET_DEFAULTS: Final[Mapping[str, Mapping[str, float]]] = {
    kind: {"proper_motion_ra": 0.0, "proper_motion_dec": 0.0, "parallax": 0.0, "epoch": 2000.0}
    for kind in ("ICRS", "HOUR_ANGLE")
}


class Constraints(WireObject):
    """What the sky must be like: airmass, distance from the Moon in degrees, illuminated fraction of the Moon."""

    max_airmass: Annotated[Number, Field(ge=1.0, le=25.0)] = 1.6
    min_lunar_distance: Annotated[Number, Field(ge=0.0, le=180.0)] = 30.0
    max_lunar_phase: Annotated[Number, Field(ge=0.0, le=1.0)] = 1.0
    max_seeing: Annotated[Number, Field(ge=0.0)] | None = None
    min_transparency: Number | None = None
    extra_params: dict[str, Any] = {}


class RegionOfInterest(WireObject):
    """A part of the detector, in pixels; a missing bound is the detector's edge."""

    x1: Annotated[Integer, Field(ge=0)] | None = None
    x2: Annotated[Integer, Field(ge=0)] | None = None
    y1: Annotated[Integer, Field(ge=0)] | None = None
    y2: Annotated[Integer, Field(ge=0)] | None = None


class InstrumentConfig(WireObject):
    """One series of equal exposures, `exposure_time` seconds each."""

    optical_elements: dict[str, Any] = {}
    mode: Annotated[Text, Field(max_length=50)] = ""
    exposure_time: Annotated[Number, Field(ge=0.0)]
    exposure_count: Annotated[Integer, Field(ge=1)]
    rotator_mode: Annotated[Text, Field(max_length=50)] = ""
    extra_params: ExtraParams = {}
    rois: list[RegionOfInterest] = []


class AcquisitionConfig(WireObject):
    """How the target is brought to its place; exposure time in seconds."""

    mode: Annotated[Text, Field(max_length=50)] = "OFF"
    exposure_time: Annotated[Number, Field(ge=0.0, le=60.0)] | None = None
    extra_params: ExtraParams = {}


class GuidingConfig(WireObject):
    """How the target is held at its place; exposure time in seconds."""

    optional: Flag = True
    mode: Annotated[Text, Field(max_length=50)] = ""
    optical_elements: dict[str, Any] = {}
    exposure_time: Annotated[Number, Field(ge=0.0, le=120.0)] | None = None
    extra_params: ExtraParams = {}


class Configuration(WireObject):
    """What one instrument does on one target."""

    id: int | None = None
    instrument_type: Text
    type: ConfigurationTypeCode
    repeat_duration: Annotated[Number, Field(ge=0.0)] | None = None
    extra_params: ExtraParams = {}
    priority: int = 500
    """Place in the sequence of the request, from 1."""
    instrument_configs: list[InstrumentConfig] = []
    constraints: Annotated[Constraints, BeforeValidator(_empty_if_null)] = Field(default_factory=Constraints)
    acquisition_config: Annotated[AcquisitionConfig, BeforeValidator(_empty_if_null)] = Field(
        default_factory=AcquisitionConfig
    )
    guiding_config: Annotated[GuidingConfig, BeforeValidator(_empty_if_null)] = Field(default_factory=GuidingConfig)
    target: Annotated[Target | None, BeforeValidator(_none_if_empty)] = None

    @property
    def repeats(self) -> bool:
        """Whether its exposures are repeated until `repeat_duration` is over."""
        return "REPEAT" in self.type


class Request(WireObject):
    """Configurations that are observed one after the other, on one telescope, in one of the windows."""

    id: int | None = None
    observation_note: Annotated[Text, Field(max_length=255)] = ""
    optimization_type: OptimizationType = "TIME"
    state: str = "PENDING"
    suspend_until: Instant | None = None
    acceptability_threshold: Percentage = 90.0
    configuration_repeats: Annotated[Integer, Field(ge=1)] = 1
    extra_params: dict[str, Any] = {}
    created: Instant | None = None
    modified: Instant | None = None
    duration: int | None = None
    configurations: list[Configuration] = []
    location: Annotated[Location | None, BeforeValidator(_none_if_empty)] = None
    windows: list[Window] = []

    def in_sequence(self) -> list[Configuration]:
        """The configurations in the order of observation."""
        return sorted(self.configurations, key=lambda configuration: configuration.priority)


class RequestGroup(WireObject):
    """What is submitted: one request, or many that are independent of each other."""

    id: int | None = None
    submitter: str = ""
    proposal: Text
    name: Annotated[Text, Field(max_length=50)]
    observation_type: ObservationType
    operator: Operator
    ipp_value: Annotated[Number, Field(ge=0.0)]
    state: str = "PENDING"
    created: Instant | None = None
    modified: Instant | None = None
    requests: list[Request]
    is_staff: bool | None = None
    """Whether the submitter is staff; only in the scheduler's feed."""
