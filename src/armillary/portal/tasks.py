"""What the portal does by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from armillary.platform.periodic import periodic
from armillary.portal.observations.queries import LONGEST_MEMORY
from armillary.portal.requestgroups.services.activity import forget_activity
from armillary.portal.requestgroups.services.expire import expire_requests


@periodic(every=timedelta(minutes=5), name="portal.expire_requests")
def expire(now: datetime) -> None:
    """Close requests whose windows have passed."""
    expire_requests(now)


@periodic(every=timedelta(days=1), name="portal.forget_activity")
def forget(now: datetime) -> None:
    """Forget activity that nobody asks about any more."""
    forget_activity(now - 2 * LONGEST_MEMORY)
