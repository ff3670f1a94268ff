"""A request group is accepted: rows, documents, priority and announcement, in one transaction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from armillary.accounts.models import User
from armillary.core.requests import durations, validation
from armillary.core.requests.facts import ValidationContext
from armillary.core.requests.model import Configuration as ConfigurationModel
from armillary.core.requests.model import Request as RequestModel
from armillary.core.requests.model import RequestGroup as RequestGroupModel
from armillary.core.requests.states import State
from armillary.core.requests.wire import complete_document
from armillary.platform.changes import record_changes
from armillary.platform.errors import Refusal
from armillary.platform.insertion import Insertion
from armillary.portal.history.models import StateTransition
from armillary.portal.history.services import Transition, append, transition
from armillary.portal.proposals.accounting import PriorityExhausted, stake_priority
from armillary.portal.proposals.queries import proposal_facts, proposal_named, semester_facts
from armillary.portal.requestgroups.models import Configuration, Request, RequestDocument, RequestGroup, Window
from armillary.portal.requestgroups.services.activity import note_activity_of
from armillary.portal.surroundings import downtimes, limits, observatory, own_rules

_WINDOWS: Final = Insertion(Window, "request_id", "start", "end")
_DOCUMENTS: Final = Insertion(RequestDocument, "request_id", "content")


@dataclass(frozen=True, slots=True)
class Submission:
    """What is stored of one request group that passed all rules."""

    group: RequestGroupModel
    durations: Sequence[durations.RequestDuration]
    observatory_version: str


def context_of(user: User, proposal_id: object, now: datetime) -> ValidationContext:
    """Everything that the rules need to know to judge a submission of one person now."""
    proposal = proposal_named(proposal_id) if isinstance(proposal_id, str) else None
    return ValidationContext(
        observatory=observatory(),
        now=now,
        semesters=semester_facts(),
        is_staff=user.is_staff,
        proposal=None if proposal is None else proposal_facts(proposal, user, now),
        downtimes=downtimes(now),
        limits=limits(),
        extra_rules=own_rules(),
    )


def submit_request_group(user: User, body: Mapping[str, Any], now: datetime) -> RequestGroup:
    """Check what a person asks for, and accept it.

    Raises:
        Refusal: It breaks rules; nested field errors say which.
        ServiceUnavailable: The rules cannot be checked, because the observatory or its downtimes cannot be read.
    """
    context = context_of(user, body.get("proposal"), now)
    checked = validation.check_request_group(body, context)
    if not checked.ok:
        raise Refusal(checked.errors)
    submission = Submission(checked.group, checked.durations, context.observatory.etag)
    with transaction.atomic():
        return store_request_group(submission, user, now)


def store_request_group(submission: Submission, user: User, now: datetime) -> RequestGroup:
    """Store a group that was judged good, in the caller's transaction.

    Raises:
        Refusal: Its priority was spent by somebody else meanwhile.
    """
    (group,) = store_request_groups([submission], user, now)
    return group


def store_request_groups(submissions: Sequence[Submission], user: User, now: datetime) -> list[RequestGroup]:
    """Store groups that were judged good, all of them or none, in the caller's transaction.

    Raises:
        Refusal: The priority of one was spent by somebody else meanwhile.
    """
    groups = RequestGroup.objects.bulk_create(
        RequestGroup(
            submitter=user,
            proposal_id=submission.group.proposal,
            name=submission.group.name,
            observation_type=submission.group.observation_type,
            operator=submission.group.operator,
            ipp_value=submission.group.ipp_value,
            state=State.PENDING.value,
            created=now,
            modified=now,
        )
        for submission in submissions
    )
    requests = _store_requests(list(zip(groups, submissions, strict=True)), now)
    by_group: dict[int, list[Request]] = defaultdict(list)
    for request in requests:
        by_group[request.request_group_id].append(request)
    for group in groups:
        _spend_priority(group, by_group[group.pk])
    record_changes(
        "request_group.submitted", ((str(group.pk), _details(group, by_group[group.pk])) for group in groups)
    )
    note_activity_of(requests, now)
    append(
        [
            *(_beginning(StateTransition.Subject.REQUEST_GROUP, group.pk, user, now) for group in groups),
            *(_beginning(StateTransition.Subject.REQUEST, request.pk, user, now) for request in requests),
        ]
    )
    return groups


def _details(group: RequestGroup, requests: Sequence[Request]) -> dict[str, Any]:
    """What the change feed says of a new group."""
    return {
        "id": group.pk,
        "state": group.state,
        "proposal": group.proposal_id,
        "observation_type": group.observation_type,
        "telescope_classes": sorted({request.telescope_class for request in requests}),
    }


def _beginning(subject: StateTransition.Subject, key: int, user: User, now: datetime) -> Transition:
    return transition(subject, key, old="", new=State.PENDING.value, at=now, cause="submitted", actor_id=user.pk)


def _store_requests(submissions: Sequence[tuple[RequestGroup, Submission]], now: datetime) -> list[Request]:
    parts = [
        (group, model, duration, submission.observatory_version)
        for group, submission in submissions
        for model, duration in zip(submission.group.requests, submission.durations, strict=True)
    ]
    rows = Request.objects.bulk_create(_request_row(*part, now) for part in parts)
    _WINDOWS.run(
        (row.pk, window.start, window.end)
        for row, (_, model, _, _) in zip(rows, parts, strict=True)
        for window in model.windows or ()
    )
    configurations = Configuration.objects.bulk_create(
        _configuration_row(row, priority, configuration, duration)
        for row, (_, model, of_request, _) in zip(rows, parts, strict=True)
        for priority, (configuration, duration) in enumerate(
            zip(model.configurations, of_request.configurations, strict=True), start=1
        )
    )
    _store_documents(rows, [model for _, model, _, _ in parts], configurations)
    return rows


def _request_row(
    group: RequestGroup, model: RequestModel, duration: durations.RequestDuration, version: str, now: datetime
) -> Request:
    location, windows = model.location, model.windows or ()
    return Request(
        request_group=group,
        state=State.PENDING.value,
        suspend_until=model.suspend_until,
        acceptability_threshold=model.acceptability_threshold,
        configuration_repeats=model.configuration_repeats,
        telescope_class=(location.telescope_class or "") if location else "",
        site=(location.site or "") if location else "",
        enclosure=(location.enclosure or "") if location else "",
        telescope=(location.telescope or "") if location else "",
        duration_s=duration.seconds,
        durations=dict(duration.by_instrument_type),
        observatory_version=version,
        first_start=min((window.start for window in windows), default=None),
        last_end=max((window.end for window in windows), default=None),
        created=now,
        modified=now,
    )


def _configuration_row(
    request: Request, priority: int, model: ConfigurationModel, duration: durations.ConfigurationDuration
) -> Configuration:
    target = model.target
    return Configuration(
        request=request,
        priority=priority,
        instrument_type=model.instrument_type,
        type=model.type,
        target_name=target.name if target else "",
        right_ascension_deg=target.ra if target and target.type == "ICRS" else None,
        duration_s=duration.seconds,
        requested_s=durations.requested_exposure_s(model),
        repeats=model.repeats,
    )


def _store_documents(
    rows: Sequence[Request], models: Sequence[RequestModel], configurations: Sequence[Configuration]
) -> None:
    ids = iter(configurations)
    documents = []
    for row, model in zip(rows, models, strict=True):
        document = complete_document(model)
        for configuration in document["configurations"]:
            stored = next(ids)
            configuration["id"], configuration["priority"] = stored.pk, stored.priority
        documents.append((row.pk, json.dumps(document, separators=(",", ":"))))
    _DOCUMENTS.run(documents)


def _spend_priority(group: RequestGroup, requests: Sequence[Request]) -> None:
    if group.observation_type != "NORMAL" or group.ipp_value <= 1:
        return
    total: dict[str, float] = {}
    for request in requests:
        for instrument_type, seconds in request.durations.items():
            total[instrument_type] = total.get(instrument_type, 0.0) + seconds
    starts = [request.first_start for request in requests if request.first_start is not None]
    ends = [request.last_end for request in requests if request.last_end is not None]
    try:
        stake_priority(
            group.proposal_id,
            group.ipp_value,
            total,
            min(starts, default=None),
            max(ends, default=None),
            sign=-1,
            reason=f"request group {group.pk} submitted",
            strict=True,
        )
    except PriorityExhausted as error:
        raise Refusal(f"TimeAllocationError: {error}.") from error
