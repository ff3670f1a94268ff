"""What the portal does by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from armillary.platform.periodic import periodic
from armillary.portal.notifications import delivery, time
from armillary.portal.observations.queries import LONGEST_MEMORY
from armillary.portal.requestgroups.services.activity import forget_activity
from armillary.portal.requestgroups.services.expire import expire_requests
from armillary.portal.subscriptions.services.deliver import deliver_changes


@periodic(every=timedelta(minutes=5), name="portal.expire_requests")
def expire(now: datetime) -> None:
    """Close requests whose windows have passed."""
    expire_requests(now)


@periodic(every=timedelta(days=1), name="portal.forget_activity")
def forget(now: datetime) -> None:
    """Forget activity that nobody asks about any more."""
    forget_activity(now - 2 * LONGEST_MEMORY)


@periodic(every=timedelta(minutes=1), name="portal.deliver_notices")
def deliver(now: datetime) -> None:
    """Send digests and call webhooks."""
    delivery.deliver_notices(now)


@periodic(every=timedelta(hours=1), name="portal.watch_time")
def watch_time(now: datetime) -> None:
    """Warn principal investigators as time runs out, and remind them of what is left."""
    time.warn_of_spent_time(now)
    time.remind_of_time(now)
    delivery.forget_delivered(now)


@periodic(every=timedelta(seconds=10), name="portal.deliver_changes")
def send_changes(now: datetime) -> None:
    """Call the programs that subscribed to changes."""
    deliver_changes(now)
