"""When instruments and telescopes could be scheduled, from the history of states and flags.

An instrument is available while its state is SCHEDULABLE and its telescope, enclosure and site are active. A telescope
is available while an instrument on it is. What has no history of its own (rows that were loaded past the services)
counts as having always been what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from armillary.configdb.models import Enclosure, Instrument, Resource, Site, Telescope

Interval = tuple[datetime, datetime]
"""Half-open, UTC."""
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)
_SCHEDULABLE: Final = Instrument.State.SCHEDULABLE


def instrument_availability(instrument: Instrument, start: datetime, end: datetime) -> list[Interval]:
    """When it could be scheduled, wherever it was, within an interval; the oldest first."""
    records = _records(Instrument, instrument.pk)
    return _union(
        span
        for telescope_id in sorted({record.telescope_id for record in records})
        for span in _in_service(_schedulable(records, telescope_id), telescope_id, start, end)
    )


def telescope_availability(telescope: Telescope, start: datetime, end: datetime) -> list[Interval]:
    """When an instrument on it could be scheduled, also one that is no longer there; the oldest first."""
    ever_on_it: Any = Instrument.history.filter(telescope_id=telescope.pk)
    keys = set(ever_on_it.values_list("id", flat=True))
    spans = [span for key in sorted(keys) for span in _schedulable(_records(Instrument, key), telescope.pk)]
    return _in_service(_union(spans), telescope.pk, start, end)


def _schedulable(records: Sequence[Any], telescope_id: int) -> list[Interval]:
    return _spans(records, lambda it: it.state == _SCHEDULABLE and it.telescope_id == telescope_id)


def _in_service(spans: list[Interval], telescope_id: int, start: datetime, end: datetime) -> list[Interval]:
    spans = _intersection(spans, [(start, end)])
    telescope = Telescope.objects.select_related("enclosure__site").filter(pk=telescope_id).first()
    if telescope is None:  # it was taken down; what it had been in is not known any more
        return _intersection(spans, _spans(_records(Telescope, telescope_id), lambda it: it.active))
    for place in (telescope, telescope.enclosure, telescope.enclosure.site):
        spans = _intersection(spans, _active(place))
    return spans


def _active(place: Telescope | Enclosure | Site) -> list[Interval]:
    records = _records(type(place), place.pk)
    if not records:
        return [(_BEGINNING, _END)] if place.active else []
    return _spans(records, lambda it: it.active)


def _records(model: type[Resource], key: object) -> list[Any]:
    name = model._meta.pk.attname  # noqa: SLF001  Django's public metadata
    return list(model.history.filter(**{name: key}).order_by("history_date", "history_id"))


def _spans(records: Sequence[Any], holds: Callable[[Any], bool]) -> list[Interval]:
    """When something held: each version from its date to that of the next one, the last for ever."""
    ends = [record.history_date for record in records[1:]] + [_END]
    return _union(
        (record.history_date, end)
        for record, end in zip(records, ends, strict=True)
        if record.history_type != "-" and holds(record)
    )


def _union(spans: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _intersection(spans: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    return _union(
        (max(start, other_start), min(end, other_end)) for start, end in spans for other_start, other_end in others
    )
