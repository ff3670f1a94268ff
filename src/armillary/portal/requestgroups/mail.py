"""What people are told about their requests."""

from __future__ import annotations

from armillary.configuration import configuration
from armillary.portal.notifications.services import notify
from armillary.portal.proposals.queries import people_to_tell
from armillary.portal.requestgroups.models import RequestGroup


def tell_completed(group: RequestGroup) -> None:
    """A request group is complete: say where its data are."""
    notify(
        people_to_tell(group.proposal_id, group.submitter),
        kind="request_group.completed",
        letter="portal/notifications/request_group_completed",
        proposal_id=group.proposal_id,
        context={"group": group},
    )


def tell_failed(group: RequestGroup, request_id: int) -> None:
    """A request was given up after too many failures."""
    notify(
        people_to_tell(group.proposal_id, group.submitter),
        kind="request.failed",
        letter="portal/notifications/request_failed",
        proposal_id=group.proposal_id,
        context={"group": group, "request_id": request_id, "limit": configuration().max_failures_per_request},
    )
