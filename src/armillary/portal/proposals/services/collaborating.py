"""Partners of the observatory that distribute time of their own."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from armillary.accounts import audit
from armillary.accounts.models import User
from armillary.platform.database import serialised
from armillary.platform.refusals import Refusal
from armillary.portal.proposals.models import CollaborationAllocation, ScienceCollaborationAllocation


@transaction.atomic
def write_collaboration(
    collaboration_id: str, *, name: str, admin: User | None, hours: Mapping[str, float], actor: User
) -> ScienceCollaborationAllocation:
    """Create a collaboration, or say anew who administers it and how many hours it has on each kind of telescope.

    Raises:
        Refusal: The person administers another collaboration.
    """
    serialised("portal.collaborations")
    others = ScienceCollaborationAllocation.objects.filter(admin=admin).exclude(pk=collaboration_id)
    if admin is not None and (other := others.first()) is not None:
        raise Refusal({"admin": [f"{admin.username} administers {other.pk} already."]})
    row, _ = ScienceCollaborationAllocation.objects.update_or_create(
        pk=collaboration_id, defaults={"name": name, "admin": admin}
    )
    row.collaborationallocation_set.all().delete()
    CollaborationAllocation.objects.bulk_create(
        CollaborationAllocation(sca=row, telescope_name=telescope, allocation=value)
        for telescope, value in hours.items()
    )
    audit.record(actor, "collaboration.write", row.pk, admin=None if admin is None else admin.username)
    return row
