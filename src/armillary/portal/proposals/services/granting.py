"""Semesters, proposals, time and members come into being and change here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from armillary.accounts.models import User
from armillary.clock import now
from armillary.core.proposals.ledger import Account, Entry, Kind, microseconds
from armillary.core.proposals.priority import DEFAULT_AVAILABLE_SHARE, DEFAULT_LIMIT_SHARE
from armillary.platform.database import serialised
from armillary.platform.errors import Refusal
from armillary.portal.proposals.models import (
    LedgerEntry,
    Membership,
    Proposal,
    ProposalNotification,
    ScienceCollaborationAllocation,
    Semester,
    TimeAllocation,
)


@dataclass(frozen=True, slots=True)
class TimeGrant:
    """Hours given to a proposal on a set of instrument types in one semester."""

    std_h: float = 0.0
    rr_h: float = 0.0
    tc_h: float = 0.0
    realtime_h: float = 0.0
    ipp_limit_h: float | None = None
    """Default: 10 % of ``std_h``."""
    ipp_available_h: float | None = None
    """Default: 5 % of ``std_h``."""

    def entries(self) -> list[Entry]:
        """The lines that this grant adds to the ledger."""
        hours = {
            Account.STANDARD: self.std_h,
            Account.RAPID_RESPONSE: self.rr_h,
            Account.TIME_CRITICAL: self.tc_h,
            Account.REALTIME: self.realtime_h,
            Account.PRIORITY: self.priority_limit_h,
        }
        if any(value < 0 for value in hours.values()):
            raise Refusal({"hours": ["Hours cannot be negative; take granted time back with a correcting entry."]})
        entries = [
            Entry(account, Kind.GRANT, microseconds(hours=value)) for account, value in hours.items() if value > 0
        ]
        spent = microseconds(hours=self.priority_limit_h) - microseconds(hours=self.priority_available_h)
        if spent < 0:
            raise Refusal({"ipp_available_h": ["More priority cannot be available than its limit."]})
        return entries + ([Entry(Account.PRIORITY, Kind.OPENING, spent)] if spent else [])

    @property
    def priority_limit_h(self) -> float:
        """Hours up to which priority may accumulate."""
        return self.std_h * DEFAULT_LIMIT_SHARE if self.ipp_limit_h is None else self.ipp_limit_h

    @property
    def priority_available_h(self) -> float:
        """Hours of priority to start with."""
        return self.std_h * DEFAULT_AVAILABLE_SHARE if self.ipp_available_h is None else self.ipp_available_h


@transaction.atomic
def create_semester(semester_id: str, start: datetime, end: datetime) -> Semester:
    """Create a semester; the same one again is no mistake.

    Raises:
        Refusal: The times are reversed, or another semester lies in them.
    """
    if end <= start:
        raise Refusal({"end": ["The end of a semester must be later than its start."]})
    serialised("portal.semesters")
    existing = Semester.objects.filter(pk=semester_id).first()
    if existing is not None and (existing.start, existing.end) == (start, end):
        return existing
    others = Semester.objects.filter(start__lt=end, end__gt=start) | Semester.objects.filter(pk=semester_id)
    if other := others.first():
        raise Refusal(f"Semester {other.pk} lasts from {other.start:%Y-%m-%d} to {other.end:%Y-%m-%d} already.")
    return Semester.objects.create(pk=semester_id, start=start, end=end)


@transaction.atomic
def create_proposal(
    proposal_id: str,
    *,
    title: str = "",
    pi: User | None = None,
    active: bool = True,
    public: bool = False,
    tags: Sequence[str] = (),
    tac_priority: int = 10,
    tac_rank: int = 0,
    abstract: str = "",
    non_science: bool = False,
    direct_submission: bool = False,
    collaboration: str = "ARMILLARY",
    semester: Semester | None = None,
    hours: TimeGrant | None = None,
    instrument_types: Iterable[Sequence[str]] = (),
) -> Proposal:
    """Create a proposal, with time if ``semester``, ``hours`` and ``instrument_types`` are given.

    Each group of ``instrument_types`` gets an allocation of ``hours`` of its own.

    Raises:
        Refusal: A proposal of this name exists, or time was given incompletely.
    """
    if Proposal.objects.filter(pk=proposal_id).exists():
        raise Refusal({"id": [f"Proposal {proposal_id!r} exists already."]})
    groups = [tuple(group) for group in instrument_types]
    if hours is not None and (semester is None or not groups):
        raise Refusal({"hours": ["Time needs a semester and at least one instrument type to be spent on."]})
    sca, _ = ScienceCollaborationAllocation.objects.get_or_create(pk=collaboration, defaults={"name": collaboration})
    moment = now()
    proposal = Proposal.objects.create(
        pk=proposal_id,
        title=title or proposal_id,
        active=active,
        public=public,
        tags=list(tags),
        tac_priority=tac_priority,
        tac_rank=tac_rank,
        abstract=abstract,
        non_science=non_science,
        direct_submission=direct_submission,
        sca=sca,
        created=moment,
        modified=moment,
    )
    if pi is not None:
        add_member(proposal, pi, role=Membership.Role.PI)
    if hours is not None and semester is not None:
        for group in groups:
            grant_time(proposal, semester, group, hours)
    return proposal


@transaction.atomic
def grant_time(
    proposal: Proposal,
    semester: Semester,
    instrument_types: Sequence[str],
    grant: TimeGrant,
    *,
    actor: User | None = None,
    reason: str = "granted",
) -> TimeAllocation:
    """Give a proposal time; more time for the same instrument types adds to what is there.

    Raises:
        Refusal: No instrument type is named, or another allocation of the semester has one of them already.
    """
    if not instrument_types:
        raise Refusal({"instrument_types": ["Name at least one instrument type."]})
    serialised(f"portal.proposal.{proposal.pk}")
    allocation = _allocation_for(proposal, semester, instrument_types)
    append_entries(allocation, grant.entries(), reason=reason, actor=actor)
    return allocation


def _allocation_for(proposal: Proposal, semester: Semester, instrument_types: Sequence[str]) -> TimeAllocation:
    wanted = set(instrument_types)
    for other in TimeAllocation.objects.filter(proposal=proposal, semester=semester):
        if set(other.instrument_types) == wanted:
            return other
        if shared := wanted & set(other.instrument_types):
            sentence = (
                f"{', '.join(sorted(shared))} of proposal {proposal.pk} in {semester.pk} "
                f"belongs to the allocation of {', '.join(other.instrument_types)} already."
            )
            raise Refusal({"instrument_types": [sentence]})
    return TimeAllocation.objects.create(
        proposal=proposal, semester=semester, instrument_types=list(dict.fromkeys(instrument_types))
    )


def append_entries(
    allocation: TimeAllocation,
    entries: Iterable[Entry],
    *,
    reason: str,
    actor: User | None = None,
    configuration_status: int | None = None,
    observation: int | None = None,
    request: int | None = None,
) -> None:
    """Append lines to the ledger, inside the caller's transaction."""
    moment = now()
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            allocation=allocation,
            account=entry.account,
            kind=entry.kind,
            amount_us=entry.amount_us,
            reason=reason[:200],
            actor=actor,
            configuration_status=configuration_status,
            observation=observation,
            request=request,
            created=moment,
        )
        for entry in entries
    )


