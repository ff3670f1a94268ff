"""Rules for request groups: whose it is, and whether there is time for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from armillary.core.requests.durations import GroupKey, RequestDuration, request_key
from armillary.core.requests.facts import Allocation, Errors, ProposalFacts, ValidationContext
from armillary.core.requests.model import UNSCHEDULED, RequestGroup
from armillary.core.requests.submission import Reading, SubmittedRequestGroup, items, read
from armillary.core.requests.validation.refusals import refuse, refuse_all
from armillary.core.requests.validation.requests import CheckedRequest, check_request_rules

RequestCheck = Callable[[object, ValidationContext], CheckedRequest]

_SECONDS_PER_HOUR: Final = 3600.0
_RAPID_RESPONSE_SPAN: Final = timedelta(hours=24)
_ROUNDING_H: Final = 1e-9
"""Hours: sums of decimal hours that should be equal may differ by this much."""


@dataclass(frozen=True, slots=True)
class CheckedGroup:
    """A group with its defaults and its requests as checked, or what is wrong with it."""

    document: dict[str, Any] | None
    errors: Errors
    requests: tuple[CheckedRequest, ...]


def check_group_rules(
    body: object, context: ValidationContext, check_request: RequestCheck = check_request_rules
) -> CheckedGroup:
    """A group with its defaults, and everything that is wrong with it but for the time that it needs."""
    reading = _read_group(body, context)
    errors = reading.errors
    checked = tuple(check_request(item, context) for item in items(body, "requests"))
    if any(item.errors for item in checked):
        refuse_all(errors, {"requests": [item.errors for item in checked]})
    elif isinstance(body, Mapping) and body.get("requests") == []:
        refuse(errors, "You must specify at least 1 request", "requests")
    document = reading.document
    if document is not None:
        document = {**document, "requests": [item.document for item in checked]}
        _check_standing(document, context, errors)
    return CheckedGroup(None if errors else document, errors, checked)


def _read_group(body: object, context: ValidationContext) -> Reading:
    reading = read(SubmittedRequestGroup, body)
    found = _group_field_errors(body, context, reading.errors)
    return Reading(None if found else reading.document, found)


def _group_field_errors(body: object, context: ValidationContext, errors: Errors) -> Errors:
    if not isinstance(body, Mapping):
        return errors
    name, proposal = body.get("name"), body.get("proposal")
    if isinstance(name, str) and not name.strip():
        refuse(errors, "Please provide a name.", "name")
    if "proposal" in body:
        errors = {key: value for key, value in errors.items() if key != "proposal"}
        _check_proposal_key(proposal, context, errors)
    if str(body.get("observation_type")) in UNSCHEDULED:
        refuse(
            errors,
            f"{body['observation_type']} observations are not submitted as request groups: post DIRECT ones to"
            " /api/schedule/ and REAL_TIME ones to /api/realtime/. Here: NORMAL, RAPID_RESPONSE or TIME_CRITICAL",
            "observation_type",
        )
    return errors


def _check_proposal_key(proposal: object, context: ValidationContext, errors: Errors) -> None:
    if proposal is None or proposal == "":
        refuse(errors, "Please provide a proposal.", "proposal")
    elif isinstance(proposal, bool) or not isinstance(proposal, (str, int)):
        kind = type(proposal).__name__
        refuse(errors, f"Incorrect type. Expected pk value, received {kind}.", "proposal")
    elif context.proposal is None or context.proposal.id != str(proposal):
        refuse(errors, f'Invalid pk "{proposal}" - object does not exist.', "proposal")


def _check_standing(document: dict[str, Any], context: ValidationContext, errors: Errors) -> None:
    """What can be said of the group without looking into its requests."""
    proposal, limits = context.proposal, context.limits
    if proposal is None or not proposal.is_member:
        refuse(errors, "You do not belong to the proposal you are trying to submit with")
    elif not proposal.active:
        refuse(errors, "The proposal you are trying to submit with is currently inactive")
    if not limits.min_ipp_value <= document["ipp_value"] <= limits.max_ipp_value:
        refuse(errors, f"ipp_value must be >= {limits.min_ipp_value}, <= {limits.max_ipp_value}")
    many = len(document["requests"]) > 1
    if document["operator"] == "SINGLE" and many:
        refuse(errors, "'SINGLE' operator must have exactly one child request")
    elif document["operator"] == "MANY" and not many and document["requests"]:
        refuse(errors, "'MANY' operator must have more than one child request")


# --- time ---


@dataclass(frozen=True, slots=True)
class GroupTime:
    """Seconds that a group needs, by semester and instrument type."""

    at_once: Mapping[GroupKey, float]
    """A single request as it is, of many the longest: what must be left."""
    in_all: Mapping[GroupKey, float]
    """If every request is observed: what a member's limit and the priority time must cover."""


def group_time(group: RequestGroup, durations: Sequence[RequestDuration], context: ValidationContext) -> GroupTime:
    """The seconds that a group needs, from the durations of its requests."""
    at_once: dict[GroupKey, float] = {}
    in_all: dict[GroupKey, float] = {}
    for request, duration in zip(group.requests, durations, strict=True):
        semester = request_key(request, context.semesters)
        for code, seconds in duration.by_instrument_type.items():
            key = semester, code
            at_once[key] = max(at_once.get(key, 0.0), seconds)
            in_all[key] = in_all.get(key, 0.0) + seconds
    return GroupTime(at_once, in_all)


