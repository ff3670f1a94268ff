"""The observatory changes proposals: what they are called, who leads them, how much time they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from armillary.accounts import audit
from armillary.accounts.models import User
from armillary.clock import now
from armillary.core.proposals.ledger import Account, Balance, Entry, Kind, microseconds
from armillary.platform.changes import record_change
from armillary.platform.database import serialised
from armillary.platform.refusals import Refusal
from armillary.portal.proposals.models import Membership, Proposal, Semester, TimeAllocation
from armillary.portal.proposals.queries import accounted_allocations
from armillary.portal.proposals.services.granting import (
    TimeGrant,
    append_entries,
    create_proposal,
    create_semester,
    grant_time,
)

CHANGEABLE: Final = frozenset(
    {
        "title",
        "abstract",
        "tac_priority",
        "tac_rank",
        "public",
        "non_science",
        "direct_submission",
        "tags",
        "active",
        "notes",
    }
)


@transaction.atomic
def change_proposal(proposal: Proposal, changes: Mapping[str, Any], *, actor: User) -> Proposal:
    """Change what is said of a proposal; gives it as it is now.

    Args:
        proposal: Which.
        changes: Values by name, of those in ``CHANGEABLE``.
        actor: Who does it.

    Raises:
        Refusal: A name cannot be changed.
    """
    if unknown := sorted(set(changes) - CHANGEABLE):
        raise Refusal({name: ["This cannot be changed."] for name in unknown})
    locked = Proposal.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
    differing = {name: value for name, value in changes.items() if getattr(locked, name) != value}
    if not differing:
        return locked
    for name, value in differing.items():
        setattr(locked, name, value)
    locked.modified = now()
    locked.save(update_fields=[*differing, "modified"])
    shown = {name: value for name, value in differing.items() if name not in {"abstract", "notes"}}
    audit.record(actor, "proposal.change", locked.pk, changed=sorted(differing), to=shown)
    record_change("proposal.changed", locked.pk, {"proposal": locked.pk})
    return locked


@transaction.atomic
def appoint(proposal: Proposal, user: User, role: str, *, actor: User) -> Membership:
    """Make somebody a member in a certain role, whatever they were before.

    Raises:
        Refusal: The proposal would be left without a principal investigator.
    """
    serialised(f"portal.proposal.{proposal.pk}")
    membership = Membership.objects.filter(proposal=proposal, user=user).first()
    if membership is None:
        membership = Membership.objects.create(proposal=proposal, user=user, role=role)
    elif membership.role != role:
        if membership.role == Membership.Role.PI:
            _require_another_leader(membership)
        membership.role = role
        membership.time_limit = -1
        membership.save(update_fields=["role", "time_limit"])
    audit.record(actor, "proposal.appoint", proposal.pk, username=user.username, role=role)
    return membership


@transaction.atomic
def dismiss(membership: Membership, *, actor: User) -> None:
    """Take somebody out of a proposal, a principal investigator too if there is another one.

    Raises:
        Refusal: It is the only principal investigator.
    """
    serialised(f"portal.proposal.{membership.proposal_id}")
    current = Membership.objects.filter(pk=membership.pk).select_related("user").first()
    if current is None:
        return
    if current.role == Membership.Role.PI:
        _require_another_leader(current)
    current.delete()
    audit.record(actor, "proposal.dismiss", membership.proposal_id, username=current.user.username)


def _require_another_leader(membership: Membership) -> None:
    others = Membership.objects.filter(proposal_id=membership.proposal_id, role=Membership.Role.PI)
    if not others.exclude(pk=membership.pk).exists():
        raise Refusal({"role": ["Appoint another principal investigator first: a proposal is not left without one."]})


@transaction.atomic
def correct_time(
    allocation: TimeAllocation, hours: Mapping[Account, float], *, reason: str, actor: User
) -> TimeAllocation:
    """Add hours to what an allocation was granted, or, negative, take them back, with a line in the ledger.

    Args:
        allocation: Which.
        hours: What to add to each account; left out: nothing.
        reason: Why; it stands in the ledger.
        actor: Who does it.

    Raises:
        Refusal: Less would be granted than has been used.
    """
    serialised(f"portal.proposal.{allocation.proposal_id}")
    locked = TimeAllocation.objects.select_for_update(of=("self",)).get(pk=allocation.pk)
    (accounted,) = accounted_allocations([locked])
    entries, errors = [], {}
    for account, added in hours.items():
        amount = microseconds(hours=added)
        balance = accounted.accounts[account]
        if amount < 0 and balance.granted_us + amount < max(0, balance.used_us):
            errors[f"{account}_allocation"] = [_too_much(balance)]
        elif amount:
            entries.append(Entry(account, Kind.GRANT, amount))
    if errors:
        raise Refusal(errors)
    append_entries(locked, entries, reason=reason, actor=actor)
    audit.record(
        actor, "time.correct", locked.proposal_id, allocation=locked.pk, reason=reason,
        hours={str(account): added for account, added in hours.items() if added},
    )  # fmt: skip
    return locked


def _too_much(balance: Balance) -> str:
    return (
        f"{balance.granted_h:.2f} hours are granted and {balance.used_h:.2f} are used: "
        f"no more than {max(0.0, balance.left_h):.2f} can be taken back."
    )


@transaction.atomic
def open_semester(semester_id: str, start: datetime, end: datetime, *, actor: User) -> Semester:
    """Create a semester in the name of somebody.

    Raises:
        Refusal: As for :func:`create_semester`.
    """
    semester = create_semester(semester_id, start, end)
    audit.record(actor, "semester.create", semester.pk, start=start.isoformat(), end=end.isoformat())
    return semester


@transaction.atomic
def open_proposal(values: Mapping[str, Any], *, actor: User) -> Proposal:
    """Create a proposal in the name of somebody.

    Args:
        values: What :func:`create_proposal` takes, by the wire's names.
        actor: Who does it.

    Raises:
        Refusal: A proposal of this name exists.
    """
    details = dict(values)
    name, notes, collaboration = details.pop("id"), details.pop("notes", ""), details.pop("sca", None)
    if collaboration:
        details["collaboration"] = collaboration
    proposal = create_proposal(name, **details)
    if notes:
        proposal.notes = notes
        proposal.save(update_fields=["notes"])
    audit.record(actor, "proposal.create", proposal.pk, leader=values["pi"].username)
    return proposal


@transaction.atomic
def give_time(
    proposal: Proposal,
    semester: Semester,
    instrument_types: Sequence[str],
    grant: TimeGrant,
    *,
    actor: User,
    reason: str,
) -> TimeAllocation:
    """Give a proposal time in the name of somebody.

    Raises:
        Refusal: As for :func:`grant_time`.
    """
    allocation = grant_time(proposal, semester, instrument_types, grant, actor=actor, reason=reason)
    hours = {"std": grant.std_h, "rr": grant.rr_h, "tc": grant.tc_h, "realtime": grant.realtime_h}
    audit.record(actor, "time.grant", proposal.pk, semester=semester.pk, reason=reason, hours=hours)
    return allocation
