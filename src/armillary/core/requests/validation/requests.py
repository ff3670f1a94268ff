"""Rules for requests: location, windows, instruments, and whether it can be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from armillary import riseset
from armillary.core.requests.durations import RequestDuration, request_duration
from armillary.core.requests.facts import Errors, ValidationContext, semester_of
from armillary.core.requests.model import Request
from armillary.core.requests.submission import (
    CadenceRequest,
    DirectRequest,
    Reading,
    SubmittedRequest,
    items,
    not_a_choice,
    read,
)
from armillary.core.requests.validation.configurations import check_configuration_rules, check_direct_configuration
from armillary.core.requests.validation.refusals import refuse, refuse_all
from armillary.core.requests.visibility import RequestVisibility, visible_windows

MOSAIC_PATTERNS: Final = ("line", "grid", "custom")
_SECONDS_PER_HOUR: Final = 3600.0
_MARGIN_S: Final = 1.0
"""How much shorter than the visible interval a request that fills its window is made."""


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request with its defaults, how long it takes, when it can be seen, or what is wrong with it."""

    document: dict[str, Any] | None
    errors: Errors
    duration: RequestDuration | None = None
    visibility: RequestVisibility | None = None


@dataclass(slots=True)
class _Work:
    document: dict[str, Any]
    context: ValidationContext
    errors: Errors = field(default_factory=dict)


def check_request_rules(body: object, context: ValidationContext) -> CheckedRequest:
    """A request with its defaults, and everything that is wrong with it."""
    document, errors = _read_with_configurations(SubmittedRequest, body, context, check_configuration_rules)
    if isinstance(body, Mapping) and body.get("cadence") is not None:
        refuse(errors, "Please use the cadence endpoint to expand your cadence request", "cadence")
    if document is not None:
        document.pop("cadence", None)
        _check_location(document, context, errors)
        _check_windows(document, context, errors)
    return _complete(document, context, errors)


def check_cadence_request_rules(body: object, context: ValidationContext) -> CheckedRequest:
    """A request with a cadence instead of windows, not yet looked at in the sky."""
    document, errors = _read_with_configurations(CadenceRequest, body, context, check_configuration_rules)
    if items(body, "windows"):
        refuse(errors, "Cadence requests may not contain windows", "windows")
    if document is not None:
        document.pop("windows", None)
        _check_location(document, context, errors)
        _check_cadence(document["cadence"], context, errors)
    if document is None or errors:
        return CheckedRequest(None, errors)
    work = _Work(document, context)
    for rule in (_check_instruments, _fill_threshold, _check_mosaic_pattern):
        rule(work)
    return CheckedRequest(None if work.errors else work.document, work.errors)


def check_direct_request_rules(body: object, context: ValidationContext) -> CheckedRequest:
    """A request of a direct submission, which comes with its place and time."""
    document, errors = _read_with_configurations(DirectRequest, body, context, check_direct_configuration)
    if document is None or errors:
        return CheckedRequest(None, errors)
    document = {key: value for key, value in document.items() if key not in ("location", "windows", "cadence")}
    work = _Work(document, context)
    _fill_threshold(work)
    return CheckedRequest(
        work.document, {}, request_duration(Request.model_validate(work.document), context.observatory)
    )


# --- reading ---


def _read_with_configurations(
    model: type[SubmittedRequest],
    body: object,
    context: ValidationContext,
    check: Callable[[object, ValidationContext], Reading],
) -> tuple[dict[str, Any] | None, Errors]:
    reading = read(model, body)
    errors = reading.errors
    checked = [check(item, context) for item in items(body, "configurations")]
    if any(item.errors for item in checked):
        refuse_all(errors, {"configurations": [item.errors for item in checked]})
    if reading.document is None:
        return None, errors
    document = {**reading.document, "configurations": [item.document or {} for item in checked]}
    if not checked:
        refuse(errors, "You must specify at least 1 configuration", "configurations")
    if sum(bool(item.get("fill_window")) for item in items(body, "configurations") if isinstance(item, dict)) > 1:
        refuse(errors, "Only one configuration can have `fill_window` set", "configurations")
    for index, configuration in enumerate(document["configurations"]):
        configuration["priority"] = index + 1
    return document, errors


# --- location ---


