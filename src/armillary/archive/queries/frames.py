from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict

from armillary.archive.cursors import Column
from armillary.archive.filters import FrameFilter
from armillary.archive.models import Frame
from armillary.archive.queries.visibility import visible_frames
from armillary.core.frames import Viewer

ORDERINGS: Final = frozenset({
    "id", "basename", "observation_date", "primary_optical_element", "configuration_type", "proposal_id",
    "instrument_id", "target_name", "reduction_level", "exposure_time",
})  # fmt: skip


def matching_frames(
    parameters: QueryDict | Mapping[str, Any], *, who: Viewer, is_anonymous: bool, now: datetime
) -> QuerySet[Frame]:
    """The frames with data that somebody may see and that a query asks for, in its order.

    Raises:
        ValidationError: A parameter makes no sense; the message says which and why.
    """
    frames = visible_frames(who, now).filter(has_versions=True)
    found = _filtered(frames, parameters, who, is_anonymous=is_anonymous)
    return found.order_by(*(column.order() for column in order_of(parameters)))


def matching_frame(
    key: int, parameters: QueryDict | Mapping[str, Any], *, who: Viewer, is_anonymous: bool, now: datetime
) -> QuerySet[Frame]:
    """One frame, if somebody may see it and it matches the query (which is mostly empty)."""
    return _filtered(visible_frames(who, now).filter(pk=key), parameters, who, is_anonymous=is_anonymous)


def _filtered(
    frames: QuerySet[Frame], parameters: QueryDict | Mapping[str, Any], who: Viewer, *, is_anonymous: bool
) -> QuerySet[Frame]:
    chosen = FrameFilter(parameters, frames, who=who, is_anonymous=is_anonymous)
    if not chosen.is_valid():
        from django.core.exceptions import ValidationError

        raise ValidationError({field: list(messages) for field, messages in chosen.errors.items()})
    found: QuerySet[Frame] = chosen.qs
    return found


def order_of(parameters: Mapping[str, Any]) -> list[Column]:
    """The order asked for; equal rows newest first, so that pages do not overlap."""
    asked = [name for name in str(parameters.get("ordering") or "").split(",") if name.lstrip("-") in ORDERINGS]
    names = dict.fromkeys([*(asked or ["-observation_date"]), "-id"])
    columns: dict[str, Column] = {}
    for name in names:
        columns.setdefault(name.lstrip("-"), Column(name.lstrip("-"), name.startswith("-")))
    complete = list(columns.values())
    last = next(index for index, column in enumerate(complete) if column.name == "id")
    return complete[: last + 1]
