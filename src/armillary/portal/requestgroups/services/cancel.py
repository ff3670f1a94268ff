"""A request group is withdrawn."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from armillary.accounts.models import User
from armillary.core.requests.states import State, can_transition
from armillary.platform.database import retry_conflicts
from armillary.platform.errors import Refusal
from armillary.portal.cause import Cause
from armillary.portal.locks import lock_group
from armillary.portal.requestgroups.models import Request, RequestGroup
from armillary.portal.requestgroups.services.transition import move_group, move_requests


@retry_conflicts()
@transaction.atomic
def cancel_request_group(group_id: int, user: User, now: datetime) -> RequestGroup:
    """Cancel a group and what is still pending in it; a cancelled group stays cancelled.

    Raises:
        Refusal: The group has ended otherwise.
    """
    group = lock_group(group_id)
    state = State(group.state)
    if state is State.CANCELED:
        return group
    if not can_transition(state, State.CANCELED):
        message = f"Cannot transition from request state {state} to {State.CANCELED} for request group {group.pk}"
        raise Refusal({"errors": [message]})
    cause = Cause("cancelled", now, user)
    move_group(group, State.CANCELED, cause)
    pending = Request.objects.filter(request_group=group, state=State.PENDING.value).order_by("pk")
    move_requests(group, list(pending), State.CANCELED, cause)
    return group
