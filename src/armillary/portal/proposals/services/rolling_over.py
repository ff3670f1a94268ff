"""What is left of a semester's time goes on into another one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction

from armillary.accounts import audit
from armillary.accounts.models import User
from armillary.core.proposals.ledger import Account
from armillary.platform.database import serialised
from armillary.platform.refusals import Refusal
from armillary.portal.proposals.models import LedgerEntry, Semester, TimeAllocation
from armillary.portal.proposals.queries import AccountedAllocation, accounted_allocations
from armillary.portal.proposals.services.granting import TimeGrant, grant_time


@dataclass(frozen=True, slots=True)
class RolledOver:
    """What one allocation hands on."""

    proposal: str
    instrument_types: tuple[str, ...]
    hours: TimeGrant
    is_new: bool
    """Whether it has not been handed on before."""


@transaction.atomic
def roll_over(
    source: Semester,
    target: Semester,
    *,
    actor: User,
    proposals: Collection[str] | None = None,
    dry_run: bool = False,
) -> list[RolledOver]:
    """Grant the unused hours of a semester's allocations once more in another semester: all of them, or none.

    What was handed on before is not handed on again. The hours stay in the old semester, too, where they can be used as
    long as it lasts.

    Args:
        source: Where hours are left.
        target: Where they go.
        actor: Who does it.
        proposals: Of these proposals only; default: of all active ones.
        dry_run: Only say what would happen.

    Raises:
        Refusal: The semesters are the same or in the wrong order, or allocations of the target are in the way.
    """
    if target.start <= source.start:
        raise Refusal({"to": [f"{target.pk} does not come after {source.pk}."]})
    rows = TimeAllocation.objects.filter(semester=source, proposal__active=True).order_by("proposal_id", "pk")
    if proposals is not None:
        rows = rows.filter(proposal_id__in=proposals)
    found, errors = [], {}
    for allocation in accounted_allocations(rows.select_related("proposal")):
        try:
            found += _hand_on(allocation, target, actor)
        except Refusal as refusal:
            errors[f"{allocation.row.proposal_id} ({', '.join(allocation.row.instrument_types)})"] = refusal.errors
    if errors:
        raise Refusal({"allocations": errors})
    if dry_run:
        transaction.set_rollback(True)
    else:
        handed_on = sum(item.is_new for item in found)
        audit.record(actor, "time.roll_over", f"{source.pk} to {target.pk}", allocations=handed_on)
    return found


def _hand_on(allocation: AccountedAllocation, target: Semester, actor: User) -> list[RolledOver]:
    left = {account: max(0.0, balance.left_h) for account, balance in allocation.accounts.items()}
    hours = TimeGrant(
        std_h=left[Account.STANDARD],
        rr_h=left[Account.RAPID_RESPONSE],
        tc_h=left[Account.TIME_CRITICAL],
        realtime_h=left[Account.REALTIME],
    )
    if not any((hours.std_h, hours.rr_h, hours.tc_h, hours.realtime_h)):
        return []
    row = allocation.row
    serialised(f"portal.proposal.{row.proposal_id}")
    reason = f"rolled over from {row.semester_id} (allocation {row.pk})"
    done = LedgerEntry.objects.filter(
        allocation__proposal_id=row.proposal_id, allocation__semester=target, reason=reason
    ).exists()
    if not done:
        grant_time(row.proposal, target, row.instrument_types, hours, actor=actor, reason=reason)
    return [RolledOver(row.proposal_id, tuple(row.instrument_types), hours, is_new=not done)]
