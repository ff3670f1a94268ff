"""Which frames an operator means when frames are deleted or their rights are changed in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from armillary.archive.models import Frame

_EQUAL: Final = ("reduction_level", "request_id", "observation_id", "site_id", "telescope_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Frames by what they are. What is ``None`` or empty does not matter; everything given must hold."""

    start: datetime | None = None
    """Taken at this moment or later."""
    end: datetime | None = None
    """Taken before this moment."""
    reduction_level: int | None = None
    request_id: int | None = None
    observation_id: int | None = None
    site_id: str | None = None
    telescope_id: str | None = None
    types: Sequence[str] = ()
    not_types: Sequence[str] = ()
    proposals: Sequence[str] = ()
    not_proposals: Sequence[str] = ()
    instruments: Sequence[str] = ()
    not_instruments: Sequence[str] = ()

    @property
    def is_everything(self) -> bool:
        """Whether nothing was asked, so that every frame would be meant."""
        return self == Selection()


def selected_frames(selection: Selection) -> QuerySet[Frame]:
    """The frames that are meant. Stubs, which only hold the place of frames to come, are never among them."""
    frames = Frame.objects.filter(observation_date__isnull=False)
    if selection.start is not None:
        frames = frames.filter(observation_date__gte=selection.start)
    if selection.end is not None:
        frames = frames.filter(observation_date__lt=selection.end)
    equal = {name: value for name in _EQUAL if (value := getattr(selection, name)) is not None}
    frames = frames.filter(**equal)
    for column, among, not_among in (
        ("configuration_type", selection.types, selection.not_types),
        ("proposal_id", selection.proposals, selection.not_proposals),
        ("instrument_id", selection.instruments, selection.not_instruments),
    ):
        if among:
            frames = frames.filter(**{f"{column}__in": list(among)})
        if not_among:
            frames = frames.exclude(**{f"{column}__in": list(not_among)})
    return frames