def check_group_time(group: RequestGroup, durations: Sequence[RequestDuration], context: ValidationContext) -> Errors:
    """What is wrong with a group whose requests are right: targets, windows and time that its type does not allow."""
    errors: Errors = {}
    if context.proposal is None:
        return errors
    time = group_time(group, durations, context)
    _check_member_limit(time, context.proposal, errors)
    _check_targets(group, errors)
    if group.observation_type == "RAPID_RESPONSE":
        _check_rapid_response(group, durations, context.now, errors)
    paying = _paying_allocations(group, time, context.proposal, errors)
    for allocation, keys in paying:
        _check_allocation(group, allocation, [time.at_once[key] for key in keys], context, errors)
        if group.observation_type == "NORMAL":
            _check_priority_time(group, allocation, sum(time.in_all[key] for key in keys), errors)
    return errors


def _check_member_limit(time: GroupTime, proposal: ProposalFacts, errors: Errors) -> None:
    limit_s = proposal.time_limit_s
    if limit_s is None or limit_s < 0:
        return
    needed_s = sum(time.in_all.values())
    if limit_s < proposal.time_requested_s + needed_s:
        left_h = max(limit_s - proposal.time_requested_s, 0.0) / _SECONDS_PER_HOUR
        refuse(
            errors,
            f"This request's duration will exceed the time limit set for your account on this proposal: it takes"
            f" {needed_s / _SECONDS_PER_HOUR:.2f} hours and you have {left_h:.2f} left.",
        )


def _check_targets(group: RequestGroup, errors: Errors) -> None:
    targets = (item.target for request in group.requests for item in request.configurations)
    if any(target is not None and target.type == "HOUR_ANGLE" for target in targets):
        refuse(errors, "HOUR_ANGLE Target type not supported in request groups; use ICRS, or a direct submission")


def _check_rapid_response(
    group: RequestGroup, durations: Sequence[RequestDuration], now: datetime, errors: Errors
) -> None:
    for request, duration in zip(group.requests, durations, strict=True):
        latest = now + _RAPID_RESPONSE_SPAN + timedelta(seconds=duration.exact_s)
        if any(window.start > now for window in request.windows):
            refuse(errors, "The Rapid Response observation window start time cannot be in the future.")
        elif any(window.end > latest for window in request.windows):
            refuse(
                errors,
                "A Rapid Response observation must start within the next 24 hours, so its window must end within"
                f" (24 hours + the observation duration), no later than {latest:%Y-%m-%dT%H:%M:%SZ}.",
            )


def _paying_allocations(
    group: RequestGroup, time: GroupTime, proposal: ProposalFacts, errors: Errors
) -> list[tuple[Allocation, list[GroupKey]]]:
    """Each allocation that pays for a part of the group, with the parts."""
    paying: dict[int, tuple[Allocation, list[GroupKey]]] = {}
    for key in time.in_all:
        semester, code = key
        allocation = proposal.allocation(semester, code)
        if allocation is None:
            kind = group.observation_type
            refuse(
                errors,
                f"You do not have sufficient {kind} time allocated on {code} in semester {semester or 'none'} for this"
                " proposal.",
            )
            continue
        paying.setdefault(id(allocation), (allocation, []))[1].append(key)
    return list(paying.values())


def _check_allocation(
    group: RequestGroup, allocation: Allocation, parts_s: Sequence[float], context: ValidationContext, errors: Errors
) -> None:
    kind, types = group.observation_type, ", ".join(allocation.instrument_types)
    left_h, needed_h = allocation.left_h(kind), sum(parts_s) / _SECONDS_PER_HOUR
    if left_h <= 0:
        refuse(errors, f"Proposal {group.proposal} does not have any {kind} time left allocated on {types}.")
    elif left_h * context.limits.time_overuse_allowance < needed_h - _ROUNDING_H:
        refuse(
            errors,
            f"Proposal {group.proposal} does not have enough {kind} time allocated on {types}:"
            f" {left_h:.2f} hours are left, {needed_h:.2f} hours are needed.",
        )


def _check_priority_time(group: RequestGroup, allocation: Allocation, needed_s: float, errors: Errors) -> None:
    extra = group.ipp_value - 1.0
    if extra <= 0:
        return
    needed_h, available_h = extra * needed_s / _SECONDS_PER_HOUR, allocation.ipp_time_available_h
    if available_h < needed_h - _ROUNDING_H:
        highest = max(1.0, 1.0 + available_h * _SECONDS_PER_HOUR / needed_s) if needed_s else 1.0
        refuse(
            errors,
            f"TimeAllocationError: an ipp_value of {group.ipp_value} takes {needed_h:.3f} hours of priority time on"
            f" {', '.join(allocation.instrument_types)}, and {max(available_h, 0.0):.3f} hours are left;"
            f" lower it to {int(highest * 1000) / 1000} or less.",
        )


def run_extra_rules(group: RequestGroup, context: ValidationContext) -> Errors:
    """What the observatory's own rules refuse."""
    errors: Errors = {}
    for rule in context.extra_rules:
        refuse_all(errors, rule(group, context))
    return errors
