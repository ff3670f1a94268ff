"""Requests whose windows have passed are closed."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef

from armillary.core.requests.model import UNSCHEDULED
from armillary.core.requests.states import State
from armillary.platform.database import retry_conflicts
from armillary.platform.errors import Refusal
from armillary.portal.cause import Cause
from armillary.portal.locks import lock_group
from armillary.portal.observations.models import Observation
from armillary.portal.requestgroups.models import Request
from armillary.portal.requestgroups.services.transition import move_requests, settle_group

logger = structlog.get_logger(__name__)


def expire_requests(now: datetime) -> int:
    """Close every request that can no longer be observed; how many groups were touched.

    Each group has a transaction of its own, so that one that fails does not keep others open. Safe to run late, twice,
    or twice at once: what is closed already is left alone.
    """
    touched = 0
    for group_id in _overdue_groups(now):
        try:
            touched += expire_group(group_id, now)
        except (DatabaseError, Refusal):
            logger.exception("request_group_not_expired", request_group=group_id)
    return touched


def _overdue_groups(now: datetime) -> list[int]:
    pending = Request.objects.filter(state=State.PENDING.value, request_group__state=State.PENDING.value)
    scheduled = pending.filter(last_end__lt=now).exclude(request_group__observation_type__in=UNSCHEDULED)
    of_request = Observation.objects.filter(request=OuterRef("pk")).order_by()
    direct = pending.filter(
        Exists(of_request.filter(end__lt=now)),
        ~Exists(of_request.filter(end__gte=now)),
        request_group__observation_type__in=UNSCHEDULED,
    )
    groups = set(scheduled.order_by().values_list("request_group_id", flat=True))
    return sorted(groups | set(direct.order_by().values_list("request_group_id", flat=True)))


@retry_conflicts()
@transaction.atomic
def expire_group(group_id: int, now: datetime) -> bool:
    """Close the pending requests of one group that are overdue; whether there were any."""
    group = lock_group(group_id)
    if group.state != State.PENDING:
        return False
    pending = Request.objects.filter(request_group=group, state=State.PENDING.value).order_by("pk")
    if group.observation_type in UNSCHEDULED:
        overdue = [request for request in pending if _is_over(request, now)]
    else:
        overdue = [request for request in pending if request.last_end is not None and request.last_end < now]
    cause = Cause("window expired", now)
    moved = move_requests(group, overdue, State.WINDOW_EXPIRED, cause)
    if moved:
        settle_group(group, cause)
    return bool(moved)


def _is_over(request: Request, now: datetime) -> bool:
    ends = list(Observation.objects.filter(request=request).values_list("end", flat=True))
    return bool(ends) and max(ends) < now
