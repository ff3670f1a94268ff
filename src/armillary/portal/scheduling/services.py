"""The lease of the one scheduler, and what it reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from armillary.core.requests.submission import read
from armillary.platform.changes import record_change
from armillary.platform.database import retry_conflicts, serialised
from armillary.platform.errors import Conflict, Refusal
from armillary.portal.requestgroups.models import Request
from armillary.portal.scheduling.models import SchedulerLease, SchedulerReason
from armillary.portal.scheduling.shapes import LeaseWish, ReportedReason, RunReport

_NAME: Final = "network"
_LOCK: Final = "portal.scheduler"
_BATCH: Final = 500
_FIELDS: Final = ("run", "at", "status", "document")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to publish plans."""

    holder: str
    fence: int
    expires: datetime


@retry_conflicts()
def take_lease(body: object, now: datetime) -> Lease:
    """Give or prolong the right to publish plans; zero seconds give it back.

    Raises:
        Refusal: The wish is not well-formed.
        Conflict: Somebody else has it; the sentence says who and until when.
    """
    reading = read(LeaseWish, body)
    if reading.document is None:
        raise Refusal(reading.errors)
    holder, expires = reading.document["holder"], now + timedelta(seconds=reading.document["seconds"])
    with transaction.atomic():
        row = _locked(now)
        if row.holder != holder:
            if row.expires > now:
                raise Conflict(f"scheduler {row.holder!r} holds the lease until {row.expires:%Y-%m-%dT%H:%M:%SZ}")
            row.fence += 1
        row.holder, row.expires = holder, expires
        row.save(update_fields=["holder", "fence", "expires"])
    return Lease(row.holder, row.fence, row.expires)


def refuse_old_fence(fence: int | None) -> None:
    """Refuse a publication of a scheduler whose lease has passed to another one; in the caller's transaction.

    Without a fence nothing is refused: such a publisher takes no part in the lease.

    Raises:
        Conflict: The fence is not the newest.
    """
    if fence is None:
        return
    serialised(_LOCK)
    newest = SchedulerLease.objects.filter(name=_NAME).values_list("fence", "holder").first()
    if newest is None or newest[0] != fence:
        current, holder = newest or (0, "nobody")
        raise Conflict(
            f"fence {fence} is not the newest ({current}, of scheduler {holder!r}); take the lease before publishing"
        )


@retry_conflicts()
def take_report(body: object) -> int:
    """Keep how a run went, and the reasons of requests; how many were stored (unknown requests are left out).

    Raises:
        Refusal: The report is not well-formed.
        Conflict: Another scheduler has the lease.
    """
    reading = read(RunReport, body)
    if reading.document is None:
        raise Refusal(reading.errors)
    report = reading.document
    reasons = _reasons(report["reasons"])
    with transaction.atomic():
        refuse_old_fence(report["fence"])
        said = {name: report[name] for name in ("run", "state", "sentence")} | {"run_at": report["at"]}
        before = SchedulerLease.objects.filter(name=_NAME).values_list("state", flat=True).first()
        SchedulerLease.objects.filter(name=_NAME).update(**said)
        known = set(Request.objects.filter(pk__in=[each["request"] for each in reasons]).values_list("pk", flat=True))
        rows = [
            SchedulerReason(
                request_id=each["request"], run=report["run"], at=report["at"], status=each["status"], document=each
            )
            for each in reasons
            if each["request"] in known
        ]
        SchedulerReason.objects.bulk_create(
            rows, batch_size=_BATCH, update_conflicts=True, unique_fields=["request"], update_fields=list(_FIELDS)
        )
        if before != report["state"]:
            record_change("scheduler.changed", _NAME, {"state": report["state"], "sentence": report["sentence"]})
    return len(rows)


def _reasons(items: Sequence[Any]) -> list[dict[str, Any]]:
    """Well-formed reasons, the last one of each request."""
    readings = [read(ReportedReason, item) for item in items]
    if any(each.document is None for each in readings):
        raise Refusal({"reasons": [each.errors for each in readings]})
    whole = [{**item, **each.document} for item, each in zip(items, readings, strict=True) if each.document]
    return list({each["request"]: each for each in whole}.values())


def _locked(now: datetime) -> SchedulerLease:
    serialised(_LOCK)
    row, _ = SchedulerLease.objects.get_or_create(name=_NAME, defaults={"expires": now})
    return row
