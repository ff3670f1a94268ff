"""Who gets time, and all that follows from it, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.db import transaction

from armillary.accounts import audit
from armillary.accounts.models import User
from armillary.clock import now
from armillary.platform.changes import record_change
from armillary.platform.database import serialised
from armillary.platform.errors import Conflict, Refusal
from armillary.portal.calls import letters
from armillary.portal.calls.models import Call, ScienceApplication, ScienceApplicationReview, TimeRequest
from armillary.portal.calls.queries import collaboration_of
from armillary.portal.proposals.invitations import add_or_invite
from armillary.portal.proposals.models import Membership, Proposal
from armillary.portal.proposals.services import TimeGrant, create_proposal, grant_time

_PREFIXES: Final[Mapping[str, str]] = {
    Call.ProposalType.KEY: "KEY",
    Call.ProposalType.DDT: "DDT",
    Call.ProposalType.NAOC: "NAOC",
}
_OPEN: Final = (ScienceApplication.Status.SUBMITTED, ScienceApplication.Status.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Grant:
    """Hours that are given to one time request of an application."""

    std_h: float
    rr_h: float = 0.0
    tc_h: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What the observatory gives to an application."""

    tac_priority: int
    tac_rank: int
    grants: Mapping[int, Grant] | None = None
    """By id of the time request; those left out get nothing. Default: everything that was asked for."""
    proposal_id: str = ""
    """Default: made of kind, semester and rank."""
    comments: str = ""
    active: bool = True


@dataclass(slots=True)
class _Share:
    request: TimeRequest
    grant: Grant
    codes: tuple[str, ...] = field(default=())


@transaction.atomic
def accept_application(application: ScienceApplication, decision: Decision, *, actor: User) -> Proposal:
    """Give an application time: proposal, allocations, members, invitations and letters, or nothing of it.

    Raises:
        Refusal: It was not submitted, no time is given, the priority is zero, or the proposal's name is taken.
        Conflict: The decision was made already.
    """
    locked = _locked(application)
    if decision.tac_priority <= 0:
        raise Refusal({"tac_priority": ["Give a priority above zero: with zero nothing is ever scheduled."]})
    shares = _shares(locked, decision)
    proposal = _create(locked, decision)
    for share in shares:
        hours = TimeGrant(share.grant.std_h, share.grant.rr_h, share.grant.tc_h)
        reason = f"application {locked.pk} accepted"
        grant_time(proposal, share.request.semester, share.codes, hours, actor=actor, reason=reason)
    TimeRequest.objects.filter(pk__in=[share.request.pk for share in shares]).update(approved=True)
    locked.status = ScienceApplication.Status.PORTED
    locked.proposal = proposal
    locked.tac_priority, locked.tac_rank, locked.modified = decision.tac_priority, decision.tac_rank, now()
    locked.save(update_fields=["status", "proposal", "tac_priority", "tac_rank", "modified"])
    _close_review(locked, ScienceApplicationReview.Status.ACCEPTED)
    _add_people(locked, proposal, actor)
    letters.tell_accepted(locked, proposal, decision.comments, shares)
    audit.record(actor, "application.accept", str(locked.pk), proposal=proposal.pk)
    record_change("application.accepted", str(locked.pk), {"proposal": proposal.pk})
    return proposal


@transaction.atomic
def reject_application(application: ScienceApplication, comments: str = "", *, actor: User | None = None) -> None:
    """Give an application no time, and say so by letter.

    Raises:
        Conflict: The decision was made already.
    """
    locked = _locked(application)
    locked.status, locked.modified = ScienceApplication.Status.REJECTED, now()
    locked.save(update_fields=["status", "modified"])
    _close_review(locked, ScienceApplicationReview.Status.REJECTED)
    letters.tell_rejected(locked, comments)
    audit.record(actor, "application.reject", str(locked.pk))
    record_change("application.rejected", str(locked.pk))


def _locked(application: ScienceApplication) -> ScienceApplication:
    serialised(f"portal.application.{application.pk}")
    row = ScienceApplication.objects.select_for_update(of=("self",)).select_related("call__semester", "submitter")
    locked = row.get(pk=application.pk)
    if locked.status == ScienceApplication.Status.DRAFT:
        raise Refusal("This application was not submitted yet.")
    if locked.status not in _OPEN:
        raise Conflict(f"The decision about this application has been made: it is {locked.status}.")
    return locked


def _shares(application: ScienceApplication, decision: Decision) -> list[_Share]:
    shares = []
    wishes = application.timerequest_set.select_related("semester").prefetch_related("instrument_types")
    known = {wish.pk: wish for wish in wishes}
    if unknown := set(decision.grants or ()) - set(known):
        raise Refusal({"grants": [f"Time request {number} is not one of this application." for number in unknown]})
    for wish in known.values():
        asked = Grant(wish.std_time, wish.rr_time, wish.tc_time)
        grant = asked if decision.grants is None else decision.grants.get(wish.pk)
        if grant is not None and (grant.std_h or grant.rr_h or grant.tc_h):
            codes = tuple(instrument.code for instrument in wish.instrument_types.all())
            shares.append(_Share(wish, grant, codes))
    if not shares:
        raise Refusal({"grants": ["An application that is accepted gets time on at least one of its requests."]})
    return shares


def _create(application: ScienceApplication, decision: Decision) -> Proposal:
    collaboration = collaboration_of(application.submitter)
    prefix = _PREFIXES.get(application.call.proposal_type, collaboration.pk)
    name = decision.proposal_id or f"{prefix}{application.call.semester_id}-{decision.tac_rank:03d}"
    serialised(f"portal.proposal.{name}")
    return create_proposal(
        name,
        title=application.title,
        abstract=application.abstract,
        active=decision.active,
        tags=application.tags,
        tac_priority=decision.tac_priority,
        tac_rank=decision.tac_rank,
        collaboration=collaboration.pk,
    )


def _close_review(application: ScienceApplication, status: str) -> None:
    rows = ScienceApplicationReview.objects.filter(science_application=application)
    rows.update(status=status, submitter_notified=now())


def _add_people(application: ScienceApplication, proposal: Proposal, actor: User) -> None:
    leader = application.pi or application.submitter.email
    people = {leader.casefold(): (leader, Membership.Role.PI)}
    for person in application.coinvestigator_set.all():
        people.setdefault(person.email.casefold(), (person.email, Membership.Role.CI))
    for _, (address, role) in sorted(people.items()):  # in one order, as everybody who takes several locks
        if address:
            add_or_invite(proposal, actor, address, role=role)
