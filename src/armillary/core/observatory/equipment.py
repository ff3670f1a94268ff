"""What stands at an observatory: sites, enclosures, telescopes, instruments what they can do; immutable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from armillary import riseset

Json = Mapping[str, Any]
"""A JSON object as it came over the wire."""

READOUT: Final = "readout"
"""Type of the mode group whose overhead is counted with every exposure."""


class InstrumentState(StrEnum):
    """How far an instrument may be used."""

    DISABLED = "DISABLED"
    """Not physically there; hidden everywhere."""
    MANUAL = "MANUAL"
    """Powered, not ready for science; staff only, with a full location or a direct submission."""
    COMMISSIONING = "COMMISSIONING"
    """Under test; used like MANUAL."""
    STANDBY = "STANDBY"
    """Commissioned and kept in reserve; used like MANUAL."""
    SCHEDULABLE = "SCHEDULABLE"
    """In normal operation: the only state that ordinary requests may use."""


@dataclass(frozen=True, slots=True)
class OpticalElement:
    """A filter, slit or grating."""

    code: str
    name: str
    schedulable: bool
    raw: Json = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class OpticalElementGroup:
    """Elements of one kind, of which one is in the beam at a time: a filter wheel, a slit plate."""

    type: str
    """Plural kind, "filters"; a request names the element by :attr:`request_key`."""
    name: str
    default: str
    element_change_overhead_s: float
    elements: tuple[OpticalElement, ...]

    @property
    def request_key(self) -> str:
        """The key under `optical_elements` of an instrument config: the type without its plural s."""
        return self.type.removesuffix("s")

    def element(self, code: str) -> OpticalElement | None:
        """The element of that code, in any case."""
        wanted = code.casefold()
        return next((element for element in self.elements if element.code.casefold() == wanted), None)


@dataclass(frozen=True, slots=True)
class CameraType:
    """A detector model."""

    code: str
    name: str
    size: str
    """Field of view in arcminutes, free text such as "26.5 x 26.5"."""
    pixel_scale_arcsec: float
    pixels_x: int
    pixels_y: int
    max_rois: int

    @property
    def field_of_view_arcmin(self) -> float:
        """Diagonal of the detector on the sky, in arcminutes."""
        return math.hypot(self.pixels_x, self.pixels_y) * self.pixel_scale_arcsec / 60.0


@dataclass(frozen=True, slots=True)
class Camera:
    """A detector with the optical elements in front of it."""

    code: str
    camera_type: CameraType
    orientation_deg: float
    """Detector angle, counter-clockwise from north."""
    optical_element_groups: tuple[OpticalElementGroup, ...]
    host: str


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to read out, guide, acquire, expose or rotate."""

    code: str
    name: str
    overhead_s: float
    schedulable: bool
    validation_schema: Json


@dataclass(frozen=True, slots=True)
class ModeGroup:
    """The modes of one kind that an instrument type has."""

    type: str
    default: str
    modes: tuple[Mode, ...]
    raw: Json = field(repr=False, compare=False)

    def mode(self, code: str) -> Mode | None:
        """The mode of that code, in any case."""
        wanted = code.casefold()
        return next((mode for mode in self.modes if mode.code.casefold() == wanted), None)

    @property
    def default_mode(self) -> Mode | None:
        """What is used when a request names no mode: the only mode, else the group's default, else none."""
        return self.modes[0] if len(self.modes) == 1 else self.mode(self.default)


