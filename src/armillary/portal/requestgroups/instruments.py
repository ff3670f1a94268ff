"""What can be asked for: instruments, as forms need them."""

from __future__ import annotations

import math
from statistics import fmean
from typing import Any

from django.http import QueryDict

from armillary.core.observatory import Camera, Instrument, Observatory

Json = dict[str, Any]
_ARCSEC_PER_ARCMIN = 60.0


def instruments(observatory: Observatory, parameters: QueryDict, *, is_staff: bool) -> Json:
    """The answer of ``/api/instruments/``: instrument types by code, with their modes, elements and cameras."""
    only_schedulable = not is_staff or bool(parameters.get("only_schedulable"))
    wanted_type = parameters.get("instrument_type", "").upper()
    found: dict[str, Instrument] = {}
    for instrument in observatory.instruments(include_unschedulable=not only_schedulable):
        code = instrument.type.code
        if code not in found and _matches(observatory, instrument, parameters) and wanted_type in {"", code.upper()}:
            found[code] = instrument
    return {code: _described(observatory, instrument) for code, instrument in found.items()}


def _matches(observatory: Observatory, instrument: Instrument, parameters: QueryDict) -> bool:
    telescope = observatory.telescope(instrument.telescope_key)
    facts = {
        "site": instrument.site,
        "telescope": instrument.telescope,
        "telescope_class": "" if telescope is None else telescope.telescope_class,
    }
    return parameters.get("enclosure", "") in instrument.enclosure and all(
        parameters.get(name, "").lower() in value for name, value in facts.items()
    )


def _described(observatory: Observatory, instrument: Instrument) -> Json:
    kind = observatory.instrument_type(instrument.type.code) or instrument.type
    telescope = observatory.telescope(instrument.telescope_key)
    groups = observatory.optical_element_groups(kind.code)
    return {
        "type": kind.category,
        "class": "" if telescope is None else telescope.telescope_class,
        "name": kind.name,
        "optical_elements": {
            name: [
                {**element.raw, "default": element.code.lower() == group.default.lower()} for element in group.elements
            ]
            for name, group in groups.items()
        },
        "modes": {name: group.raw for name, group in kind.mode_groups.items()},
        "validation_schema": kind.validation_schema,
        "default_acceptability_threshold": kind.default_acceptability_threshold,
        "configuration_types": {code: item.raw for code, item in kind.configuration_types.items()},
        "default_configuration_type": kind.default_configuration_type or "",
        "camera_type": _camera(observatory, instrument),
    }


def _camera(observatory: Observatory, instrument: Instrument) -> Json:
    code = instrument.type.code
    science = observatory.science_cameras(code)[0]
    orientations = [
        camera.orientation_deg
        for item in observatory.instruments_of(code, include_unschedulable=True)
        for camera in item.science_cameras
    ]
    return {
        "science_field_of_view": _diagonal_arcmin(science),
        "autoguider_field_of_view": _diagonal_arcmin(instrument.autoguider_camera),
        "pixel_scale": science.camera_type.pixel_scale_arcsec,
        "pixels_x": science.camera_type.pixels_x,
        "pixels_y": science.camera_type.pixels_y,
        "orientation": fmean(orientations),
    }


def _diagonal_arcmin(camera: Camera | None) -> float:
    if camera is None:
        return 0.0
    kind = camera.camera_type
    return math.hypot(kind.pixels_x, kind.pixels_y) * kind.pixel_scale_arcsec / _ARCSEC_PER_ARCMIN
