"""Request groups and observations of a dump."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from pydantic import ValidationError

from armillary.accounts.models import User
from armillary.core.observatory import Observatory
from armillary.core.requests.durations import RequestDuration, UnknownInstrumentType, request_duration
from armillary.core.requests.model import Request as RequestModel
from armillary.portal.observations.models import ConfigurationStatus, Observation, Summary
from armillary.portal.requestgroups.models import (
    Configuration,
    DraftRequestGroup,
    Request,
    RequestDocument,
    RequestGroup,
    Window,
)
from armillary.portal.takeover.dump import Dump, Json, moment, moments

_LONGEST_S = 2**31 - 1
"""What the column of durations holds; a request that takes longer, or less than no time, was never observed."""


@dataclass
class Requests:
    """Takes over what was asked for."""

    dump: Dump
    people: Mapping[int, User]
    observatory: Observatory

    def __post_init__(self) -> None:
        one = ("target", "constraints", "guidingconfig", "acquisitionconfig")
        self._parts: dict[str, dict[int, Json]] = {
            name: {item["configuration"]: item for item in self.dump.of(f"requestgroups.{name}")} for name in one
        }
        self._instrument_configs = self.dump.by("requestgroups.instrumentconfig", "configuration")
        self._rois = self.dump.by("requestgroups.regionofinterest", "instrument_config")
        self._configurations = self.dump.by("requestgroups.configuration", "request")
        self._windows = self.dump.by("requestgroups.window", "request")
        self._locations = {item["request"]: item for item in self.dump.of("requestgroups.location")}
        self.without_duration: list[int] = []
        """Requests whose duration cannot be computed from what the dump and the observatory say."""

    def take_over(self) -> None:
        """Create or update request groups, requests and drafts."""
        for item in self.dump.of("requestgroups.requestgroup"):
            names = ("name", "observation_type", "operator", "ipp_value", "state")
            values = {name: item[name] for name in names} | moments(item, "created", "modified")
            _put(
                RequestGroup,
                item["pk"],
                {**values, "submitter": self.people[item["submitter"]], "proposal_id": item["proposal"]},
            )
        for item in self.dump.of("requestgroups.request"):
            self._take_over_request(item)
        for item in self.dump.of("requestgroups.draftrequestgroup"):
            values = {name: item[name] for name in ("title", "content")} | moments(item, "created", "modified")
            author = self.people[item["author"]]
            _put(DraftRequestGroup, item["pk"], {**values, "author": author, "proposal_id": item["proposal"]})

    def _take_over_request(self, item: Json) -> None:
        key = item["pk"]
        document = self._document(item)
        duration = self._duration(key, document)
        location = document.get("location") or {}
        windows = [moments(window, "start", "end") for window in self._windows.get(key, ())]
        _put(
            Request,
            key,
            {
                **moments(item, "suspend_until", "created", "modified"),
                **{name: location.get(name, "") for name in ("telescope_class", "site", "enclosure", "telescope")},
                "request_group_id": item["request_group"],
                "state": item["state"],
                "acceptability_threshold": item["acceptability_threshold"],
                "configuration_repeats": item["configuration_repeats"],
                "duration_s": 0 if duration is None else duration.seconds,
                "durations": {} if duration is None else dict(duration.by_instrument_type),
                "observatory_version": self.observatory.etag,
                "first_start": min((window["start"] for window in windows if window["start"]), default=None),
                "last_end": max((window["end"] for window in windows if window["end"]), default=None),
            },
        )
        for window in self._windows.get(key, ()):
            _put(Window, window["pk"], {**moments(window, "start", "end"), "request_id": key})
        for index, configuration in enumerate(document["configurations"]):
            seconds = 0.0 if duration is None else duration.configurations[index].seconds
            _put(Configuration, configuration["id"], {"request_id": key, **_columns(configuration, seconds)})
        RequestDocument.objects.update_or_create(
            request_id=key, defaults={"content": json.dumps(document, separators=(",", ":"))}
        )

    def _document(self, item: Json) -> Json:
        names = ("observation_note", "optimization_type", "acceptability_threshold", "configuration_repeats")
        document: Json = {name: item[name] for name in (*names, "extra_params")}
        document["configurations"] = [self._configuration(row) for row in self._configurations.get(item["pk"], ())]
        if location := self._locations.get(item["pk"]):
            places = ("telescope_class", "site", "enclosure", "telescope")
            document["location"] = {name: location[name] for name in places}
        else:
            document["location"] = None
        document["windows"] = [
            {"start": window["start"], "end": window["end"]} for window in self._windows.get(item["pk"], ())
        ]
        return document

    def _configuration(self, row: Json) -> Json:
        key = row["pk"]
        names = ("instrument_type", "type", "repeat_duration", "extra_params", "priority")
        return {
            "id": key,
            **{name: row[name] for name in names},
            "instrument_configs": [self._instrument_config(item) for item in self._instrument_configs.get(key, ())],
            "constraints": self._part("constraints", key),
            "acquisition_config": self._part("acquisitionconfig", key),
            "guiding_config": self._part("guidingconfig", key),
            "target": self._part("target", key),
        }

    def _part(self, name: str, configuration: int) -> Json | None:
        """An object of which a configuration has one, or, in an incomplete dump, none."""
        found = self._parts[name].get(configuration)
        return None if found is None else _without(found, "pk", "configuration")

    def _instrument_config(self, item: Json) -> Json:
        rois = [_without(roi, "pk", "instrument_config") for roi in self._rois.get(item["pk"], ())]
        return {**_without(item, "pk", "configuration"), "rois": rois}

    def _duration(self, key: int, document: Json) -> RequestDuration | None:
        try:
            duration = request_duration(RequestModel.model_validate(document), self.observatory)
        except (ValidationError, UnknownInstrumentType, LookupError, ValueError):
            duration = None
        if duration is not None and 0 <= duration.seconds <= _LONGEST_S:
            return duration
        self.without_duration.append(key)
        return None


def _without(item: Json, *names: str) -> Json:
    return {name: value for name, value in item.items() if name not in names}


def _columns(configuration: Json, seconds: float) -> Json:
    target = configuration["target"] or {}
    repeats = "REPEAT" in configuration["type"] and configuration["repeat_duration"] is not None
    exposed = sum(item["exposure_time"] * item["exposure_count"] for item in configuration["instrument_configs"])
    return {
        "priority": configuration["priority"],
        "instrument_type": configuration["instrument_type"],
        "type": configuration["type"],
        "target_name": target.get("name") or "",
        "right_ascension_deg": target.get("ra") if target.get("type") == "ICRS" else None,
        "duration_s": seconds,
        "requested_s": configuration["repeat_duration"] if repeats else exposed,
        "repeats": repeats,
    }


def take_over_observations(dump: Dump) -> None:
    """Create or update observations, their executions and summaries."""
    for item in dump.of("observations.observation"):
        names = ("site", "enclosure", "telescope", "priority", "state")
        values = {name: item[name] for name in names} | moments(item, "start", "end", "created", "modified")
        _put(Observation, item["pk"], {**values, "request_id": item["request"]})
    for item in sorted(dump.of("observations.configurationstatus"), key=lambda item: item["pk"]):
        values = {name: item[name] for name in ("instrument_name", "guide_camera_name", "state")} | moments(
            item, "created", "modified"
        )
        keys = {"configuration_id": item["configuration"], "observation_id": item["observation"]}
        _put(ConfigurationStatus, item["pk"], values | keys)
    for item in dump.of("observations.summary"):
        values = {name: item[name] for name in ("state", "reason", "time_completed", "events")}
        values |= moments(item, "start", "end", "created", "modified")
        _put(Summary, item["pk"], {**values, "configuration_status_id": item["configuration_status"]})


def _put(model: type[Model], key: Any, values: Mapping[str, Any]) -> None:
    """Create a row under its id, or update it."""
    if not model._default_manager.filter(pk=key).update(**values):  # noqa: SLF001  documented API of Django
        model._default_manager.bulk_create([model(pk=key, **values)])  # noqa: SLF001  the same


__all__ = ["Requests", "moment", "take_over_observations"]
