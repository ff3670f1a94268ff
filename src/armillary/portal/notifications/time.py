"""Principal investigators are warned as time runs out, and reminded of what is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from armillary.accounts.models import User
from armillary.core.proposals.ledger import Account, Balance
from armillary.portal.notifications.services import notify, told_before
from armillary.portal.proposals.models import Membership, Proposal, Semester, TimeAllocation
from armillary.portal.proposals.queries import AccountedAllocation, accounted_allocations

PERCENTS: Final = (100, 90, 75)
"""Parts of the granted time at whose use people are warned, the largest first."""
_NAMES: Final = {
    Account.STANDARD: "standard",
    Account.RAPID_RESPONSE: "rapid response",
    Account.TIME_CRITICAL: "time critical",
    Account.REALTIME: "real-time",
}
_BEFORE_THE_END: Final = timedelta(days=93)


@dataclass(frozen=True, slots=True)
class Share:
    """Hours of one kind on one allocation."""

    allocation: TimeAllocation
    account: Account
    balance: Balance

    @property
    def name(self) -> str:
        """The kind of time."""
        return _NAMES[self.account]

    @property
    def instrument_types(self) -> str:
        """What it can be spent on."""
        return ", ".join(self.allocation.instrument_types)

    @property
    def percent(self) -> int:
        """The part that is used, rounded down, and no more than 100."""
        return min(100, int(100 * self.balance.used_h / self.balance.granted_h))


def warn_of_spent_time(now: datetime) -> int:
    """Tell of every allocation of a current semester whose use has passed another mark; how many warnings."""
    return sum(_warn(share) for share in _shares(_current(now)))


def _warn(share: Share) -> bool:
    passed = next((mark for mark in PERCENTS if share.percent >= mark), None)
    if passed is None:
        return False
    with transaction.atomic():
        if told_before(f"time.{share.allocation.pk}.{share.account}.{passed}"):
            return False
        proposal = share.allocation.proposal
        notify(
            leaders_of(proposal),
            kind="time.running_out",
            letter="portal/notifications/time_running_out",
            proposal_id=proposal.pk,
            context={"proposal": proposal, "share": share, "percent": passed},
        )
    return True


def remind_of_time(now: datetime) -> int:
    """Tell once a month what is left of the semester's time, while it ends within three months; how many reminders."""
    semesters = Semester.objects.filter(start__lte=now, end__gt=now, end__lte=now + _BEFORE_THE_END)
    by_proposal: dict[str, list[Share]] = {}
    for share in _shares([row for row in _current(now) if row.semester in semesters]):
        by_proposal.setdefault(share.allocation.proposal_id, []).append(share)
    return sum(_remind(shares, now) for shares in by_proposal.values())


def _remind(shares: Sequence[Share], now: datetime) -> bool:
    proposal = shares[0].allocation.proposal
    people = leaders_of(proposal).exclude(profile__education_user=True)
    with transaction.atomic():
        if told_before(f"time-reminder.{proposal.pk}.{now:%Y-%m}"):
            return False
        notify(
            people,
            kind="time.reminder",
            letter="portal/notifications/time_reminder",
            proposal_id=proposal.pk,
            context={"proposal": proposal, "shares": shares, "semester": shares[0].allocation.semester},
        )
    return True


def leaders_of(proposal: Proposal) -> QuerySet[User]:
    """The principal investigators of a proposal."""
    return User.objects.filter(membership__proposal=proposal, membership__role=Membership.Role.PI, is_active=True)


def _current(now: datetime) -> list[TimeAllocation]:
    rows = TimeAllocation.objects.filter(proposal__active=True, semester__start__lte=now, semester__end__gt=now)
    return list(rows.select_related("proposal", "semester"))


def _shares(rows: Sequence[TimeAllocation]) -> Iterator[Share]:
    allocations: list[AccountedAllocation] = accounted_allocations(rows)
    for allocation in allocations:
        for account in _NAMES:
            balance = allocation.accounts[account]
            if balance.granted_h > 0:
                yield Share(allocation.row, account, balance)