def _check_location(document: dict[str, Any], context: ValidationContext, errors: Errors) -> None:
    location, observatory = document["location"], context.observatory
    refused: Errors = {}
    choices = {
        "telescope_class": observatory.telescope_classes(),
        "site": observatory.site_codes(),
        "enclosure": observatory.enclosure_codes(),
        "telescope": observatory.telescope_codes(),
    }
    for key, known in choices.items():
        if key in location and location[key] not in known:
            refuse(refused, not_a_choice(location[key], known), key)
    if not refused:
        _check_place(location, context, refused)
    if refused:
        refuse_all(errors, {"location": refused})


def _check_place(location: dict[str, Any], context: ValidationContext, refused: Errors) -> None:
    site, enclosure, telescope = (location.get(key, "") for key in ("site", "enclosure", "telescope"))
    if enclosure and not site:
        refuse(refused, "Must specify a site with an enclosure.")
    elif telescope and not (enclosure and site):
        refuse(refused, "Must specify a site and an enclosure with a telescope.")
    elif enclosure and enclosure not in (known := context.observatory.enclosure_codes(site)):
        refuse(refused, f"Enclosure {enclosure} is not valid. Valid choices: {', '.join(known)}")
    elif telescope and telescope not in (known := context.observatory.telescope_codes(site, enclosure)):
        refuse(refused, f"Telescope {telescope} is not valid. Valid choices: {', '.join(known)}")


# --- windows and cadence ---


def _check_windows(document: dict[str, Any], context: ValidationContext, errors: Errors) -> None:
    windows = document["windows"]
    if not windows:
        refuse(errors, "You must specify at least 1 window", "windows")
        return
    for window in windows:
        window.setdefault("start", context.now)
    refused = [_window_errors(window["start"], window["end"], context) for window in windows]
    if any(refused):
        refuse_all(errors, {"windows": refused})
        return
    semesters = {semester_of(context.semesters, window["start"], window["end"]) for window in windows}
    if len(semesters) > 1:
        refuse(errors, "The observation windows must all be in the same semester", "windows")


def _window_errors(start: datetime, end: datetime, context: ValidationContext) -> Errors:
    errors: Errors = {}
    if end < context.now:
        refuse(errors, "Window end time must be in the future", "end")
    elif end <= start:
        refuse(errors, f"Window end '{end}' cannot be earlier than window start '{start}'.")
    elif semester_of(context.semesters, start, end) is None:
        known = ", ".join(f"{item.id} ({item.start:%Y-%m-%d} to {item.end:%Y-%m-%d})" for item in context.semesters)
        refuse(errors, f"The observation window does not fit within any defined semester. Semesters: {known or 'none'}")
    return errors


def _check_cadence(cadence: dict[str, Any], context: ValidationContext, errors: Errors) -> None:
    start, end = cadence["start"], cadence["end"]
    if end < context.now:
        refuse_all(errors, {"cadence": {"end": ["End time must be in the future"]}})
    elif start >= end:
        message = f"Cadence end '{end}' cannot be earlier than cadence start '{start}'."
        refuse_all(errors, {"cadence": {"non_field_errors": [message]}})


# --- the request as a whole ---


def _complete(document: dict[str, Any] | None, context: ValidationContext, errors: Errors) -> CheckedRequest:
    if document is None or errors:
        return CheckedRequest(None, errors)
    work = _Work(document, context)
    for rule in (_check_instruments, _fill_threshold, _check_mosaic_pattern):
        rule(work)
    if work.errors:
        return CheckedRequest(None, work.errors)
    return _look(work)


def may_use_unschedulable(location: dict[str, Any], context: ValidationContext) -> bool:
    """Staff who name one telescope may use what is not in normal operation there."""
    return context.is_staff and all(location.get(key) for key in ("telescope_class", "site", "enclosure", "telescope"))


