"""A telescope reports on an execution: states follow, time is charged, the end of the observation moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from armillary.accounts.models import User
from armillary.core.observations.states import ConfigurationState, configuration_state
from armillary.core.observatory import Observatory
from armillary.core.proposals.charging import cost_us
from armillary.core.requests.durations import remaining_duration
from armillary.core.requests.model import UNSCHEDULED
from armillary.core.requests.model import Request as RequestModel
from armillary.core.requests.submission import read
from armillary.platform.database import retry_conflicts
from armillary.platform.errors import Refusal
from armillary.portal.cause import Cause
from armillary.portal.observations.models import ConfigurationStatus, Observation, Summary
from armillary.portal.observations.services.amend import move_end, read_locked
from armillary.portal.observations.services.condemn import condemn, mark
from armillary.portal.observations.services.propagate import position_of, propagate, statuses_of
from armillary.portal.observations.shapes import StatusReport, SubmittedSummary
from armillary.portal.proposals.accounting import charge_execution
from armillary.portal.requestgroups.models import RequestDocument
from armillary.portal.surroundings import observatory

_OVER = frozenset(
    {
        ConfigurationState.COMPLETED,
        ConfigurationState.ABORTED,
        ConfigurationState.FAILED,
        ConfigurationState.NOT_ATTEMPTED,
    }
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a telescope says, read."""

    state: ConfigurationState | None
    summary: dict[str, Any] | None
    end: datetime | None
    exposures_start_at: datetime | None

    @property
    def needs_observatory(self) -> bool:
        """Whether durations must be computed to follow it."""
        return self.end is not None or self.exposures_start_at is not None


def report_execution(found: ConfigurationStatus, user: User, body: object, now: datetime) -> ConfigurationStatus:
    """Take in a telescope's report on an execution.

    Reports may come late, twice, or out of order: states only ever go forward.

    Args:
        found: The execution as it was found, with its observation, request and group; it is read anew.
        user: Who reports.
        body: What is reported.
        now: When.

    Raises:
        Refusal: The report is malformed, or its times cannot be.
    """
    report = _read(body, now)
    kind = found.observation.request.request_group.observation_type
    needs = report.needs_observatory or (kind == "RAPID_RESPONSE" and report.summary is not None)
    return _follow(found, report, observatory() if needs else None, Cause("reported", now, user))


def _read(body: object, now: datetime) -> Report:
    reading = read(StatusReport, body)
    if reading.document is None:
        raise Refusal(reading.errors)
    document = reading.document
    summary = None
    if document.get("summary") is not None:
        of_summary = read(SubmittedSummary, document["summary"])
        if of_summary.document is None:
            raise Refusal(of_summary.errors)  # the wire does not nest these
        summary = {"reason": "", "events": {}, **of_summary.document}
    end, begin = document.get("end"), document.get("exposures_start_at")
    if end is not None and begin is not None:
        raise Refusal("Give either the end or exposures_start_at, not both")
    if end is not None and end <= now:
        raise Refusal("Updated end time must be in the future")
    state = document.get("state")
    return Report(None if state is None else ConfigurationState(state), summary, end, begin)


@retry_conflicts()
@transaction.atomic
def _follow(
    found: ConfigurationStatus, report: Report, snapshot: Observatory | None, cause: Cause
) -> ConfigurationStatus:
    observation = read_locked(found.observation_id, found.observation.request.request_group_id)
    statuses = statuses_of(observation)
    status = next(row for row in statuses if row.pk == found.pk)
    if report.exposures_start_at is not None and report.exposures_start_at < observation.start:
        raise Refusal("Updated exposure start time must be after the observation start time")
    if report.summary is not None:
        _store_summary(observation, statuses, status, report.summary, snapshot, cause)
    if report.state is not None:
        _store_state(observation, statuses, status, report.state, cause)
    if (report.state is not None or report.summary is not None) and status.state != ConfigurationState.BAD_DATA:
        propagate(observation.request.request_group, observation, statuses, cause)
    if snapshot is not None and report.needs_observatory:
        _move_end(observation, statuses, status, report, snapshot, cause)
    return status


def _store_state(
    observation: Observation,
    statuses: Sequence[ConfigurationStatus],
    status: ConfigurationStatus,
    reported: ConfigurationState,
    cause: Cause,
) -> None:
    current = ConfigurationState(status.state)
    if reported is ConfigurationState.BAD_DATA and current in _OVER:
        condemn(observation, statuses, [status], Cause("bad data", cause.at, cause.actor))
        return
    new = configuration_state(current, reported)
    mark([status], new, cause)


def _store_summary(
    observation: Observation,
    statuses: Sequence[ConfigurationStatus],
    status: ConfigurationStatus,
    summary: dict[str, Any],
    snapshot: Observatory | None,
    cause: Cause,
) -> None:
    row = getattr(status, "summary", None) or Summary(configuration_status=status, created=cause.at)
    for name, value in summary.items():
        setattr(row, name, value)
    row.modified = cause.at
    row.save()
    status.summary = row
    group, request, configuration = observation.request.request_group, observation.request, status.configuration
    if configuration is None or group.observation_type in UNSCHEDULED:
        return
    instrument_type = None if snapshot is None else snapshot.instrument_type(configuration.instrument_type)
    charge_execution(
        configuration_status=status.pk,
        observation=observation.pk,
        proposal_id=group.proposal_id,
        observation_type=group.observation_type,
        instrument_type=configuration.instrument_type,
        start=request.first_start,
        end=request.last_end,
        cost_us=cost_us(
            row.start,
            row.end,
            group.observation_type,
            configuration_duration_s=configuration.duration_s,
            front_padding_s=0.0 if instrument_type is None else instrument_type.observation_front_padding_s,
            configurations=len(statuses),
        ),
        reason=f"configuration {configuration.pk} executed: {row.state}",
    )


def _move_end(
    observation: Observation,
    statuses: Sequence[ConfigurationStatus],
    status: ConfigurationStatus,
    report: Report,
    snapshot: Observatory,
    cause: Cause,
) -> None:
    if status.configuration is None:
        if report.end is not None:
            move_end(observation, report.end, cause)
        return
    request = RequestModel.model_validate_json(RequestDocument.objects.get(pk=observation.request_id).content)
    repeats = max(request.configuration_repeats, 1)
    per_repeat = max(len(statuses) // repeats, 1)
    remaining = remaining_duration(
        request,
        snapshot,
        configuration_priority=status.configuration.priority,
        repeat=position_of(status, statuses) // per_repeat + 1,
        include_current=report.exposures_start_at is not None,
    )
    begin = report.end or report.exposures_start_at
    if begin is not None:
        move_end(observation, begin + timedelta(seconds=remaining), cause)
