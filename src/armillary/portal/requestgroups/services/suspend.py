"""A request is kept from the scheduler for a while."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from armillary.accounts.models import User
from armillary.core.requests.states import State
from armillary.platform.changes import record_change
from armillary.platform.errors import Refusal
from armillary.portal.locks import lock_group
from armillary.portal.requestgroups.models import Request
from armillary.portal.requestgroups.services.activity import note_activity


@transaction.atomic
def suspend_request(request_id: int, until: datetime | None, user: User, now: datetime) -> Request:
    """Suspend a request until a time, or take its suspension back (None).

    Raises:
        Refusal: The time has passed, or the request has ended.
    """
    if until is not None and until <= now:
        raise Refusal({"suspend_until": ["The suspend_until value must be in the future"]})
    group_id = Request.objects.values_list("request_group_id", flat=True).get(pk=request_id)
    lock_group(group_id)
    request = Request.objects.select_related("request_group").get(pk=request_id)
    if request.state != State.PENDING:
        raise Refusal([f"Request {request.pk} is {request.state}; only a PENDING one can be suspended."])
    request.suspend_until = until
    request.save(update_fields=["suspend_until"])
    note_activity([request.telescope_class], now)
    record_change(
        "request.changed",
        str(request.pk),
        {
            "id": request.pk,
            "request_group": group_id,
            "proposal": request.request_group.proposal_id,
            "state": request.state,
            "by": user.username,
        },
    )
    return request
