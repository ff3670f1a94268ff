"""Keeps the list of what occurs among frames: sites, filters, proposals and so on, and from when anybody may know.

The list is changed in the transaction that changes the frames, so it is never stale, and it is as long as there are
things to choose from, however many frames there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F, Min

from armillary.archive.models import Frame, OccurringValue
from armillary.archive.queries.aggregates import AGGREGATED
from armillary.platform.database import serialised
from armillary.platform.prepared import Prepared

_COLUMNS: Final = tuple(AGGREGATED.values())
_AT_A_TIME: Final = 1000

_listed: Final = Prepared[tuple[str, str, datetime | None]](
    lambda proposal, **values: OccurringValue.objects.filter(
        proposal_id=proposal, value__in=list(values.values())
    ).values_list("column", "value", "public_from"),
    proposal=str,
    **dict.fromkeys(_COLUMNS, str),
)

Occurrence = tuple[str, str, str]
"""Column, value and proposal."""


def occurrences(frame: Frame) -> set[Occurrence]:
    """What a frame contributes to the list."""
    return {(column, value, frame.proposal_id) for column in _COLUMNS if (value := getattr(frame, column))}


def note_occurring(frame: Frame) -> None:
    """Put what a frame with data shows on the list, inside the caller's transaction."""
    found = occurrences(frame)
    if not _news(found, frame.public_date):
        return
    serialised("archive.occurring")  # two writers at once would both think theirs is the earlier date
    OccurringValue.objects.bulk_create(
        [
            OccurringValue(column=column, value=value, proposal_id=proposal, public_from=frame.public_date)
            for column, value, proposal in _news(found, frame.public_date)
        ],
        update_conflicts=True,
        unique_fields=["proposal_id", "value", "column"],
        update_fields=["public_from"],
    )


def recheck_occurring(doubtful: Iterable[Occurrence]) -> None:
    """Look again whether something still occurs and from when, after frames went or changed; the caller's transaction.

    Args:
        doubtful: What those frames contributed before.
    """
    serialised("archive.occurring")
    for column, value, proposal in sorted(set(doubtful)):
        entry = OccurringValue.objects.filter(column=column, value=value, proposal_id=proposal)
        frames = Frame.objects.filter(has_versions=True, observation_date__isnull=False, proposal_id=proposal)
        earliest = (
            frames.filter(**{column: value})
            .order_by(F("public_date").asc(nulls_last=True))
            .values_list("public_date", flat=True)[:1]
        )
        if found := list(earliest):
            entry.update(public_from=found[0])
        else:
            entry.delete()


@transaction.atomic
def rebuild_occurring_values() -> int:
    """Make the list anew from the frames, and say how long it is; needed only after rows were written by hand."""
    serialised("archive.occurring")
    OccurringValue.objects.all().delete()
    entries = [
        OccurringValue(column=column, value=row[column], proposal_id=row["proposal_id"], public_from=row["earliest"])
        for column in _COLUMNS
        for row in Frame.objects.filter(has_versions=True, observation_date__isnull=False)
        .exclude(**{column: ""})
        .order_by()
        .values(column, "proposal_id")
        .annotate(earliest=Min("public_date"))
    ]
    OccurringValue.objects.bulk_create(entries, batch_size=_AT_A_TIME)
    return len(entries)


def _news(found: Collection[Occurrence], public_date: datetime | None) -> list[Occurrence]:
    """What of a frame's contributions is not on the list, or is on it with a later date."""
    if not found:
        return []
    proposal = next(iter(found))[2]
    values = dict.fromkeys(_COLUMNS, "") | {column: value for column, value, _ in found}
    known = {(column, value): date for column, value, date in _listed.all(proposal=proposal, **values)}
    return [
        occurrence
        for occurrence in sorted(found)
        if occurrence[:2] not in known or _is_earlier(public_date, known[occurrence[:2]])
    ]


def _is_earlier(new: datetime | None, old: datetime | None) -> bool:
    """Whether one date comes before another; no date means never."""
    return new is not None and (old is None or new < old)
