"""Changes are sent to who subscribed to them: in order, each at least once, and again until they arrive.

A subscription is a reader of the change feed whose place is kept here. Any number of workers may send; one of them
claims a subscription (compare-and-swap) for as long as a call may take, and moves its place after the call succeeded.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction

from armillary import clock
from armillary.accounts.models import User
from armillary.platform import changes
from armillary.platform.letters import queue_letter
from armillary.platform.models import Change
from armillary.platform.wire import wire_time
from armillary.portal.events import KINDS, proposals_of, visible_to
from armillary.portal.notifications.webhooks import WebhookFailed, call
from armillary.portal.subscriptions.models import Subscription
from armillary.portal.subscriptions.services.register import message

_WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720, 1440))
_LEASE: Final = timedelta(minutes=2)
_EVENTS_PER_CALL: Final = 100
_CALLS_PER_RUN: Final = 50

logger = structlog.get_logger(__name__)


def deliver_changes(now: datetime) -> int:
    """Send what has changed to every subscription that is due; how many calls succeeded."""
    due = Subscription.objects.filter(active=True, due__lte=now).select_related("user").order_by("due", "pk")
    return sum(_deliver(subscription, now) for subscription in due[:_CALLS_PER_RUN])


def _deliver(subscription: Subscription, now: datetime) -> bool:
    cursor, events = _next(subscription)
    if cursor == subscription.cursor:
        return False
    mine = Subscription.objects.filter(
        pk=subscription.pk, active=True, cursor=subscription.cursor, due=subscription.due
    )
    lease = now + _LEASE * max(1.0, clock.speed())
    if not mine.update(due=lease):  # another worker was faster, or the owner changed something
        return False
    claimed = Subscription.objects.filter(pk=subscription.pk, cursor=subscription.cursor, due=lease)
    try:
        if events:
            call(subscription.url, message(subscription, events, now), user_id=subscription.user_id)
    except WebhookFailed as failure:
        _after_failure(subscription, lease, now, failure)
        return False
    claimed.update(cursor=cursor, due=now, attempts=0, error="")
    return bool(events)


def _next(subscription: Subscription) -> tuple[str, list[dict[str, Any]]]:
    """Where the subscription stands after the next call, and what the owner may see of the lines until there."""
    if not changes.is_known(subscription.cursor):
        reset: dict[str, Any] = {"id": None, "kind": changes.FEED_RESET, "key": "", "payload": {}, "at": None}
        return changes.latest_cursor(), [reset]
    kinds = tuple(subscription.kinds) or KINDS
    end = changes.latest_cursor()  # asked before the lines are: what comes between is sent next time
    lines = changes.changes_after(subscription.cursor, kinds=kinds, limit=_EVENTS_PER_CALL)
    if not lines:
        return end, []
    user: User = subscription.user
    proposals = proposals_of(user)
    events = [_event(line) for line in lines if user.is_active and visible_to(user, proposals, line)]
    return lines[-1].cursor, events


def _event(line: Change) -> dict[str, Any]:
    return {
        "id": line.cursor,
        "kind": line.kind,
        "key": line.key,
        "payload": line.payload,
        "at": wire_time(line.created),
    }


@transaction.atomic
def _after_failure(subscription: Subscription, lease: datetime, now: datetime, failure: WebhookFailed) -> None:
    """Try again later; when nothing helps, stop, and tell the owner how to go on where it stopped."""
    attempt = subscription.attempts + 1
    gives_up = attempt > len(_WAITS)
    logger.warning(
        "subscription_failed", subscription=subscription.pk, attempt=attempt, error=str(failure), given_up=gives_up
    )
    mine = Subscription.objects.filter(pk=subscription.pk, cursor=subscription.cursor, due=lease)
    due = now if gives_up else now + _WAITS[attempt - 1]
    changed = mine.update(active=not gives_up, attempts=attempt, due=due, error=str(failure))
    if changed and gives_up and subscription.user.email:
        context = {"person": subscription.user, "subscription": subscription, "failure": str(failure)}
        queue_letter("portal/notifications/subscription_stopped", to=subscription.user.email, context=context)
