"""How proposals, allocations and memberships look on the wire."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from armillary.accounts.models import User
from armillary.core.proposals.ledger import MICROSECONDS_PER_HOUR, Account
from armillary.portal.proposals.models import (
    LedgerEntry,
    Membership,
    Proposal,
    ProposalInvite,
    ScienceCollaborationAllocation,
    Semester,
)
from armillary.portal.proposals.queries import (
    AccountedAllocation,
    allocations_of,
    counts_of,
    investigators_of,
)

_BUCKETS = (Account.STANDARD, Account.RAPID_RESPONSE, Account.TIME_CRITICAL, Account.REALTIME)


def amounts(allocation: AccountedAllocation) -> dict[str, float]:
    """The ten amounts of an allocation, in hours."""
    priority = allocation.accounts[Account.PRIORITY]
    found = {"ipp_limit": priority.granted_h, "ipp_time_available": priority.left_h}
    for account in _BUCKETS:
        balance = allocation.accounts[account]
        found[f"{account}_allocation"] = balance.granted_h
        found[f"{account}_time_used"] = balance.used_h
    return found


def proposal_allocation(allocation: AccountedAllocation) -> dict[str, Any]:
    """An allocation inside a proposal."""
    return {
        "id": allocation.row.pk,
        **amounts(allocation),
        "semester": allocation.row.semester_id,
        "proposal": allocation.row.proposal_id,
        "instrument_types": allocation.row.instrument_types,
    }


def investigator(user: User, *, public: bool = False) -> dict[str, str]:
    """A principal investigator; the public sees no address."""
    name = {"first_name": user.first_name, "last_name": user.last_name}
    institution = getattr(getattr(user, "profile", None), "institution", "")
    if public:
        return {**name, "institution": institution}
    return {**name, "username": user.username, "email": user.email, "institution": institution}


def proposals(rows: Sequence[Proposal]) -> list[dict[str, Any]]:
    """Proposals with their allocations, people and counts: a constant number of queries."""
    ids = [row.pk for row in rows]
    allocations, counts, people = allocations_of(ids), counts_of(ids), investigators_of(ids)
    return [
        {
            "id": row.pk,
            "active": row.active,
            "title": row.title,
            "abstract": row.abstract,
            "tac_priority": row.tac_priority,
            "tac_rank": row.tac_rank,
            "sca": row.sca_id,
            "public": row.public,
            "non_science": row.non_science,
            "direct_submission": row.direct_submission,
            "tags": row.tags,
            "pis": [investigator(person) for person in people[row.pk]],
            **counts[row.pk],
            "timeallocation_set": [
                proposal_allocation(item)
                for item in sorted(allocations[row.pk], key=lambda item: item.row.semester_id, reverse=True)
            ],
        }
        for row in rows
    ]


def semester(row: Semester) -> dict[str, Any]:
    """A semester."""
    return {"id": row.pk, "start": row.start, "end": row.end}


def membership(row: Membership, time_used_s: float) -> dict[str, Any]:
    """A membership."""
    return {
        "username": row.user.username,
        "first_name": row.user.first_name,
        "last_name": row.user.last_name,
        "email": row.user.email,
        "role": row.role,
        "proposal": row.proposal_id,
        "time_limit": row.time_limit,
        "time_used_by_user": time_used_s,
        "simple_interface": getattr(getattr(row.user, "profile", None), "simple_interface", False),
        "id": row.pk,
    }


def invitation(row: ProposalInvite) -> dict[str, Any]:
    """An invitation."""
    return {
        "id": row.pk,
        "role": row.role,
        "email": row.email,
        "time_limit": row.time_limit,
        "sent": row.sent,
        "used": row.used,
        "proposal": row.proposal_id,
    }


def semester_proposals(allocations: Collection[AccountedAllocation]) -> list[dict[str, Any]]:
    """The public list of who observes in a semester, by collaboration."""
    by_proposal: dict[str, list[AccountedAllocation]] = {}
    for allocation in allocations:
        proposal = allocation.row.proposal
        if proposal.active and not proposal.non_science:
            by_proposal.setdefault(proposal.pk, []).append(allocation)
    people = investigators_of(list(by_proposal))
    semesters = allocations_of(list(by_proposal))
    found = [_public_proposal(items, people, semesters) for items in by_proposal.values()]
    return sorted(found, key=lambda item: (item["sca_name"], item["id"]))


def _public_proposal(
    items: Sequence[AccountedAllocation],
    people: dict[str, list[User]],
    semesters: dict[str, list[AccountedAllocation]],
) -> dict[str, Any]:
    proposal = items[0].row.proposal
    return {
        "id": proposal.pk,
        "title": proposal.title,
        "abstract": proposal.abstract,
        "allocation": {
            ",".join(item.row.instrument_types): {
                account.value: item.accounts[account].granted_h for account in _BUCKETS
            }
            for item in items
        },
        "pis": [investigator(person, public=True) for person in people[proposal.pk]],
        "sca_id": proposal.sca_id,
        "sca_name": proposal.sca.name,
        "semesters": sorted({item.row.semester_id for item in semesters[proposal.pk]}),
    }


def semester_allocations(
    allocations: Sequence[AccountedAllocation], member_counts: dict[str, int]
) -> list[dict[str, Any]]:
    """All allocations of a semester, for staff."""
    people = investigators_of({item.row.proposal_id for item in allocations})
    found = []
    for item in allocations:
        proposal = item.row.proposal
        found.append(
            {
                "id": item.row.pk,
                **amounts(item),
                "instrument_types": item.row.instrument_types,
                "proposal": {
                    "notes": proposal.notes,
                    "id": proposal.pk,
                    "tac_priority": proposal.tac_priority,
                    "num_users": member_counts.get(proposal.pk, 0),
                    "tags": proposal.tags,
                    "pis": [
                        {"first_name": person.first_name, "last_name": person.last_name}
                        for person in people[proposal.pk]
                    ],
                },
            }
        )
    return found


def ledger_line(row: LedgerEntry) -> dict[str, Any]:
    """A line of a proposal's account of time; ``hours`` are positive when granted, and when used."""
    return {
        "id": row.pk,
        "at": row.created,
        "semester": row.allocation.semester_id,
        "instrument_types": row.allocation.instrument_types,
        "account": row.account,
        "kind": row.kind,
        "hours": row.amount_us / MICROSECONDS_PER_HOUR,
        "reason": row.reason,
        "actor": None if row.actor is None else row.actor.get_username(),
        "request": row.request,
        "observation": row.observation,
    }


def collaboration(row: ScienceCollaborationAllocation) -> dict[str, Any]:
    """A partner that distributes time of its own."""
    return {
        "id": row.pk,
        "name": row.name,
        "admin": None if row.admin is None else row.admin.get_username(),
        "hours": {item.telescope_name: item.allocation for item in row.collaborationallocation_set.all()},
    }
