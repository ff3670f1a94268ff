"""What proposals have, who belongs to them, and what is left of their time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Q, QuerySet, Sum

from armillary.accounts.models import User
from armillary.accounts.permissions import sees_everything
from armillary.core.proposals.ledger import Account, Balance, Kind
from armillary.core.requests import facts
from armillary.platform.errors import Refusal
from armillary.platform.prepared import Prepared
from armillary.portal.proposals.models import (
    LedgerEntry,
    Membership,
    Proposal,
    ProposalInvite,
    Semester,
    TimeAllocation,
)

Accounts = Mapping[Account, Balance]
_EMPTY: dict[Account, Balance] = dict.fromkeys(Account, Balance())


def balances_of(allocations: Collection[int]) -> dict[int, Accounts]:
    """The accounts of allocations, by allocation id: one query for all of them."""
    if len(allocations) == 1:
        return _accounts(allocations, _balances_of_one.all(allocation=next(iter(allocations))))
    return _accounts(allocations, _totals(LedgerEntry.objects.filter(allocation_id__in=allocations)))


def _totals(entries: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry, tuple[int, str, str, int]]:
    rows = entries.order_by().values_list("allocation_id", "account", "kind")
    return rows.annotate(total=Sum("amount_us"))


_balances_of_one: Final = Prepared[tuple[int, str, str, int]](
    lambda allocation: _totals(LedgerEntry.objects.filter(allocation_id=allocation)), allocation=int
)


def _accounts(allocations: Collection[int], totals: Iterable[tuple[int, str, str, int]]) -> dict[int, Accounts]:
    sums: dict[int, dict[Account, list[int]]] = defaultdict(lambda: {account: [0, 0] for account in Account})
    for allocation, account, kind, total in totals:
        sums[allocation][Account(account)][0 if kind == Kind.GRANT else 1] += total
    return {
        allocation: {account: Balance(granted, used) for account, (granted, used) in sums[allocation].items()}
        if allocation in sums
        else _EMPTY
        for allocation in allocations
    }


@dataclass(frozen=True, slots=True)
class AccountedAllocation:
    """An allocation and what its accounts say."""

    row: TimeAllocation
    accounts: Accounts

    def covers(self, instrument_type: str) -> bool:
        """Whether the allocation pays for an instrument type."""
        return instrument_type in self.row.instrument_types

    def facts(self) -> facts.Allocation:
        """The allocation as the rules of requests see it."""
        ipp = self.accounts[Account.PRIORITY]
        values: dict[str, float] = {}
        for account in (Account.STANDARD, Account.RAPID_RESPONSE, Account.TIME_CRITICAL):
            values[f"{account}_allocation_h"] = self.accounts[account].granted_h
            values[f"{account}_time_used_h"] = self.accounts[account].used_h
        return facts.Allocation(
            semester=self.row.semester_id,
            instrument_types=tuple(self.row.instrument_types),
            ipp_limit_h=ipp.granted_h,
            ipp_time_available_h=ipp.left_h,
            **values,
        )


def accounted_allocations(allocations: Iterable[TimeAllocation]) -> list[AccountedAllocation]:
    """Allocations with their accounts: one more query."""
    rows = list(allocations)
    accounts = balances_of([row.pk for row in rows])
    return [AccountedAllocation(row, accounts[row.pk]) for row in rows]


def allocations_of(proposals: Collection[str]) -> dict[str, list[AccountedAllocation]]:
    """All allocations of proposals, by proposal: two queries."""
    found: dict[str, list[AccountedAllocation]] = {proposal: [] for proposal in proposals}
    for allocation in accounted_allocations(TimeAllocation.objects.filter(proposal_id__in=proposals)):
        found[allocation.row.proposal_id].append(allocation)
    return found


_allocations: Final = Prepared[TimeAllocation](
    lambda proposal: TimeAllocation.objects.filter(proposal_id=proposal), proposal=str
)
_balances: Final = Prepared[tuple[int, str, str, int]](
    lambda proposal: _totals(LedgerEntry.objects.filter(allocation__proposal_id=proposal)), proposal=str
)


def _allocations_of_one(proposal: str) -> list[AccountedAllocation]:
    """All allocations of one proposal: two queries."""
    rows = _allocations.all(proposal=proposal)
    accounts = _accounts([row.pk for row in rows], _balances.all(proposal=proposal))
    return [AccountedAllocation(row, accounts[row.pk]) for row in rows]


_semesters: Final = Prepared[tuple[str, datetime, datetime]](lambda: Semester.objects.values_list("pk", "start", "end"))


def semester_facts() -> list[facts.Semester]:
    """All semesters, as the rules of requests see them."""
    return [facts.Semester(id=key, start=start, end=end) for key, start, end in _semesters.all()]


_proposal: Final = Prepared[Proposal](lambda key: Proposal.objects.filter(pk=key), key=str)


def proposal_named(key: str) -> Proposal | None:
    """The proposal with this id, if there is one."""
    return _proposal.first(key=key)


def current_semester(now: datetime) -> Semester | None:
    """The semester that contains a time."""
    return Semester.objects.filter(start__lte=now, end__gt=now).first()


def semester_named(semester_id: str) -> Semester:
    """The semester of that name.

    Raises:
        Refusal: There is none; the sentence names those that there are.
    """
    found = Semester.objects.filter(pk=semester_id).first()
    if found is None:
        known = ", ".join(Semester.objects.values_list("pk", flat=True)) or "none yet"
        raise Refusal(f"There is no semester {semester_id!r}; known: {known}.")
    return found


_membership: Final = Prepared[Membership](
    lambda proposal, user: Membership.objects.filter(proposal_id=proposal, user_id=user).order_by("pk")[:1],
    proposal=str,
    user=int,
)


def proposal_facts(proposal: Proposal, user: User, now: datetime) -> facts.ProposalFacts:
    """What the rules of requests need to know of a proposal, seen by one person."""
    membership = _membership.first(proposal=proposal.pk, user=user.pk)
    limit = membership.time_limit if membership is not None and membership.time_limit >= 0 else None
    allocations = _allocations_of_one(proposal.pk)
    used = (
        time_requested_s([(user.pk, proposal.pk)], now).get((user.pk, proposal.pk), 0.0) if limit is not None else 0.0
    )
    return facts.ProposalFacts(
        id=proposal.pk,
        active=proposal.active,
        is_member=membership is not None,
        allocations=tuple(allocation.facts() for allocation in allocations),
        time_limit_s=limit,
        time_requested_s=used,
    )


def time_requested_s(pairs: Collection[tuple[int, str]], now: datetime) -> dict[tuple[int, str], float]:
    """Seconds that people asked for in proposals, in the current semester, by (user, proposal): two queries."""
    from armillary.portal.requestgroups.models import Request

    semester = current_semester(now)
    if semester is None or not pairs:
        return {}
    rows = (
        Request.objects.filter(
            request_group__submitter_id__in={user for user, _ in pairs},
            request_group__proposal_id__in={proposal for _, proposal in pairs},
            request_group__created__gte=semester.start,
            request_group__state__in=("PENDING", "COMPLETED"),
            state__in=("PENDING", "COMPLETED"),
        )
        .order_by()
        .values_list("request_group__submitter_id", "request_group__proposal_id")
        .annotate(total=Sum("duration_s"))
    )
    return {(user, proposal): float(total) for user, proposal, total in rows}


def visible_proposals(user: User) -> QuerySet[Proposal]:
    """The proposals that a person may see: their own, or all for staff that sees everything."""
    return Proposal.objects.all() if sees_everything(user) else Proposal.objects.filter(membership__user=user)


def leads_any(user: User) -> bool:
    """Whether a person is principal investigator of any proposal."""
    return Membership.objects.filter(user=user, role=Membership.Role.PI).exists()


def visible_memberships(user: User) -> QuerySet[Membership]:
    """A person's own memberships, the PIs of their proposals, and everybody in the proposals they lead."""
    rows = Membership.objects.select_related("user__profile")
    if sees_everything(user):
        return rows
    own = Membership.objects.filter(user=user)
    led = own.filter(role=Membership.Role.PI)
    return rows.filter(
        Q(user=user)
        | Q(role=Membership.Role.PI, proposal_id__in=own.values("proposal_id"))
        | Q(proposal_id__in=led.values("proposal_id"))
    )


