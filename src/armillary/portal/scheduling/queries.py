from __future__ import annotations

from datetime import datetime
from typing import Any

from armillary.core.requests.instants import format_time
from armillary.portal.observations.models import TelescopeSchedule
from armillary.portal.scheduling.models import SchedulerLease, SchedulerReason

Json = dict[str, Any]


def scheduler_state(now: datetime) -> Json:
    """Who schedules, and how its last run went."""
    row = SchedulerLease.objects.first()
    if row is None:
        return {"holder": None, "fence": 0, "expires": None, "state": "", "sentence": "", "run": "", "run_at": None}
    return {
        "holder": row.holder if row.expires > now else None,
        "fence": row.fence,
        "expires": format_time(row.expires),
        "state": row.state,
        "sentence": row.sentence,
        "run": row.run,
        "run_at": None if row.run_at is None else format_time(row.run_at),
    }


def reason_of(request_id: int) -> Json | None:
    """What the scheduler last said about a request, in which run and when; None if it never said anything."""
    row = SchedulerReason.objects.filter(request=request_id).first()
    if row is None:
        return None
    last = SchedulerLease.objects.values_list("run_at", flat=True).first()
    said = {key: value for key, value in row.document.items() if key not in {"request", "request_group"}}
    return said | {
        "run": row.run,
        "since": format_time(row.at),
        "looked_at": format_time(row.at if last is None else max(last, row.at)),
    }


def all_versions() -> dict[str, str]:
    """The version of every telescope's schedule that was ever written, by telescope key."""
    rows = TelescopeSchedule.objects.values_list("site", "enclosure", "telescope", "version")
    return {f"{site}.{enclosure}.{telescope}": str(version) for site, enclosure, telescope, version in rows}