@transaction.atomic
def add_member(proposal: Proposal, user: User, role: str = Membership.Role.CI, time_limit_s: int = -1) -> Membership:
    """Make a person a member; somebody who is one already stays as they are."""
    membership, _ = Membership.objects.get_or_create(
        proposal=proposal, user=user, defaults={"role": role, "time_limit": time_limit_s}
    )
    return membership


@transaction.atomic
def remove_member(membership: Membership) -> None:
    """Take a co-investigator out of a proposal.

    Raises:
        Refusal: The member is a PI: a proposal is not left without the person who is responsible.
    """
    if membership.role == Membership.Role.PI:
        raise Refusal(
            "A principal investigator cannot be removed; ask the observatory to change who leads the proposal."
        )
    membership.delete()


@transaction.atomic
def limit_member(membership: Membership, hours: float) -> Membership:
    """Limit the time that a co-investigator may ask for; negative hours take the limit away.

    Raises:
        Refusal: The member is a PI.
    """
    if membership.role == Membership.Role.PI:
        raise Refusal("You cannot set the limit on a PI membership.")
    membership.time_limit = seconds_of(hours)
    membership.save(update_fields=["time_limit"])
    return membership


@transaction.atomic
def limit_all_members(proposal: Proposal, hours: float) -> int:
    """Limit every co-investigator of a proposal; how many that were."""
    rows = Membership.objects.filter(proposal=proposal, role=Membership.Role.CI)
    return rows.update(time_limit=seconds_of(hours))


def seconds_of(hours: float) -> int:
    """A time limit in whole seconds; anything negative is -1, no limit."""
    return round(hours * 3600) if hours >= 0 else -1


@transaction.atomic
def set_notifications(user: User, proposal: Proposal, *, enabled: bool) -> None:
    """Tell a person about a proposal, or stop."""
    if enabled:
        ProposalNotification.objects.get_or_create(user=user, proposal=proposal)
    else:
        ProposalNotification.objects.filter(Q(user=user) & Q(proposal=proposal)).delete()
