"""Data turn out to be bad: time is given back, and the request is open again if it can still be observed."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Sum

from armillary.core.observations.states import JUDGEABLE, ConfigurationState, ObservationState, values
from armillary.core.proposals.charging import cost_us
from armillary.core.proposals.ledger import Account
from armillary.core.requests.states import State
from armillary.platform.database import retry_conflicts
from armillary.platform.errors import Refusal
from armillary.portal.cause import Cause
from armillary.portal.history.models import StateTransition
from armillary.portal.history.services import append, transition
from armillary.portal.observations.models import ConfigurationStatus, Observation
from armillary.portal.observations.services.amend import read_locked
from armillary.portal.observations.services.propagate import move_observation, statuses_of
from armillary.portal.proposals.accounting import refund_execution, stake_priority
from armillary.portal.proposals.models import LedgerEntry
from armillary.portal.requestgroups.models import Request, RequestGroup
from armillary.portal.requestgroups.queries import last_window_end
from armillary.portal.requestgroups.services.transition import move_group, move_requests


@retry_conflicts()
@transaction.atomic
def condemn_observation(observation_id: int, cause: Cause) -> Observation:
    """Declare the data of a finished observation bad.

    Raises:
        Refusal: It is not finished.
    """
    observation = read_locked(observation_id)
    if observation.state not in JUDGEABLE:
        states = ", ".join(values(JUDGEABLE))
        sentence = (
            f"Observation {observation.pk} is {observation.state}, and can be updated to BAD_DATA only from {states}"
        )
        raise Refusal([sentence])
    statuses = statuses_of(observation)
    condemn(observation, statuses, statuses, cause)
    return observation


def condemn(
    observation: Observation,
    statuses: Sequence[ConfigurationStatus],
    bad: Sequence[ConfigurationStatus],
    cause: Cause,
) -> None:
    """Declare data bad, in the caller's transaction; the group is locked.

    Args:
        observation: The observation, with request and group.
        statuses: All its executions, whose cost is given back.
        bad: Those of them that are marked.
        cause: Why.
    """
    group, request = observation.request.request_group, observation.request
    for status in statuses:
        refund(group, status, 1.0, cause)
    if observation.state != ObservationState.BAD_DATA:
        move_observation(observation, ObservationState.BAD_DATA, cause)
    mark(bad, ConfigurationState.BAD_DATA, cause)
    if request.state == State.COMPLETED:
        _take_back_priority(group, request, cause)
        _reopen(group, request, cause)


def refund(group: RequestGroup, status: ConfigurationStatus, share: float, cause: Cause) -> None:
    """Give back a share of what an execution cost; never twice."""
    summary = getattr(status, "summary", None)
    if summary is None or status.state == ConfigurationState.PENDING:
        return
    refund_execution(
        configuration_status=status.pk,
        observation=status.observation_id,
        cost_us=cost_us(summary.start, summary.end, group.observation_type),
        share=share,
        reason=cause.reason,
        actor=cause.actor,
    )


def mark(statuses: Sequence[ConfigurationStatus], state: ConfigurationState, cause: Cause) -> None:
    """Give executions a state, with history."""
    changed = [status for status in statuses if status.state != state]
    ConfigurationStatus.objects.filter(pk__in=[status.pk for status in changed]).update(
        state=state.value, modified=cause.at
    )
    append(
        transition(
            StateTransition.Subject.CONFIGURATION_STATUS,
            status.pk,
            old=status.state,
            new=state.value,
            at=cause.at,
            cause=cause.reason,
            actor_id=cause.actor_id,
        )
        for status in changed
    )
    for status in changed:
        status.state = state.value


def _take_back_priority(group: RequestGroup, request: Request, cause: Cause) -> None:
    """What a low-priority request gained by completing is spent again, unless that happened before."""
    if group.observation_type != "NORMAL" or group.ipp_value >= 1:
        return
    rows = LedgerEntry.objects.filter(request=request.pk, account=Account.PRIORITY.value)
    gained = rows.aggregate(total=Sum("amount_us"))["total"]
    if gained is not None and gained >= 0:
        return
    stake_priority(
        group.proposal_id,
        group.ipp_value,
        request.durations,
        request.first_start,
        request.last_end,
        sign=-1,
        reason=cause.reason,
        request=request.pk,
    )


def _reopen(group: RequestGroup, request: Request, cause: Cause) -> None:
    """The request is pending again if a window is still to come; a group that was given up stays so."""
    end = last_window_end(group.pk)
    if end is None or end <= cause.at or group.state not in {State.COMPLETED, State.PENDING}:
        return
    move_requests(group, [request], State.PENDING, cause)
    if group.state == State.COMPLETED:
        move_group(group, State.PENDING, cause)
