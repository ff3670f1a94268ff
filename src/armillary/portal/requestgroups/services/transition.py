"""Requests and their groups change state: with history, priority, mail, and what follows for observations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from armillary.core.observations.states import ObservationState
from armillary.core.proposals.priority import effect_of_transition
from armillary.core.requests.states import CLOSING, TERMINAL, State, can_transition, next_group_state
from armillary.platform.changes import record_change, record_changes
from armillary.platform.errors import Conflict
from armillary.platform.prepared import Prepared
from armillary.portal.cause import Cause
from armillary.portal.history.models import StateTransition
from armillary.portal.history.services import Transition, append, transition
from armillary.portal.observations.models import Observation
from armillary.portal.observations.services.cancel import cancel_observations
from armillary.portal.proposals.accounting import stake_priority
from armillary.portal.requestgroups.mail import tell_completed, tell_failed
from armillary.portal.requestgroups.models import Request, RequestGroup
from armillary.portal.requestgroups.services.activity import note_activity_of


def move_requests(group: RequestGroup, requests: Sequence[Request], new: State, cause: Cause) -> list[Request]:
    """Move requests of a locked group to a state, as far as they may go there; those that did.

    The group is not settled yet: see :func:`settle_group`.
    """
    moved: list[Request] = []
    history: list[Transition] = []
    for request in requests:
        old = State(request.state)
        if old is new or not can_transition(old, new):
            continue
        _swap(request, new, cause)
        history.append(_line(StateTransition.Subject.REQUEST, request.pk, old, new, cause))
        _account(group, request, old, new)
        moved.append(request)
    append(history)
    _follow_up(group, moved, new, cause)
    return moved


def _swap(request: Request, new: State, cause: Cause) -> None:
    rows = Request.objects.filter(pk=request.pk, state=request.state)
    if rows.update(state=new.value, modified=cause.at) != 1:
        raise Conflict(f"request {request.pk} is no longer {request.state}: somebody changed it at the same time")
    request.state, request.modified = new.value, cause.at


def _account(group: RequestGroup, request: Request, old: State, new: State) -> None:
    if group.observation_type != "NORMAL":
        return
    sign = effect_of_transition(group.ipp_value, old, new)
    if sign:
        stake_priority(
            group.proposal_id,
            group.ipp_value,
            request.durations,
            request.first_start,
            request.last_end,
            sign=sign,
            reason=f"request {request.pk}: {old} to {new}",
            request=request.pk,
        )


def _follow_up(group: RequestGroup, moved: Sequence[Request], new: State, cause: Cause) -> None:
    if not moved:
        return
    note_activity_of(moved, cause.at)
    common = {"request_group": group.pk, "proposal": group.proposal_id, "state": new.value}
    record_changes("request.changed", [(str(request.pk), {"id": request.pk, **common}) for request in moved])
    for request in moved:
        if new is State.FAILURE_LIMIT_REACHED:
            tell_failed(group, request.pk)
    if new in TERMINAL:  # nobody needs what is still planned for them
        waiting = _waiting_for([request.pk for request in moved])
        if waiting:
            cancel_observations(waiting, cause)


_pending: Final = Prepared[tuple[int]](
    lambda request: Observation.objects.filter(request=request, state=ObservationState.PENDING.value).values_list("pk"),
    request=int,
)


def _waiting_for(requests: Sequence[int]) -> list[int]:
    """The observations that are still planned for requests."""
    if len(requests) == 1:
        return [key for (key,) in _pending.all(request=requests[0])]
    rows = Observation.objects.filter(request__in=requests, state=ObservationState.PENDING.value)
    return list(rows.values_list("pk", flat=True))


_children: Final = Prepared[Request](
    lambda group: Request.objects.filter(request_group=group).order_by("pk"), group=int
)


def settle_group(group: RequestGroup, cause: Cause) -> None:
    """Bring a locked group to the state that its requests amount to, and close what that closes."""
    children = _children.all(group=group.pk)
    old = State(group.state)
    new = next_group_state(old, group.operator, [child.state for child in children])
    if new is old:
        return
    move_group(group, new, cause)
    if new in CLOSING:
        pending = [child for child in children if child.state == State.PENDING]
        move_requests(group, pending, new, cause)


def move_group(group: RequestGroup, new: State, cause: Cause) -> None:
    """Move a locked group to a state; whether it may go there is the caller's business."""
    old = State(group.state)
    rows = RequestGroup.objects.filter(pk=group.pk, state=old.value)
    if rows.update(state=new.value, modified=cause.at) != 1:
        raise Conflict(f"request group {group.pk} is no longer {old}: somebody changed it at the same time")
    group.state, group.modified = new.value, cause.at
    append([_line(StateTransition.Subject.REQUEST_GROUP, group.pk, old, new, cause)])
    kind = "request_group.cancelled" if new is State.CANCELED else "request_group.changed"
    record_change(kind, str(group.pk), {"id": group.pk, "proposal": group.proposal_id, "state": new.value})
    if new is State.COMPLETED:
        tell_completed(group)


def _line(subject: StateTransition.Subject, key: int, old: State, new: State, cause: Cause) -> Transition:
    return transition(
        subject, key, old=old.value, new=new.value, at=cause.at, cause=cause.reason, actor_id=cause.actor_id
    )
