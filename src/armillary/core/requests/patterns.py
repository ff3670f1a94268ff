"""Patterns of pointings: a dither shifts the exposures of a configuration, a mosaic repeats it beside itself.

Offsets are arcseconds east and north of the target.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from armillary.core.observatory import Observatory
from armillary.core.requests.facts import Errors, ValidationContext
from armillary.core.requests.model import Flag, Integer, Number, WireObject
from armillary.core.requests.submission import NULL, REQUIRED, Reading, items, read
from armillary.core.requests.validation import Checked, check_configuration, check_request
from armillary.core.requests.validation.refusals import refuse

Offset = tuple[float, float]
DitherPattern = Literal["line", "grid", "spiral"]
MosaicPattern = Literal["line", "grid"]

MOST_POINTINGS: Final = 1000
"""How many pointings one pattern may have; more is a typing error."""
_LEAST_COSINE: Final = 0.001
"""Of the declination: next to a pole right ascensions would run away."""
_ARCSEC_PER_DEGREE: Final = 3600.0


# --- offsets ---


def line_offsets(
    count: int, spacing_arcsec: float, *, orientation_deg: float = 0.0, center: bool = False
) -> list[Offset]:
    """Points on a line, northward and turned counter-clockwise by the orientation; from the target, or around it."""
    angle = math.radians(orientation_deg)
    first = -(count - 1) * spacing_arcsec / 2 if center else 0.0
    distances = [first + index * spacing_arcsec for index in range(count)]
    return [(-distance * math.sin(angle), distance * math.cos(angle)) for distance in distances]


def spiral_offsets(count: int, spacing_arcsec: float) -> list[Offset]:
    """The target, then points outward on a spiral of Archimedes, about one spacing apart."""
    turns = [math.sqrt(2.0 * spacing_arcsec * index) for index in range(count)]
    return [(turn * math.cos(turn), turn * math.sin(turn)) for turn in turns]


def grid_offsets(
    rows: int,
    columns: int,
    point_spacing_arcsec: float,
    line_spacing_arcsec: float,
    *,
    orientation_deg: float = 0.0,
    center: bool = False,
) -> list[Offset]:
    """Points of a grid, column by column, every other column backwards, so that each step is a short one."""
    cells = [
        (column, row)
        for column in range(columns)
        for row in (range(rows) if column % 2 == 0 else reversed(range(rows)))
    ]
    x0 = (columns - 1) * line_spacing_arcsec / 2 if center else 0.0
    y0 = (rows - 1) * point_spacing_arcsec / 2 if center else 0.0
    cosine, sine = math.cos(math.radians(orientation_deg)), math.sin(math.radians(orientation_deg))
    offsets = []
    for column, row in cells:
        x, y = column * line_spacing_arcsec - x0, row * point_spacing_arcsec - y0
        offsets.append((x * cosine - y * sine, x * sine + y * cosine))
    return offsets


# --- what the endpoints read ---


class _Pattern(WireObject):
    num_points: Annotated[Integer, Field(ge=1, le=MOST_POINTINGS)] | None = None
    num_rows: Annotated[Integer, Field(ge=1, le=MOST_POINTINGS)] | None = None
    num_columns: Annotated[Integer, Field(ge=1, le=MOST_POINTINGS)] | None = None
    line_spacing: Number | None = None
    orientation: Number = 0.0
    center: Flag = False


class DitherParameters(_Pattern):
    """How to dither a configuration; spacings in arcseconds, orientation in degrees."""

    READ_ONLY: ClassVar[frozenset[str]] = frozenset({"configuration"})

    pattern: DitherPattern
    point_spacing: Number
    configuration: Any


class MosaicParameters(_Pattern):
    """How to tile the sky around a request; by spacings in arcseconds, or by overlaps in percent."""

    READ_ONLY: ClassVar[frozenset[str]] = frozenset({"request"})

    pattern: MosaicPattern
    point_spacing: Number | None = None
    point_overlap_percent: Annotated[Number, Field(ge=0.0, le=100.0)] | None = None
    line_overlap_percent: Annotated[Number, Field(ge=0.0, le=100.0)] | None = None
    request: Any


def _offsets(given: Mapping[str, Any]) -> list[Offset]:
    orientation, center, spacing = given.get("orientation", 0.0), given.get("center", False), given["point_spacing"]
    if given["pattern"] == "line":
        return line_offsets(given["num_points"], spacing, orientation_deg=orientation, center=center)
    if given["pattern"] == "spiral":
        return spiral_offsets(given["num_points"], spacing)
    line_spacing = given.get("line_spacing")
    return grid_offsets(
        given["num_rows"],
        given["num_columns"],
        spacing,
        spacing if line_spacing is None else line_spacing,
        orientation_deg=orientation,
        center=center,
    )


def _check_counts(given: Mapping[str, Any], errors: Errors) -> None:
    if given["pattern"] == "grid":
        rows, columns = given.get("num_rows"), given.get("num_columns")
        if rows is None or columns is None:
            refuse(errors, "Must specify num_rows and num_columns when selecting a grid pattern")
        elif rows * columns > MOST_POINTINGS:
            refuse(errors, f"A grid has at most {MOST_POINTINGS} points; you asked for {rows * columns}")
    elif given.get("num_points") is None:
        refuse(errors, "Must specify num_points when selecting a line or spiral pattern")


def _read(
    model: type[WireObject],
    body: object,
    key: str,
    check: Callable[[object, ValidationContext], Checked],
    context: ValidationContext,
) -> tuple[Reading, Checked]:
    """The parameters, and the thing under a key that they are about."""
    reading = read(model, body)
    errors = {name: value for name, value in reading.errors.items() if name != key}
    present = isinstance(body, Mapping) and key in body
    inner = body[key] if isinstance(body, Mapping) and present else None
    if isinstance(body, Mapping) and inner is None:
        errors[key] = [NULL if present else REQUIRED]
        return Reading(None, errors), Checked(errors, None)
    checked = check(inner, context)
    if checked.errors:
        errors[key] = checked.errors
    if reading.document is not None:
        _check_counts(reading.document, errors)
    return Reading(reading.document, errors), checked


# --- dither ---


def expand_dither(body: object, context: ValidationContext) -> tuple[dict[str, Any] | None, Errors]:
    """The configuration that the dither endpoint answers: its exposures once at every offset.

    Returns:
        The configuration, or None and what is refused.
    """
    reading, checked = _read(DitherParameters, body, "configuration", check_configuration, context)
    if reading.errors or reading.document is None or checked.document is None:
        return None, reading.errors
    return dither(checked.document, _offsets(reading.document), reading.document["pattern"]), {}


def dither(configuration: Mapping[str, Any], offsets: list[Offset], pattern: str) -> dict[str, Any]:
    """The configuration with its instrument configs once at every offset."""
    shifted = []
    for east, north in offsets:
        for config in configuration["instrument_configs"]:
            moved = copy.deepcopy(config)
            offset = {"offset_ra": round(east, 3), "offset_dec": round(north, 3)}
            moved["extra_params"] = {**moved.get("extra_params", {}), **offset}
            shifted.append(moved)
    extra_params = {**configuration.get("extra_params", {}), "dither_pattern": pattern}
    return {**configuration, "instrument_configs": shifted, "extra_params": extra_params}


# --- mosaic ---


def expand_mosaic(body: object, context: ValidationContext) -> tuple[dict[str, Any] | None, Errors]:
    """The request that the mosaic endpoint answers: its configuration once at every offset.

    Returns:
        The request, or None and what is refused.
    """
    reading, checked = _read(MosaicParameters, body, "request", check_request, context)
    given, errors = reading.document, reading.errors
    _check_mosaic_subject(body, errors)
    if given is not None and given.get("point_spacing") is None and given.get("point_overlap_percent") is None:
        refuse(errors, "Must specify either point_spacing or point_overlap_percent")
    if errors or given is None or checked.document is None:
        return None, errors
    request = checked.document
    if given.get("point_spacing") is None:
        code = request["configurations"][0]["instrument_type"]
        given = {**given, **_spacing_of_overlap(given, context.observatory, code)}
    return mosaic(request, _offsets(given), given["pattern"]), {}


def _check_mosaic_subject(body: object, errors: Errors) -> None:
    request = body.get("request") if isinstance(body, Mapping) else None
    configurations = items(request, "configurations")
    target = configurations[0].get("target") if configurations and isinstance(configurations[0], Mapping) else None
    kind = target.get("type") if isinstance(target, Mapping) else None
    if len(configurations) > 1:
        refuse(errors, "Cannot expand a request for mosaicing with more than one configuration set", "request")
    elif kind not in (None, "ICRS") and not errors.get("request"):
        refuse(
            errors,
            "Mosaic expansion is only for ICRS Targets. Try using dither expansion for patterns with other target"
            " types",
            "request",
        )


def _spacing_of_overlap(given: Mapping[str, Any], observatory: Observatory, instrument_type: str) -> dict[str, float]:
    """Spacings that make neighbouring fields overlap by so many percent, by the size and angle of the detector."""
    cameras = observatory.science_cameras(instrument_type)
    if not cameras:
        return {"point_spacing": 0.0, "line_spacing": 0.0}
    camera = cameras[0].camera_type
    angle_deg = sum(item.orientation_deg for item in cameras) / len(cameras)
    cosine, sine = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    width = abs(camera.pixels_x * cosine + camera.pixels_y * sine) * camera.pixel_scale_arcsec
    height = abs(-camera.pixels_x * sine + camera.pixels_y * cosine) * camera.pixel_scale_arcsec
    point_percent = given["point_overlap_percent"]
    line_percent = given.get("line_overlap_percent")
    point = height * (1 - point_percent / 100)
    line = width * (1 - (point_percent if line_percent is None else line_percent) / 100)
    if _lies_sideways(given.get("orientation", 0.0)):
        point, line = line, point
    return {"point_spacing": point, "line_spacing": line}


def _lies_sideways(orientation_deg: float) -> bool:
    """Whether rows of the pattern run along the width of the field rather than its height."""
    turned = orientation_deg % 180.0
    return 45.0 <= turned < 135.0


def mosaic(request: Mapping[str, Any], offsets: list[Offset], pattern: str) -> dict[str, Any]:
    """The request with its one configuration at every offset, in the order of observation."""
    original = request["configurations"][0]
    configurations = []
    for index, (east, north) in enumerate(offsets, start=1):
        moved = copy.deepcopy(original)
        ra_deg, dec_deg = shifted(moved["target"]["ra"], moved["target"]["dec"], east, north)
        moved["target"] = {**moved["target"], "ra": ra_deg, "dec": dec_deg}
        configurations.append({**moved, "priority": index})
    extra_params = {**request.get("extra_params", {}), "mosaic_pattern": pattern}
    return {**request, "configurations": configurations, "extra_params": extra_params}


def shifted(ra_deg: float, dec_deg: float, east_arcsec: float, north_arcsec: float) -> tuple[float, float]:
    """A position moved on the sky: right ascension in 0..360, declination no further than the poles."""
    dec = min(max(dec_deg + north_arcsec / _ARCSEC_PER_DEGREE, -90.0), 90.0)
    cosine = max(math.cos(math.radians(dec)), _LEAST_COSINE)
    return (ra_deg + east_arcsec / _ARCSEC_PER_DEGREE / cosine) % 360.0, dec
