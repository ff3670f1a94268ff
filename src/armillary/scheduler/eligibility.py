"""Which telescopes could execute a request, with which instruments; sky and time left aside. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from armillary.core.observations.model import PlannedConfiguration
from armillary.core.observatory import Camera, Instrument, Observatory, Telescope
from armillary.core.requests.model import Configuration, Request

_OFF: Final = frozenset({"", "OFF"})


@dataclass(frozen=True, slots=True)
class Place:
    """A telescope that could execute a request, and how."""

    telescope: Telescope
    configurations: tuple[PlannedConfiguration, ...]
    """Which instrument and which guide camera would execute each configuration, in order."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Where a request could go, or why nowhere."""

    places: Mapping[str, Place]
    """By telescope key; empty if nowhere."""
    reason: str = ""


def eligibility(request: Request, observatory: Observatory, *, is_staff: bool) -> Eligibility:
    """Every telescope that could execute all configurations of a request.

    It must be in service, be where the request's location says, and have for each configuration an instrument of its
    type in normal operation with the optical elements asked for (and schedulable) before a science camera and, when
    guiding, before the guide camera. Staff who name a full location may use instruments that are not in normal
    operation, too.
    """
    location = request.location
    codes = ("", "", "", "")
    if location is not None:
        codes = (location.site, location.enclosure, location.telescope, location.telescope_class)
    telescopes = observatory.telescopes_at(*codes)
    if not telescopes:
        return Eligibility({}, f"no telescope in service fits the location {_described(codes)}")
    any_state = is_staff and all(codes[:3])
    places: dict[str, Place] = {}
    reasons: dict[str, None] = {}
    for telescope in telescopes:
        chosen = _choose(request.in_sequence(), telescope, any_state=any_state)
        if isinstance(chosen, str):
            reasons[chosen] = None
        else:
            places[telescope.key] = Place(telescope, chosen)
    return Eligibility(places, "" if places else "; ".join(reasons))


def _choose(
    configurations: Sequence[Configuration], telescope: Telescope, *, any_state: bool
) -> tuple[PlannedConfiguration, ...] | str:
    """Instruments of a telescope for every configuration; or what is missing."""
    chosen = []
    for configuration in configurations:
        found = _instrument_for(configuration, telescope, any_state=any_state)
        if isinstance(found, str):
            return found
        chosen.append(
            PlannedConfiguration(
                configuration=configuration.id or 0,
                instrument_name=found.code,
                guide_camera_name=_guide_camera(configuration, found),
            )
        )
    return tuple(chosen)


def _instrument_for(configuration: Configuration, telescope: Telescope, *, any_state: bool) -> Instrument | str:
    wanted = configuration.instrument_type.upper()
    of_type = [each for each in telescope.instruments if each.type.code.upper() == wanted and each.is_enabled]
    usable = sorted(
        (each for each in of_type if each.is_schedulable or any_state), key=lambda each: not each.is_schedulable
    )
    if not of_type:
        return f"no telescope there has an instrument of type {wanted}"
    if not usable:
        return f"no instrument of type {wanted} is in normal operation there"
    missing = ""
    for instrument in usable:
        missing = _missing_element(configuration, instrument)
        if not missing:
            return instrument
    return missing


def _missing_element(configuration: Configuration, instrument: Instrument) -> str:
    """What a configuration wants and an instrument does not have; empty if it has everything."""
    for setting in configuration.instrument_configs:
        for kind, code in setting.optical_elements.items():
            if not _has(instrument.science_cameras, kind, str(code)):
                return f"no instrument of type {instrument.type.code} there has the {kind} {code} in operation"
    guiding = configuration.guiding_config
    if guiding.mode.upper() in _OFF:
        return ""
    guide_cameras = instrument.science_cameras
    if not _guides_itself(configuration, instrument) and instrument.autoguider_camera is not None:
        guide_cameras = (instrument.autoguider_camera,)
    for kind, code in guiding.optical_elements.items():
        if not _has(guide_cameras, kind, str(code)):
            return f"no guide camera of {instrument.type.code} there has the {kind} {code} in operation"
    return ""


def _has(cameras: Iterable[Camera], kind: str, code: str) -> bool:
    groups = (group for camera in cameras for group in camera.optical_element_groups if group.request_key == kind)
    elements = (group.element(code) for group in groups)
    return any(element is not None and element.schedulable for element in elements)


def _guides_itself(configuration: Configuration, instrument: Instrument) -> bool:
    return bool(configuration.extra_params.get("self_guide")) and instrument.type.allow_self_guiding


def _guide_camera(configuration: Configuration, instrument: Instrument) -> str:
    if configuration.guiding_config.mode.upper() in _OFF:
        return ""
    if _guides_itself(configuration, instrument):
        return instrument.code
    return instrument.guide_camera_codes[0] if instrument.guide_camera_codes else ""


def _described(codes: tuple[str, str, str, str]) -> str:
    site, enclosure, telescope, telescope_class = codes
    named = {"site": site, "enclosure": enclosure, "telescope": telescope, "telescope class": telescope_class}
    return ", ".join(f"{name} {code!r}" for name, code in named.items() if code) or "anywhere"
