"""What a report on a configuration means for its observation, its request, and the request group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from armillary.configuration import configuration
from armillary.core.observations.completion import ConfigurationReport, RequestSituation, request_state
from armillary.core.observations.states import (
    UNSUCCESSFUL,
    ConfigurationState,
    ObservationState,
    settled_state,
)
from armillary.core.requests.model import UNSCHEDULED
from armillary.core.requests.states import State
from armillary.platform.errors import Conflict
from armillary.platform.prepared import Prepared
from armillary.portal.cause import Cause
from armillary.portal.history.services import append
from armillary.portal.observations.models import ConfigurationStatus, Observation
from armillary.portal.observations.services.announce import announce, bump_schedules, observation_transition, place_of
from armillary.portal.requestgroups.models import Request, RequestGroup
from armillary.portal.requestgroups.queries import last_window_end
from armillary.portal.requestgroups.services.activity import note_activity_of
from armillary.portal.requestgroups.services.transition import move_requests, settle_group


def report_of(status: ConfigurationStatus) -> ConfigurationReport:
    """What is known of one execution."""
    summary = getattr(status, "summary", None)
    configuration = status.configuration
    return ConfigurationReport(
        state=ConfigurationState(status.state),
        requested_s=0.0 if configuration is None else configuration.requested_s,
        repeats=configuration is not None and configuration.repeats,
        start=None if summary is None else summary.start,
        end=None if summary is None else summary.end,
        time_completed_s=None if summary is None else summary.time_completed,
    )


_statuses: Final = Prepared[ConfigurationStatus](
    lambda observation: (
        ConfigurationStatus.objects.filter(observation_id=observation)
        .select_related("configuration", "summary")
        .order_by("pk")
    ),
    observation=int,
)


def statuses_of(observation: Observation) -> list[ConfigurationStatus]:
    """All executions of an observation, in order, with configurations and summaries: one query."""
    return _statuses.all(observation=observation.pk)


def move_observation(observation: Observation, new: ObservationState, cause: Cause) -> None:
    """Move an observation to a state; whether it may go there is the caller's business."""
    old = observation.state
    rows = Observation.objects.filter(pk=observation.pk, state=old)
    if rows.update(state=new.value, modified=cause.at) != 1:
        raise Conflict(f"observation {observation.pk} is no longer {old}: somebody changed it at the same time")
    observation.state, observation.modified = new.value, cause.at
    append([observation_transition(observation, old, cause)])
    proposals = {observation.request_id: observation.request.request_group.proposal_id}
    announce("observation.changed", [observation], proposals)
    bump_schedules([place_of(observation)], cause.at, rescheduled=False)


def propagate(
    group: RequestGroup, observation: Observation, statuses: Sequence[ConfigurationStatus], cause: Cause
) -> None:
    """Bring observation, request and group to the states that the configurations amount to; the group is locked."""
    request = observation.request
    before = ObservationState(observation.state)
    after = settled_state(before, [ConfigurationState(status.state) for status in statuses])
    if after is not before:
        move_observation(observation, after, cause)
        if after in UNSUCCESSFUL:
            note_activity_of([request], cause.at)
    old = State(request.state)
    new = request_state(_situation(group, request, cause.at), [report_of(status) for status in statuses], cause.at)
    if new is not old and move_requests(group, [request], new, cause):
        settle_group(group, cause)


def _last_window_end(group: RequestGroup, request: Request, now: datetime) -> datetime | None:
    """The end of the group's latest window, or of the request's, if that is to come: then nothing has expired."""
    if request.last_end is not None and request.last_end >= now:
        return request.last_end
    return last_window_end(group.pk)


def _situation(group: RequestGroup, request: Request, now: datetime) -> RequestSituation:
    scheduled = group.observation_type not in UNSCHEDULED
    limit = configuration().max_failures_per_request
    failed = Observation.objects.filter(request=request, state=ObservationState.FAILED.value).count() if limit else 0
    return RequestSituation(
        state=State(request.state),
        acceptability_threshold=request.acceptability_threshold,
        is_scheduled=scheduled,
        is_realtime=group.observation_type == "REAL_TIME",
        last_window_end=_last_window_end(group, request, now) if scheduled else None,
        failed_observations=failed,
        failure_limit=limit,
    )


def position_of(status: ConfigurationStatus, statuses: Sequence[ConfigurationStatus]) -> int:
    """The place of an execution in its observation, from 0."""
    return [row.pk for row in statuses].index(status.pk)
