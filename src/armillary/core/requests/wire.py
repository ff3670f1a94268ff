"""The two flavours in which the wire writes the request language: lists and details.

Scheduler and telescope read the list flavour; whoever submits or opens one thing reads the detail flavour. They
differ in keys, order and in what becomes of nulls. The functions here turn *complete documents* into either: plain
dictionaries in the wire's names that hold every key, as :func:`complete_document` makes them. Nothing is validated
and no object built, so that thousands of requests can be listed quickly.

A key that a document lacks is written as its default; the portal lays the values of its rows (`id`, `state`,
`modified`) over the stored document before it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from armillary.core.requests.instants import format_time
from armillary.core.requests.model import target_fields

Document = Mapping[str, Any]
Json = dict[str, Any]

_ROI_KEYS: Final = ("x1", "x2", "y1", "y2")
_LOCATION_LISTED: Final = ("telescope_class", "site", "enclosure", "telescope")
_LOCATION_DETAILED: Final = ("site", "enclosure", "telescope", "telescope_class")


def complete_document(model: BaseModel) -> Json:
    """Every key of the object with its value or default, in JSON's types: what to store."""
    return model.model_dump(mode="json")


def _time(value: datetime | str | None) -> str | None:
    return format_time(value) if isinstance(value, datetime) else value


# --- parts that both flavours share ---


def window(document: Document) -> Json:
    """A window."""
    return {"start": _time(document["start"]), "end": _time(document["end"])}


def region_of_interest(document: Document) -> Json:
    """A region of interest."""
    return {key: document.get(key) for key in _ROI_KEYS}


def guiding_config(document: Document) -> Json:
    """A guiding config: nulls kept in both flavours."""
    return {
        "optional": document.get("optional", True),
        "mode": document.get("mode", ""),
        "optical_elements": document.get("optical_elements", {}),
        "exposure_time": document.get("exposure_time"),
        "extra_params": document.get("extra_params", {}),
    }


def _instrument_config(document: Document) -> Json:
    return {
        "optical_elements": document.get("optical_elements", {}),
        "mode": document.get("mode", ""),
        "exposure_time": document["exposure_time"],
        "exposure_count": document["exposure_count"],
        "rotator_mode": document.get("rotator_mode", ""),
        "extra_params": document.get("extra_params", {}),
    }


# --- lists ---


def listed_request_group(document: Document) -> Json:
    """A request group as lists and the scheduler's feed write it, `is_staff` left out."""
    return {
        "id": document.get("id"),
        "submitter": document.get("submitter", ""),
        "proposal": document["proposal"],
        "name": document["name"],
        "observation_type": document["observation_type"],
        "operator": document["operator"],
        "ipp_value": document["ipp_value"],
        "state": document.get("state", "PENDING"),
        "created": _time(document.get("created")),
        "modified": _time(document.get("modified")),
        "requests": [listed_request(request) for request in document["requests"]],
    }


def listed_request(document: Document, *, with_place: bool = True) -> Json:
    """A request as lists write it; inside observations without its location and windows.

    A document that has no key `location` or `windows` gives none: that is how a direct request without an observation
    looks on the wire.
    """
    listed: Json = {
        "id": document.get("id"),
        "observation_note": document.get("observation_note", ""),
        "optimization_type": document.get("optimization_type", "TIME"),
        "state": document.get("state", "PENDING"),
        "suspend_until": _time(document.get("suspend_until")),
        "acceptability_threshold": document.get("acceptability_threshold", 90.0),
        "configuration_repeats": document.get("configuration_repeats", 1),
        "extra_params": document.get("extra_params", {}),
        "modified": _time(document.get("modified")),
        "duration": document.get("duration"),
        "configurations": [listed_configuration(item) for item in document["configurations"]],
    }
    if with_place and "location" in document:
        listed["location"] = listed_location(document["location"])
    if with_place and "windows" in document:
        listed["windows"] = [window(item) for item in document["windows"]]
    return listed


def listed_location(document: Document | None) -> Json:
    """A location as lists write it: empty codes left out, `{}` if there is none."""
    return {key: value for key in _LOCATION_LISTED if (value := document.get(key))} if document else {}


def listed_configuration(document: Document) -> Json:
    """A configuration as lists write it."""
    return {
        "id": document.get("id"),
        "instrument_type": document["instrument_type"],
        "type": document["type"],
        "repeat_duration": document.get("repeat_duration"),
        "extra_params": document.get("extra_params", {}),
        "priority": document.get("priority", 500),
        "instrument_configs": [listed_instrument_config(item) for item in document["instrument_configs"]],
        "constraints": listed_constraints(document.get("constraints") or {}),
        "acquisition_config": listed_acquisition_config(document.get("acquisition_config") or {}),
        "guiding_config": guiding_config(document.get("guiding_config") or {}),
        "target": listed_target(document.get("target")),
    }