def visible_invitations(user: User) -> QuerySet[ProposalInvite]:
    """Invitations to the proposals that a person leads."""
    if sees_everything(user):
        return ProposalInvite.objects.all()
    led = Membership.objects.filter(user=user, role=Membership.Role.PI)
    return ProposalInvite.objects.filter(proposal_id__in=led.values("proposal_id"))


def tags_of(proposals: QuerySet[Proposal]) -> list[str]:
    """All distinct tags, sorted."""
    return sorted({tag for tags in proposals.order_by().values_list("tags", flat=True) for tag in tags})


def counts_of(proposals: Collection[str]) -> dict[str, dict[str, int]]:
    """How many request groups and co-investigators proposals have: two queries for all of them."""
    from armillary.portal.requestgroups.models import RequestGroup

    groups = RequestGroup.objects.filter(proposal_id__in=proposals).order_by().values_list("proposal_id")
    members = Membership.objects.filter(proposal_id__in=proposals, role=Membership.Role.CI).order_by()
    group_counts = dict(groups.annotate(number=Count("pk")))
    member_counts = dict(members.values_list("proposal_id").annotate(number=Count("pk")))
    return {
        proposal: {
            "requestgroup_count": group_counts.get(proposal, 0),
            "coi_count": member_counts.get(proposal, 0),
        }
        for proposal in proposals
    }


