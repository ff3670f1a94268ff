from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404

from armillary import clock
from armillary.archive.models import Frame
from armillary.archive.services.occurring import note_occurring, occurrences, recheck_occurring
from armillary.archive.services.record_frame import note_rights_change
from armillary.platform.changes import record_change


def change_rights(key: int, changes: Mapping[str, Any], *, by: str, reason: str) -> Frame:
    """Change from when a frame is public, or whose it is, and remember who did and why.

    Args:
        key: The frame.
        changes: New ``public_date`` and ``proposal_id``, as far as they change.
        by: Who changes it.
        reason: Why.

    Raises:
        Http404: There is no such frame.
    """
    with transaction.atomic():
        frame = get_object_or_404(Frame.objects.select_for_update(), pk=key)
        contributed = occurrences(frame)
        before = {"public_date": frame.public_date, "proposal_id": frame.proposal_id}
        for field in ("public_date", "proposal_id"):
            if field in changes:
                setattr(frame, field, changes[field])
        frame.modified = clock.now()
        frame.save(update_fields=["public_date", "proposal_id", "modified"])
        note_rights_change(frame, before, by=by, now=frame.modified, reason=reason)
        if frame.has_versions:
            recheck_occurring(contributed)
            note_occurring(frame)
        record_change("frame.changed", str(frame.pk), {"id": frame.pk, "proposal_id": frame.proposal_id})
    return frame
