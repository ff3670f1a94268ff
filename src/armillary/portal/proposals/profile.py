"""What a person's profile says about proposals."""

from __future__ import annotations

from typing import Any

from armillary.accounts.models import User
from armillary.accounts.profile_sections import ProfileSection
from armillary.clock import now
from armillary.portal.proposals import wire
from armillary.portal.proposals.models import (
    Membership,
    ProposalNotification,
    ScienceCollaborationAllocation,
    TimeAllocation,
)
from armillary.portal.proposals.queries import current_allocations, profile_proposals, time_requested_s


def proposals_section(user: User, *, include_current_time_allocations: bool) -> ProfileSection:
    """The parts of a profile that the portal knows."""
    proposals = profile_proposals(user, now())
    if include_current_time_allocations:
        _add_time(proposals, user)
    types = TimeAllocation.objects.filter(proposal__membership__user=user, proposal__active=True)
    subscribed = ProposalNotification.objects.filter(user=user).values_list("proposal_id", flat=True)
    return ProfileSection(
        proposals=proposals,
        available_instrument_types=sorted(
            {code for codes in types.order_by().values_list("instrument_types", flat=True) for code in codes}
        ),
        proposal_notifications=list(subscribed),
        sciencecollaborationallocation=_collaboration(user),
    )


def _add_time(proposals: list[dict[str, Any]], user: User) -> None:
    moment = now()
    limits = dict(Membership.objects.filter(user=user).values_list("proposal_id", "time_limit"))
    used = time_requested_s([(user.pk, proposal["id"]) for proposal in proposals], moment)
    allocations = current_allocations(user, moment)
    for proposal in proposals:
        proposal["time_limit"] = limits[proposal["id"]]
        proposal["time_used"] = used.get((user.pk, proposal["id"]), 0)
        proposal["time_allocations"] = [
            {**wire.amounts(allocation), "instrument_types": allocation.row.instrument_types}
            for allocation in allocations.get(proposal["id"], ())
        ]


def _collaboration(user: User) -> dict[str, Any] | None:
    row = (
        ScienceCollaborationAllocation.objects.filter(admin=user)
        .prefetch_related("collaborationallocation_set")
        .first()
    )
    if row is None:
        return None
    return {
        "name": row.name,
        "id": row.pk,
        "collaborationallocation_set": [
            {
                "allocation": item.allocation,
                "telescope_name": item.telescope_name,
                "raw_telescope_name": item.telescope_name,
            }
            for item in row.collaborationallocation_set.all()
        ],
    }