def investigators_of(proposals: Collection[str]) -> dict[str, list[User]]:
    """The PIs of proposals: one query for all of them."""
    found: dict[str, list[User]] = {proposal: [] for proposal in proposals}
    rows = Membership.objects.filter(proposal_id__in=proposals, role=Membership.Role.PI)
    for membership in rows.select_related("user__profile").order_by("pk"):
        found[membership.proposal_id].append(membership.user)
    return found


def people_to_tell(proposal_id: str, submitter: User) -> list[User]:
    """Who wants to know what became of a request group.

    Members who are told of everything, those subscribed to this proposal, and the person who asked; members who want
    to hear of their own requests only are left out of other people's.
    """
    found = {person.pk: person for person in _people_to_tell.all(proposal=proposal_id, submitter=submitter.pk)}
    return list((found | {submitter.pk: submitter}).values())


def _rows_to_tell(proposal: str, submitter: int) -> QuerySet[User]:
    subscribed = Q(pk__in=User.objects.filter(proposalnotification__proposal_id=proposal).values("pk"))
    members = Q(membership__proposal_id=proposal, profile__notifications_enabled=True)
    people = User.objects.filter(members | subscribed).exclude(
        Q(profile__notifications_on_authored_only=True) & ~Q(pk=submitter)
    )
    return people.distinct()


_people_to_tell: Final = Prepared[User](_rows_to_tell, proposal=str, submitter=int)


def semester_allocations(semester: Semester) -> list[AccountedAllocation]:
    """All allocations of a semester, with their proposals."""
    rows = (
        TimeAllocation.objects.filter(semester=semester).select_related("proposal__sca").order_by("proposal_id", "pk")
    )
    return accounted_allocations(rows)


def ledger_of(proposal: Proposal) -> QuerySet[LedgerEntry]:
    """The lines of a proposal's account of time, newest first."""
    rows = LedgerEntry.objects.filter(allocation__proposal=proposal)
    return rows.select_related("allocation", "actor").order_by("-pk")


def current_allocations(user: User, now: datetime) -> dict[str, list[AccountedAllocation]]:
    """The allocations of a person's proposals in the current semester, by proposal."""
    rows = TimeAllocation.objects.filter(
        proposal__membership__user=user, semester__start__lte=now, semester__end__gt=now
    ).select_related("semester")
    found: dict[str, list[AccountedAllocation]] = defaultdict(list)
    for allocation in accounted_allocations(rows):
        found[allocation.row.proposal_id].append(allocation)
    return found


def profile_proposals(user: User, now: datetime) -> list[dict[str, Any]]:
    """The proposals of a person as their profile lists them; current ones have time now or later."""
    current = set(
        Proposal.objects.filter(membership__user=user, active=True, timeallocation__semester__end__gte=now)
        .order_by()
        .values_list("pk", flat=True)
    )
    rows = Proposal.objects.filter(membership__user=user).order_by(F("title"), F("id")).values_list("pk", "title")
    return [{"id": proposal, "title": title, "current": proposal in current} for proposal, title in rows]
