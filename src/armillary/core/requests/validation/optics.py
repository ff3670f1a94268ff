"""Rules for optical elements and regions of interest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from armillary.core.observatory import CameraType, OpticalElementGroup
from armillary.core.requests.facts import Errors
from armillary.core.requests.validation.refusals import refuse


def check_optical_elements(
    configs: list[dict[str, Any]],
    groups: Mapping[str, OpticalElementGroup],
    *,
    required: bool,
    code: str,
    errors: Errors,
) -> list[dict[str, Any]]:
    """The instrument configs with their elements in the observatory's spelling; what is wrong goes to `errors`."""
    by_key = {group.request_key: group for group in groups.values()}
    checked = []
    for config in configs:
        given = config.get("optical_elements", {})
        chosen = {key: _element(key, value, by_key, code, errors) for key, value in given.items()}
        for key, group in by_key.items():
            if required and key not in given:
                choices = ", ".join(element.code for element in group.elements)
                refuse(errors, f"Must set optical element of type {key} for instrument type {code}, one of {choices}")
        checked.append({**config, "optical_elements": chosen} if given else config)
    return checked


def _element(key: str, value: object, groups: Mapping[str, OpticalElementGroup], code: str, errors: Errors) -> object:
    group = groups.get(key)
    if group is None:
        kinds = ", ".join(groups) or "none"
        refuse(errors, f"optical_element of type {key} is not available on {code}; its types are: {kinds}")
        return value
    element = group.element(value) if isinstance(value, str) else None
    if element is None:
        choices = ", ".join(item.code for item in group.elements)
        refuse(errors, f"optical element {value} of type {key} is not available; choose from {choices}")
        return value
    return element.code


def check_regions(
    regions: list[dict[str, Any]], camera: CameraType | None, code: str, errors: Errors
) -> list[dict[str, Any]]:
    """The regions of interest with their missing bounds filled in; what is wrong goes to `errors`."""
    most, width, height = (camera.max_rois, camera.pixels_x, camera.pixels_y) if camera else (0, 0, 0)
    if len(regions) > most:
        refuse(errors, f"Instrument type {code} supports up to {most} regions of interest; you set {len(regions)}")
        return regions
    return [_region(region, (width, height), code, errors) for region in regions]


def _region(region: dict[str, Any], size: tuple[int, int], code: str, errors: Errors) -> dict[str, Any]:
    given = {key: value for key, value in region.items() if value is not None}
    if not given:
        refuse(errors, "Must submit at least one bound for a region of interest")
        return region
    width, height = size
    filled = {"x1": 0, "x2": width, "y1": 0, "y2": height} | given
    if filled["x1"] >= filled["x2"] or filled["y1"] >= filled["y2"]:
        refuse(errors, "Region of interest pixels start must be less than pixels end (x1 < x2 and y1 < y2)")
    if filled["x2"] > width or filled["y2"] > height:
        refuse(
            errors,
            f"Regions of interest for instrument type {code} must be in range 0<=x<={width} and 0<=y<={height}",
        )
    return filled
