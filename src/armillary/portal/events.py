"""Who may see which lines of the change feed."""

from __future__ import annotations

from rest_framework.request import Request

from armillary.accounts.models import User
from armillary.platform.models import Change
from armillary.portal.proposals.models import Membership

KINDS = ("request_group.", "request.", "observation.", "schedule.", "scheduler.")


def visible(request: Request, change: Change) -> bool:
    """Staff sees everything; others see what becomes of their own proposals, and that schedules change."""
    user = request.user
    if not isinstance(user, User):
        return False
    if user.is_staff or change.kind.startswith("schedule."):
        return True
    proposals = getattr(request, "_armillary_proposals", None)
    if proposals is None:
        proposals = frozenset(Membership.objects.filter(user=user).values_list("proposal_id", flat=True))
        request._armillary_proposals = proposals  # type: ignore[attr-defined]  # noqa: SLF001  read once per stream
    return change.payload.get("proposal") in proposals
