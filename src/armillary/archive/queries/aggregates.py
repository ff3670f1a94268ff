from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from armillary.archive.models import Frame, OccurringValue
from armillary.core.frames import Viewer

AGGREGATED: Final = {
    "sites": "site_id",
    "telescopes": "telescope_id",
    "filters": "primary_optical_element",
    "instruments": "instrument_id",
    "obstypes": "configuration_type",
    "proposals": "proposal_id",
}
"""What is listed, and the column it comes from."""


def distinct_values(frames: QuerySet[Frame]) -> dict[str, list[str]]:
    """What occurs among frames, of everything that people choose by. Frames without a value are left out."""
    combinations = frames.order_by().values_list(*AGGREGATED.values()).distinct()
    found: dict[str, set[str]] = {name: set() for name in AGGREGATED}
    for row in combinations:
        for name, value in zip(found, row, strict=True):
            found[name].add(value)
    return {name: sorted(value for value in values if value) for name, values in found.items()}


def occurring_values(who: Viewer, now: datetime) -> dict[str, list[str]]:
    """What occurs among all the frames that exist for somebody, from the list that is kept of it."""
    entries = OccurringValue.objects.all()
    if not who.sees_all:
        entries = entries.filter(Q(public_from__lt=now) | Q(proposal_id__in=sorted(who.proposals)))
    names = {column: name for name, column in AGGREGATED.items()}
    found: dict[str, list[str]] = {name: [] for name in AGGREGATED}
    for column, value in entries.order_by("column", "value").values_list("column", "value").distinct():
        found[names[column]].append(value)
    return found


def between(frames: QuerySet[Frame], start: datetime | None, end: datetime | None) -> QuerySet[Frame]:
    """The frames taken from ``start`` on and before ``end``."""
    if start is not None:
        frames = frames.filter(observation_date__gte=start)
    if end is not None:
        frames = frames.filter(observation_date__lt=end)
    return frames


def chosen(frames: QuerySet[Frame], choices: Mapping[str, str]) -> QuerySet[Frame]:
    """The frames with the chosen values, by column."""
    return frames.filter(**choices)
