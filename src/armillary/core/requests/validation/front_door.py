"""What others call: a body in, refusals or the completed document out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from armillary.core.requests.durations import RequestDuration
from armillary.core.requests.facts import Errors, ValidationContext
from armillary.core.requests.instants import format_time
from armillary.core.requests.model import Configuration, Request, RequestGroup
from armillary.core.requests.submission import (
    SubmittedConfiguration,
    SubmittedRequest,
    SubmittedRequestGroup,
    items,
    read,
)
from armillary.core.requests.validation.configurations import check_configuration_rules
from armillary.core.requests.validation.groups import check_group_rules, check_group_time, run_extra_rules
from armillary.core.requests.validation.refusals import refuse, refuse_all
from armillary.core.requests.validation.requests import (
    CheckedRequest,
    check_cadence_request_rules,
    check_direct_request_rules,
    check_request_rules,
)
from armillary.core.requests.visibility import RequestVisibility


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to a submission."""

    errors: Errors
    document: dict[str, Any] | None
    """The known keys of the body with everything filled in, in JSON's types; None if something is refused."""
    durations: tuple[RequestDuration, ...] = ()
    """Of each request, in order."""
    visibility: tuple[RequestVisibility, ...] = ()
    """Of each request, in order."""

    @property
    def ok(self) -> bool:
        """Whether nothing is refused."""
        return not self.errors

    @property
    def group(self) -> RequestGroup:
        """The document as a request group."""
        return RequestGroup.model_validate(self.document)

    @property
    def request(self) -> Request:
        """The document as a request."""
        return Request.model_validate(self.document)

    @property
    def configuration(self) -> Configuration:
        """The document as a configuration."""
        return Configuration.model_validate(self.document)

    @property
    def request_durations(self) -> dict[str, Any]:
        """`request_durations` of the validate endpoint: seconds of everything, and the longest time it can be seen."""
        if self.errors:
            return {}
        requests = [
            {
                "duration": duration.seconds,
                "configurations": [
                    {
                        "instrument_configs": [{"duration": config.seconds} for config in step.instrument_configs],
                        "duration": step.seconds,
                    }
                    for step in duration.configurations
                ],
                "largest_interval": visibility.largest_interval_s(),
            }
            for duration, visibility in zip(self.durations, self.visibility, strict=True)
        ]
        return {"requests": requests, "duration": sum(duration.seconds for duration in self.durations)}


def parse(body: object) -> tuple[RequestGroup | None, Errors]:
    """A request group, if the body has the shape of one; its sense is not looked at."""
    reading = read(SubmittedRequestGroup, body)
    errors, requests = reading.errors, []
    for item in items(body, "requests"):
        document, refused = _parse_request(item)
        requests.append((document, refused))
    if any(refused for _, refused in requests):
        refuse_all(errors, {"requests": [refused for _, refused in requests]})
    if errors or reading.document is None:
        return None, errors
    return RequestGroup.model_validate({**reading.document, "requests": [document for document, _ in requests]}), {}


def _parse_request(body: object) -> tuple[dict[str, Any] | None, Errors]:
    reading = read(SubmittedRequest, body)
    errors = reading.errors
    configurations = [read(SubmittedConfiguration, item) for item in items(body, "configurations")]
    if any(item.errors for item in configurations):
        refuse_all(errors, {"configurations": [item.errors for item in configurations]})
    if errors or reading.document is None:
        return None, errors
    numbered = [{**(item.document or {}), "priority": index} for index, item in enumerate(configurations, start=1)]
    return {**reading.document, "configurations": numbered}, {}


def check_request_group(body: object, context: ValidationContext) -> Checked:
    """Everything that is wrong with a request group, or the group completed."""
    checked = check_group_rules(body, context)
    if checked.document is None:
        return Checked(checked.errors, None)
    durations, visibility = _facts_of(checked.requests)
    group = RequestGroup.model_validate(checked.document)
    errors = check_group_time(group, durations, context) or run_extra_rules(group, context)
    return Checked(errors, None if errors else _json(checked.document), durations, visibility)


def check(group: RequestGroup, *, context: ValidationContext) -> Errors:
    """Everything that is wrong with a request group that is at hand as an object."""
    return check_request_group(group.model_dump(mode="json", exclude_unset=True), context).errors


def check_request(body: object, context: ValidationContext) -> Checked:
    """Everything that is wrong with a request by itself, its visibility included, or the request completed."""
    return _one(check_request_rules(body, context))


def check_configuration(body: object, context: ValidationContext) -> Checked:
    """Everything that is wrong with a configuration by itself, or the configuration completed."""
    reading = check_configuration_rules(body, context)
    document = reading.document
    if document is not None:
        document.pop("fill_window", None)
    return Checked(reading.errors, None if document is None else _json(document))


def check_direct_request(body: object, context: ValidationContext, *, telescope: str) -> Checked:
    """Everything that is wrong with the `request` of a direct submission to a telescope, or the request completed.

    Its place and time are given beside it and whoever submits it stands at the telescope: neither modes and optical
    elements nor visibility and time are checked.

    Args:
        body: The request.
        context: What the rules are told.
        telescope: `site.enclosure.telescope`.
    """
    checked = check_direct_request_rules(body, context)
    if checked.document is None:
        return _one(checked)
    host = context.observatory.telescope(telescope)
    here = {item.type.code for item in host.instruments if item.is_enabled} if host else set()
    refused = []
    for configuration in checked.document["configurations"]:
        code, errors = configuration["instrument_type"], dict[str, Any]()
        if code not in here:
            choices = ", ".join(sorted(here)) or "none"
            refuse(errors, f"Instrument type {code} is not available at {telescope}; there are: {choices}")
        refused.append(errors)
    if any(refused):
        return Checked({"configurations": refused}, None)
    return _one(checked)


def check_cadence_group(body: object, context: ValidationContext) -> Checked:
    """What is wrong with a request group whose one request has a cadence; proposal, time and sky are not looked at."""
    requests = items(body, "requests")
    if isinstance(body, Mapping) and len(requests) > 1 and all(isinstance(item, Mapping) for item in requests):
        return Checked({"non_field_errors": ["Cadence requestgroups may only contain a single request"]}, None)
    if isinstance(body, Mapping) and body.get("requests") == []:
        return Checked({"requests": ["You must specify at least 1 request"]}, None)
    checked = [check_cadence_request_rules(item, context) for item in requests]
    errors: Errors = {}
    if not checked:
        errors = {key: value for key, value in read(SubmittedRequestGroup, body).errors.items() if key == "requests"}
    if any(item.errors for item in checked):
        refuse_all(errors, {"requests": [item.errors for item in checked]})
    document = {"requests": [_json(item.document) for item in checked if item.document is not None]}
    return Checked(errors, None if errors else document)


def _one(checked: CheckedRequest) -> Checked:
    durations, visibility = _facts_of((checked,))
    document = None if checked.document is None else _json(checked.document)
    return Checked(checked.errors, document, durations, visibility)


def _facts_of(
    checked: tuple[CheckedRequest, ...],
) -> tuple[tuple[RequestDuration, ...], tuple[RequestVisibility, ...]]:
    durations = tuple(item.duration for item in checked if item.duration is not None)
    return durations, tuple(item.visibility for item in checked if item.visibility is not None)


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value
