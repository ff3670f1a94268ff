from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404

from armillary import clock
from armillary.archive.models import Frame, Headers
from armillary.archive.services.occurring import note_occurring, occurrences, recheck_occurring
from armillary.archive.services.save_frame import (
    NewFrame,
    link_related,
    note_rights_change,
    record_words,
    sky_columns,
)
from armillary.platform.changes import record_change


@dataclass(frozen=True)
class FrameChange:
    """What is to be different about a frame; what is not given stays."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    """New values of columns."""
    headers: Mapping[str, Any] | None = None
    """The whole new header."""
    footprint: NewFrame | None = None
    """Holds the new footprint (or that there is none)."""
    related: tuple[str, ...] = ()
    """Further frames to link with."""


def change_frame(key: int, change: FrameChange, *, by: str, reason: str) -> Frame:
    """Correct what the archive says of a frame. Its contents never change; a change of rights is remembered.

    Args:
        key: The frame.
        change: What is to be different.
        by: Who changes it.
        reason: Why.

    Raises:
        Http404: There is no such frame.
    """
    with transaction.atomic():
        frame = get_object_or_404(Frame.objects.select_for_update(), pk=key, observation_date__isnull=False)
        contributed = occurrences(frame)
        before = {"public_date": frame.public_date, "proposal_id": frame.proposal_id}
        frame.modified = clock.now()
        columns = dict(change.fields) | (sky_columns(change.footprint) if change.footprint else {})
        for column, value in columns.items():
            setattr(frame, column, value)
        frame.save(update_fields=[*columns, "modified"])
        note_rights_change(frame, before, by=by, now=frame.modified, reason=reason)
        if change.headers is not None:
            Headers.objects.update_or_create(frame=frame, defaults={"data": dict(change.headers)})
            record_words(frame, change.headers)
        link_related(frame, change.related, frame.modified)
        if frame.has_versions:
            recheck_occurring(contributed)
            note_occurring(frame)
        record_change("frame.changed", str(frame.pk), {"id": frame.pk, "proposal_id": frame.proposal_id})
    return frame