def _check_instruments(work: _Work) -> None:
    location = work.document["location"]
    privileged = may_use_unschedulable(location, work.context)
    at = {key: location.get(key, "") for key in ("telescope_class", "site", "enclosure", "telescope")}
    observatory = work.context.observatory
    known = observatory.instrument_types(include_unschedulable=True)
    here = [code for code in known if observatory.instruments_of(code, **at, include_unschedulable=privileged)]
    wanted = dict.fromkeys(item["instrument_type"] for item in work.document["configurations"])
    for code in wanted:
        if code in here:
            continue
        place = ", ".join(
            f"{name}={at[key] or 'Any'}" for name, key in (("site", "site"), ("enc", "enclosure"), ("tel", "telescope"))
        )
        hint = ""
        if work.context.is_staff and not privileged:
            hint = " Staff may use instruments that are not schedulable if the location names one telescope in full."
        message = f"Invalid instrument type '{code}' at {place}. Valid instruments include: {', '.join(here)}.{hint}"
        refuse(work.errors, message)
    if not work.errors and len(wanted) > 1:
        _check_one_telescope(work, list(wanted), at, include_unschedulable=privileged)


def _check_one_telescope(work: _Work, wanted: list[str], at: dict[str, str], *, include_unschedulable: bool) -> None:
    hosts = [
        {
            item.telescope_key
            for item in work.context.observatory.instruments_of(code, **at, include_unschedulable=include_unschedulable)
        }
        for code in wanted
    ]
    if not set.intersection(*hosts):
        refuse(
            work.errors,
            f"No telescope at this location has all of the instrument types {', '.join(wanted)}, and a request is"
            " observed on one telescope; make a request of each",
        )


def _fill_threshold(work: _Work) -> None:
    """What must be done for the request to be complete, unless it says so itself: what its instruments usually need."""
    if work.document.get("acceptability_threshold") is None:
        found = (work.context.observatory.instrument_type(item["instrument_type"]) for item in _configurations(work))
        thresholds = [item.default_acceptability_threshold for item in found if item]
        work.document["acceptability_threshold"] = max(thresholds)


def _configurations(work: _Work) -> Sequence[dict[str, Any]]:
    found: Sequence[dict[str, Any]] = work.document["configurations"]
    return found


def _check_mosaic_pattern(work: _Work) -> None:
    pattern = work.document.get("extra_params", {}).get("mosaic_pattern")
    if pattern is not None and pattern not in MOSAIC_PATTERNS:
        refuse(
            work.errors,
            f"Invalid mosaic pattern {pattern} set in the request extra_params,"
            f" choose from {', '.join(MOSAIC_PATTERNS)}",
        )


# --- the sky ---


def _look(work: _Work) -> CheckedRequest:
    context = work.context
    request = Request.model_validate(work.document)
    duration = request_duration(request, context.observatory)
    try:
        visibility = visible_windows(
            request,
            context.observatory,
            downtimes=context.downtimes,
            include_unschedulable=may_use_unschedulable(work.document["location"], context),
        )
    except riseset.EphemerisRange as refusal:
        refuse(work.errors, f"Nothing is known of the sky at that time: {refusal}", "windows")
        return CheckedRequest(None, work.errors)
    longest_s = visibility.largest_interval_s(after=context.now)
    if _fill_window(work, (longest_s - duration.seconds) / duration.repeats):
        duration = request_duration(Request.model_validate(work.document), context.observatory)
    _check_visible(work, longest_s, duration)
    return CheckedRequest(None if work.errors else work.document, work.errors, duration, visibility)


def _check_visible(work: _Work, longest_s: float, duration: RequestDuration) -> None:
    if longest_s <= 0:
        refuse(work.errors, _NEVER_VISIBLE)
    elif longest_s <= duration.seconds:
        refuse(
            work.errors,
            "According to the constraints of the request, the target will only be visible for a maximum of"
            f" {longest_s / _SECONDS_PER_HOUR:.2f} hours at a time within the time window, and the request takes"
            f" {duration.seconds / _SECONDS_PER_HOUR:.2f} hours. Extend the window, loosen the airmass or lunar"
            " constraints, or shorten the request.",
        )


_NEVER_VISIBLE: Final = (
    "According to the constraints of the request, the target will not be visible within the time window. Check that it"
    " is up at night then at one of the telescopes of the location; extend the window, or loosen the airmass or lunar"
    " constraints. For orbits, check the elements."
)


def _fill_window(work: _Work, spare_s: float) -> bool:
    """Make the configuration that is to fill the window as long as the sky allows; whether there is one."""
    found = False
    for configuration in work.document["configurations"]:
        fill = configuration.pop("fill_window", None)
        if fill and "REPEAT" in configuration["type"] and spare_s > _MARGIN_S:
            configuration["repeat_duration"] += spare_s - _MARGIN_S
            found = True
    return found
