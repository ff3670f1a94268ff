"""What people are told about their requests."""

from __future__ import annotations

from armillary.configuration import configuration
from armillary.platform.outbox import queue_mail
from armillary.portal.proposals.queries import people_to_tell
from armillary.portal.requestgroups.models import RequestGroup


def tell_completed(group: RequestGroup) -> None:
    """A request group is complete: say where its data are."""
    _tell(
        group,
        subject=f"Request group {group.name} has completed",
        body=(
            f"All requests of {group.name} (request group {group.pk} of proposal {group.proposal_id}) are complete.\n\n"
            f"See it and download its data: {_address(f'requestgroups/{group.pk}')}\n"
        ),
    )


def tell_failed(group: RequestGroup, request_id: int) -> None:
    """A request was given up after too many failures."""
    limit = configuration().max_failures_per_request
    _tell(
        group,
        subject=f"Request {request_id} of {group.name} has failed {limit} times",
        body=(
            f"Request {request_id} of {group.name} (request group {group.pk} of proposal {group.proposal_id}) "
            f"has failed {limit} times and is not scheduled any more.\n\n"
            f"See why: {_address(f'requests/{request_id}')}\n"
        ),
    )


def _address(path: str) -> str:
    return f"{str(configuration().public_url).rstrip('/')}/{path}"


def _tell(group: RequestGroup, *, subject: str, body: str) -> None:
    for person in people_to_tell(group.proposal_id, group.submitter):
        if person.email:
            queue_mail(to=person.email, subject=subject, body=body)
