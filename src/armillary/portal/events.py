"""Who may see which lines of the change feed."""

from __future__ import annotations

from rest_framework.request import Request

from armillary.accounts.models import User
from armillary.platform.models import Change
from armillary.portal.proposals.models import Membership

KINDS = ("request_group.", "request.", "observation.", "schedule.", "scheduler.")


def visible(request: Request, change: Change) -> bool:
    """Whether the caller of a stream may see a line."""
    user = request.user
    if not isinstance(user, User):
        return False
    proposals = getattr(request, "_armillary_proposals", None)
    if proposals is None:
        proposals = proposals_of(user)
        request._armillary_proposals = proposals  # type: ignore[attr-defined]  # noqa: SLF001  read once per stream
    return visible_to(user, proposals, change)


def proposals_of(user: User) -> frozenset[str]:
    """The proposals that a person belongs to."""
    return frozenset(Membership.objects.filter(user=user).values_list("proposal_id", flat=True))


def visible_to(user: User, proposals: frozenset[str], change: Change) -> bool:
    """Staff sees everything; others see what becomes of their own proposals, and that schedules change."""
    return user.is_staff or change.kind.startswith("schedule.") or change.payload.get("proposal") in proposals