def listed_instrument_config(document: Document) -> Json:
    """An instrument config as lists write it: regions of interest always there."""
    listed = _instrument_config(document)
    listed["rois"] = [region_of_interest(item) for item in document.get("rois") or ()]
    return listed


def listed_constraints(document: Document) -> Json:
    """Constraints as lists write them: nulls left out."""
    return _without_nulls(detailed_constraints(document))


def listed_acquisition_config(document: Document) -> Json:
    """An acquisition config as lists write it: nulls left out."""
    return _without_nulls(detailed_acquisition_config(document))


def listed_target(document: Document | None) -> Json:
    """A target as lists write it: every field of its type, nulls included; `{}` if there is none."""
    if not document:
        return {}
    fields = target_fields(document["type"], document.get("scheme"))
    return {**{name: document.get(name) for name in fields}, "extra_params": document.get("extra_params", {})}


# --- details ---


def detailed_request_group(document: Document) -> Json:
    """A request group as create, retrieve and cancel answer it."""
    return {
        "id": document.get("id"),
        "requests": [detailed_request(request) for request in document["requests"]],
        "submitter": document.get("submitter", ""),
        "name": document["name"],
        "observation_type": document["observation_type"],
        "operator": document["operator"],
        "ipp_value": document["ipp_value"],
        "created": _time(document.get("created")),
        "state": document.get("state", "PENDING"),
        "modified": _time(document.get("modified")),
        "proposal": document["proposal"],
    }


def detailed_request(document: Document, *, with_place: bool = True) -> Json:
    """A request as create and retrieve answer it; in direct submissions without its location and windows."""
    place: Json = {}
    if with_place:
        place = {"location": detailed_location(document.get("location"))}
    detailed: Json = {
        "id": document.get("id"),
        **place,
        "configurations": [detailed_configuration(item) for item in document["configurations"]],
    }
    if with_place:
        detailed["windows"] = [window(item) for item in document.get("windows") or ()]
    return detailed | {
        "duration": document.get("duration"),
        "observation_note": document.get("observation_note", ""),
        "optimization_type": document.get("optimization_type", "TIME"),
        "state": document.get("state", "PENDING"),
        "suspend_until": _time(document.get("suspend_until")),
        "modified": _time(document.get("modified")),
        "created": _time(document.get("created")),
        "acceptability_threshold": document.get("acceptability_threshold", 90.0),
        "configuration_repeats": document.get("configuration_repeats", 1),
        "extra_params": document.get("extra_params", {}),
    }


def detailed_location(document: Document | None) -> Json | None:
    """A location in detail: empty codes left out, null if there is none."""
    return {key: value for key in _LOCATION_DETAILED if (value := document.get(key))} if document else None


def detailed_configuration(document: Document) -> Json:
    """A configuration in detail: `repeat_duration` only where something repeats."""
    repeat: Json = {"repeat_duration": document.get("repeat_duration")} if "REPEAT" in document["type"] else {}
    return {
        "id": document.get("id"),
        "constraints": _unless_null(detailed_constraints, document.get("constraints", {})),
        "instrument_configs": [detailed_instrument_config(item) for item in document["instrument_configs"]],
        "acquisition_config": _unless_null(detailed_acquisition_config, document.get("acquisition_config", {})),
        "guiding_config": _unless_null(guiding_config, document.get("guiding_config", {})),
        "target": _unless_null(detailed_target, document.get("target")),
        "instrument_type": document["instrument_type"],
        "type": document["type"],
        **repeat,
        "extra_params": document.get("extra_params", {}),
        "priority": document.get("priority", 500),
    }


def detailed_instrument_config(document: Document) -> Json:
    """An instrument config in detail: regions of interest only if there are any."""
    rois = document.get("rois")
    regions: Json = {"rois": [region_of_interest(item) for item in rois]} if rois else {}
    return regions | _instrument_config(document)


def detailed_constraints(document: Document) -> Json:
    """Constraints in detail: nulls kept."""
    return {
        "max_airmass": document.get("max_airmass", 1.6),
        "min_lunar_distance": document.get("min_lunar_distance", 30.0),
        "max_lunar_phase": document.get("max_lunar_phase", 1.0),
        "max_seeing": document.get("max_seeing"),
        "min_transparency": document.get("min_transparency"),
        "extra_params": document.get("extra_params", {}),
    }


def detailed_acquisition_config(document: Document) -> Json:
    """An acquisition config in detail: nulls kept."""
    return {
        "mode": document.get("mode", "OFF"),
        "exposure_time": document.get("exposure_time"),
        "extra_params": document.get("extra_params", {}),
    }


def _unless_null(flavour: Callable[[Document], Json], document: Document | None) -> Json | None:
    """The part in its flavour; null stays null, as in configurations of old portals that lack a part."""
    return None if document is None else flavour(document)


def detailed_target(document: Document | None) -> Json:
    """A target in detail: the fields of its type that have a value."""
    return _without_nulls(listed_target(document))


def _without_nulls(document: Json) -> Json:
    return {key: value for key, value in document.items() if value is not None}