@dataclass(frozen=True, slots=True)
class ConfigurationType:
    """A kind of work (EXPOSE, SPECTRUM, ARC) as one instrument type does it."""

    code: str
    name: str
    schedulable: bool
    force_acquisition_off: bool
    requires_optical_elements: bool
    config_change_overhead_s: float
    validation_schema: Json
    raw: Json = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class InstrumentType:
    """What a request asks for: instruments of one type are interchangeable."""

    code: str
    name: str
    category: str | None
    fixed_overhead_per_exposure_s: float
    observation_front_padding_s: float
    config_front_padding_s: float
    acquire_exposure_time_s: float
    default_configuration_type: str | None
    default_acceptability_threshold: float
    """Percentage of the exposure time that must be done for a request to count as complete."""
    allow_self_guiding: bool
    mode_groups: Mapping[str, ModeGroup]
    configuration_types: Mapping[str, ConfigurationType]
    validation_schema: Json

    def readout_overhead_s(self, mode_code: str) -> float:
        """Seconds added to every exposure in that readout mode.

        An unknown or empty mode counts as the default one; a type that has no readout modes, or several and no
        default, adds nothing: what cannot be known is not invented, and validation refuses such a request anyway.
        """
        group = self.mode_groups.get(READOUT)
        if group is None:
            return 0.0
        mode = group.mode(mode_code) or group.default_mode
        return mode.overhead_s if mode else 0.0


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument at its telescope."""

    code: str
    state: InstrumentState
    type: InstrumentType
    science_cameras: tuple[Camera, ...]
    autoguider_camera: Camera | None
    site: str
    enclosure: str
    telescope: str

    @property
    def key(self) -> str:
        """`site.enclosure.telescope.instrument`."""
        return f"{self.telescope_key}.{self.code}"

    @property
    def telescope_key(self) -> str:
        """`site.enclosure.telescope`."""
        return f"{self.site}.{self.enclosure}.{self.telescope}"

    @property
    def is_schedulable(self) -> bool:
        """Whether ordinary requests may use it."""
        return self.state is InstrumentState.SCHEDULABLE

    @property
    def is_enabled(self) -> bool:
        """Whether it is there at all."""
        return self.state is not InstrumentState.DISABLED

    @property
    def guide_camera_codes(self) -> tuple[str, ...]:
        """What may guide it, preferred first: its autoguider, and the instrument itself where it guides itself."""
        codes = [self.autoguider_camera.code] if self.autoguider_camera else []
        if self.type.allow_self_guiding and self.code not in codes:
            codes.append(self.code)
        return tuple(codes)


def telescope_class(aperture_m: float) -> str:
    """The class of a telescope of that aperture: metres, "m", tenths of a metre.

    >>> telescope_class(0.4), telescope_class(1.0), telescope_class(2.0)
    ('0m4', '1m0', '2m0')
    """
    tenths = round(aperture_m * 10)
    return f"{tenths // 10}m{tenths % 10}"


@dataclass(frozen=True, slots=True)
class Telescope:
    """A telescope with its limits, its overheads and its instruments."""

    code: str
    name: str
    active: bool
    in_service: bool
    """Whether the site, the enclosure and the telescope are all active."""
    site: str
    enclosure: str
    aperture_m: float
    latitude_deg: float
    longitude_deg: float
    elevation_m: float
    horizon_deg: float
    ha_limit_neg_h: float
    ha_limit_pos_h: float
    zenith_blind_spot_deg: float
    slew_rate_s_per_arcsec: float
    minimum_slew_overhead_s: float
    maximum_slew_overhead_s: float
    """Upper bound of every slew. A configuration database that does not send it means 0, as the wire has always been
    read: then no slew costs time, and what slewing takes must be in the instrument type's front padding."""
    instrument_change_overhead_s: float
    instruments: tuple[Instrument, ...]

    @property
    def key(self) -> str:
        """`site.enclosure.telescope`."""
        return f"{self.site}.{self.enclosure}.{self.code}"

    @property
    def telescope_class(self) -> str:
        """Its class by aperture, "1m0"."""
        return telescope_class(self.aperture_m)


def riseset_site(telescope: Telescope) -> riseset.Site:
    """The telescope as the rise-set library sees it: its place, its horizon and its limits."""
    return riseset.Site(
        telescope.latitude_deg,
        telescope.longitude_deg,
        telescope.elevation_m,
        horizon_deg=telescope.horizon_deg,
        ha_limit_neg_h=telescope.ha_limit_neg_h,
        ha_limit_pos_h=telescope.ha_limit_pos_h,
        zenith_blind_spot_deg=telescope.zenith_blind_spot_deg,
    )


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A dome or a roof with its telescopes."""

    code: str
    name: str
    active: bool
    site: str
    telescopes: tuple[Telescope, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """A place with enclosures."""

    code: str
    name: str
    active: bool
    timezone: int
    """Whole hours from UTC."""
    tz: str
    """IANA zone name."""
    restart: str
    """UTC time of the daily restart, HH:MM:SS."""
    latitude_deg: float
    longitude_deg: float
    elevation_m: float
    enclosures: tuple[Enclosure, ...]
