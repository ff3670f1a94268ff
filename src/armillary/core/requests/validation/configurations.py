"""Rules for configurations: what an instrument type can do, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from armillary.core.observatory import InstrumentType
from armillary.core.requests.durations import exposures_duration_s
from armillary.core.requests.facts import NON_FIELD, Errors, ValidationContext
from armillary.core.requests.model import Configuration, Constraints
from armillary.core.requests.submission import Reading, SubmittedConfiguration, read
from armillary.core.requests.validation.modes import (
    ACQUISITION,
    EXPOSURE,
    GUIDING,
    READOUT,
    ROTATOR,
    choose_mode,
)
from armillary.core.requests.validation.optics import check_optical_elements, check_regions
from armillary.core.requests.validation.refusals import refuse, refuse_all
from armillary.core.requests.validation.schemas import apply_schema
from armillary.core.requests.validation.targets import check_target

DITHER_PATTERNS: Final = ("line", "grid", "spiral", "custom")
WITHOUT_TARGET: Final = frozenset({"BIAS", "DARK", "SKY_FLAT", "NRES_BIAS", "NRES_DARK"})
"""Types whose target is a formality when they are submitted directly."""


@dataclass(slots=True)
class Work:
    """A configuration while it is checked: the document grows its defaults, the refusals gather."""

    document: dict[str, Any]
    instrument_type: InstrumentType
    context: ValidationContext
    errors: Errors

    def refuse(self, message: str, field: str = NON_FIELD) -> None:
        """Add a refusal."""
        refuse(self.errors, message, field)


def check_configuration_rules(body: object, context: ValidationContext) -> Reading:
    """A configuration with its defaults, and everything that is wrong with it."""
    reading = read(SubmittedConfiguration, body)
    if reading.document is None:
        return reading
    document = reading.document
    errors = _check_parts(document)
    instrument_type = _instrument_type(document, context, errors)
    if instrument_type is None:
        return Reading(None, errors)
    document = {**document, "instrument_type": instrument_type.code}
    work = Work(document, instrument_type, context, errors)
    for rule in _RULES:
        rule(work)
    return Reading(None if work.errors else work.document, work.errors)


def check_direct_configuration(body: object, context: ValidationContext) -> Reading:
    """A configuration of a direct submission: whoever stands at the telescope knows its modes and elements."""
    reading = read(SubmittedConfiguration, body)
    if reading.document is None:
        return reading
    document = reading.document
    errors: Errors = {}
    target, refused = check_target(document["target"])
    if refused and document["type"] not in WITHOUT_TARGET:
        refuse_all(errors, {"target": refused})
    document = {**document, "target": {key: target[key] for key in target if key in document["target"]}}
    instrument_type = _instrument_type(document, context, errors, include_unschedulable=True)
    if instrument_type is None:
        return Reading(None, errors)
    kind = instrument_type.configuration_types.get(document["type"])
    filled, broken = apply_schema(kind.validation_schema if kind else {}, document)
    refuse_all(errors, broken)
    filled = {**filled, "instrument_type": instrument_type.code}
    return Reading(None if errors else filled, errors)


def _check_parts(document: dict[str, Any]) -> Errors:
    """Rules of the parts: the target; at least one instrument config. Constraints get their defaults."""
    errors: Errors = {}
    document["target"], refused = check_target(document["target"])
    if refused:
        refuse_all(errors, {"target": refused})
    if not document["instrument_configs"]:
        refuse(errors, "A configuration must have at least one instrument configuration", "instrument_configs")
    defaults = Constraints().model_dump(include={"max_airmass", "min_lunar_distance", "max_lunar_phase"})
    document["constraints"] = {**defaults, **document["constraints"]}
    document.setdefault("extra_params", {})
    return errors


def _instrument_type(
    document: dict[str, Any], context: ValidationContext, errors: Errors, *, include_unschedulable: bool = False
) -> InstrumentType | None:
    code = document["instrument_type"]
    known = context.observatory.instrument_types(include_unschedulable=include_unschedulable or context.is_staff)
    found = known.get(code.upper())
    if found is None:
        choices = ", ".join(known) or "none"
        refuse(errors, f"Invalid instrument type {code}. Valid instruments may include: {choices}", "instrument_type")
    return found


# --- rules, in the order in which they fill the document ---


def _choose_guiding(work: Work) -> None:
    work.document["guiding_config"] = choose_mode(
        GUIDING, work.document["guiding_config"], work.instrument_type, work.errors
    )


def _check_type(work: Work) -> None:
    kind, code = work.document["type"], work.instrument_type.code
    found = work.instrument_type.configuration_types.get(kind)
    if found is None:
        choices = ", ".join(item.code for item in work.instrument_type.configuration_types.values() if item.schedulable)
        work.refuse(f"configuration type {kind} is not valid for instrument type {code}; choose from {choices}")
    elif not found.schedulable:
        work.refuse(f"configuration type {kind} is not schedulable for instrument type {code}")


def _choose_acquisition(work: Work) -> None:
    kind = work.instrument_type.configuration_types.get(work.document["type"])
    acquisition = work.document["acquisition_config"]
    if kind and kind.force_acquisition_off:
        acquisition = {**acquisition, "mode": "OFF"}
    else:
        acquisition = choose_mode(ACQUISITION, acquisition, work.instrument_type, work.errors)
    work.document["acquisition_config"] = acquisition if acquisition.get("mode") else {**acquisition, "mode": "OFF"}


def _apply_observatory_schemas(work: Work) -> None:
    kind = work.instrument_type.configuration_types.get(work.document["type"])
    for schema in (work.instrument_type.validation_schema, kind.validation_schema if kind else {}):
        work.document, broken = apply_schema(schema, work.document)
        refuse_all(work.errors, broken)


def _choose_modes_of_exposures(work: Work) -> None:
    has_rotator = "rotator" in work.instrument_type.mode_groups
    has_exposure = "exposure" in work.instrument_type.mode_groups
    slots = [READOUT, *([ROTATOR] if has_rotator else []), *([EXPOSURE] if has_exposure else [])]
    configs = []
    for config in work.document["instrument_configs"]:
        chosen = config
        for slot in slots:
            chosen = choose_mode(slot, chosen, work.instrument_type, work.errors)
        configs.append(chosen)
    work.document["instrument_configs"] = configs


def _check_optics(work: Work) -> None:
    kind = work.instrument_type.configuration_types.get(work.document["type"])
    groups = work.context.observatory.optical_element_groups(work.instrument_type.code)
    work.document["instrument_configs"] = check_optical_elements(
        work.document["instrument_configs"],
        groups,
        required=kind is None or kind.requires_optical_elements,
        code=work.instrument_type.code,
        errors=work.errors,
    )


def _check_regions(work: Work) -> None:
    cameras = work.context.observatory.science_cameras(work.instrument_type.code)
    camera = cameras[0].camera_type if cameras else None
    for config in work.document["instrument_configs"]:
        if config.get("rois"):
            config["rois"] = check_regions(config["rois"], camera, work.instrument_type.code, work.errors)


def _check_script(work: Work) -> None:
    if work.document["type"] == "SCRIPT" and not work.document["extra_params"].get("script_name"):
        work.refuse("Must specify a script_name in the extra_params of a configuration of type SCRIPT")


def _check_repeat(work: Work) -> None:
    kind, duration_s = work.document["type"], work.document.get("repeat_duration")
    if "REPEAT" not in kind:
        if duration_s is not None:
            work.refuse("You may only specify a repeat_duration for REPEAT_* type configurations.")
        return
    if duration_s is None and not work.document.get("fill_window"):
        work.refuse(f"Must specify a repeat_duration for {kind} type configurations, or set fill_window.")
        return
    least_s = exposures_duration_s(Configuration.model_validate(work.document), work.instrument_type)
    if duration_s is None:
        work.document["repeat_duration"] = least_s
    elif duration_s < least_s:
        work.refuse(
            f"Configuration repeat_duration of {duration_s} is less than the minimum of {least_s} required to repeat"
            " at least once"
        )


def _check_dither(work: Work) -> None:
    extra_params = work.document["extra_params"]
    pattern = extra_params.get("dither_pattern")
    offsets = [
        config.get("extra_params", {}).get(key)
        for config in work.document["instrument_configs"]
        for key in ("offset_ra", "offset_dec")
    ]
    is_dithered = any(offsets)
    if pattern is not None and not is_dithered:
        work.refuse(
            f"You set a dither pattern of {pattern} but no instrument_config has offset_ra or offset_dec in its"
            " extra_params; set offsets, or leave the pattern out"
        )
    elif pattern is not None and pattern not in DITHER_PATTERNS:
        work.refuse(
            f"Invalid dither pattern {pattern} set in the configuration extra_params,"
            f" choose from {', '.join(DITHER_PATTERNS)}"
        )
    elif is_dithered and pattern is None:
        work.document["extra_params"] = {**extra_params, "dither_pattern": "custom"}


_RULES: Final[tuple[Callable[[Work], None], ...]] = (
    _choose_guiding,
    _check_type,
    _choose_acquisition,
    _apply_observatory_schemas,
    _choose_modes_of_exposures,
    _check_optics,
    _check_regions,
    _check_script,
    _check_repeat,
    _check_dither,
)
