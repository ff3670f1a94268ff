"""Declaring, changing and withdrawing downtimes. What is declared is checked against the configuration first."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from django.db import transaction
from django.http import Http404

from armillary import clock
from armillary.accounts.models import User
from armillary.clients.configdb import ConfigDBClient
from armillary.clients.transport import connect
from armillary.configuration import configuration
from armillary.core.observatory import Observatory
from armillary.downtime.models import Downtime
from armillary.downtime.recurrence import MOST_OCCURRENCES, UnusableRule, starts
from armillary.downtime.rules import Proposed, broken_rules, telescopes_meant
from armillary.platform.changes import record_change
from armillary.platform.database import retry_conflicts, serialised
from armillary.platform.errors import Conflict, Refusal
from armillary.platform.history import sign

LOCK: Final = "downtime"
_PLACE_AND_TIME: Final = ("start", "end", "site", "enclosure", "telescope", "instrument_type")


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who does something, and why (kept in the history)."""

    user: User | None = None
    reason: str = ""


NOBODY: Final = Authorship()


def declare_downtime(values: Mapping[str, Any], author: User | None = None) -> Downtime:
    """Make one downtime of one telescope; raises as :func:`declare_downtimes` does."""
    return declare_downtimes(values, by=Authorship(author))[0]


@retry_conflicts()
def declare_downtimes(values: Mapping[str, Any], *, rule: str = "", by: Authorship = NOBODY) -> list[Downtime]:
    """Make a downtime for each telescope that is meant, and for each time that a rule repeats it; all or none.

    Args:
        values: The fields; ``*`` as telescope or enclosure means all of them.
        rule: A recurrence rule of RFC 5545, in UTC; empty for once.
        by: Who declares it.

    Returns:
        The downtimes, by start and telescope; more than one share a ``series``.

    Raises:
        Refusal: A rule is broken.
        ServiceUnavailable: The configuration database cannot say which telescopes there are; nothing is stored.
    """
    first = Proposed(**{name: values[name] for name in _PLACE_AND_TIME if name in values})
    proposed = _expanded(first, rule, _observatory())
    series = uuid.uuid4() if len(proposed) > 1 else None
    now = clock.now()
    with transaction.atomic():
        made = [
            Downtime(
                **{name: getattr(each, name) for name in _PLACE_AND_TIME},
                reason=values.get("reason", ""),
                author=by.user,
                series=series,
                created=now,
                modified=now,
            )
            for each in proposed
        ]
        for downtime in made:
            sign(downtime, by.user, by.reason)
            downtime.save(force_insert=True)
            _announce(downtime, "created")
    return made


def _expanded(first: Proposed, rule: str, observatory: Observatory) -> list[Proposed]:
    places = telescopes_meant(first, observatory)
    errors: dict[str, Any] = {}
    for place in places:
        errors |= broken_rules(place, observatory, longest=_longest())
    if errors:
        raise Refusal(errors)
    try:
        moments = starts(rule, first.start) if rule else [first.start]
    except UnusableRule as error:
        raise Refusal({"recurrence": [str(error)]}) from error
    if len(moments) * len(places) > MOST_OCCURRENCES:
        sentence = (
            f"These would be {len(moments) * len(places)} downtimes; at most {MOST_OCCURRENCES} are made at once."
        )
        raise Refusal({"recurrence": [sentence]})
    length = first.end - first.start
    if any(later - earlier < length for earlier, later in pairwise(moments)):
        raise Refusal({"recurrence": ["The repetitions overlap: each begins before the one before has ended."]})
    return [replace(place, start=moment, end=moment + length) for moment in moments for place in places]


@retry_conflicts()
def change_downtime(downtime_id: int, values: Mapping[str, Any], *, by: Authorship = NOBODY) -> Downtime:
    """Change what is named of a downtime; what is not named stays as somebody else may just have made it.

    Raises:
        Http404: There is no such downtime.
        Conflict: It is over, and no reason is given.
        Refusal: A rule is broken.
        ServiceUnavailable: The place or time is to change, and the configuration database is away.
    """
    observatory = _observatory() if set(values) & set(_PLACE_AND_TIME) else None
    with transaction.atomic():
        serialised(LOCK)
        stored = _stored(downtime_id)
        changed = [name for name, value in values.items() if getattr(stored, name) != value]
        if not changed:
            return stored
        _refuse_silent_change(stored, by)
        for name in changed:
            setattr(stored, name, values[name])
        if observatory is not None:
            proposed = Proposed(**{name: getattr(stored, name) for name in _PLACE_AND_TIME})
            errors = broken_rules(proposed, observatory, longest=_longest())
            if errors:
                raise Refusal(errors)
        stored.modified = clock.now()
        sign(stored, by.user, by.reason)
        stored.save(update_fields=[*changed, "modified"])
        _announce(stored, "changed")
    return stored


@retry_conflicts()
def withdraw_downtime(downtime: Downtime, *, series: bool = False, by: Authorship = NOBODY) -> int:
    """Remove a downtime; withdrawing it twice is no mistake.

    Args:
        downtime: Which one.
        series: Also those of its series that are not over.
        by: Who does it, and why.

    Returns:
        How many were removed.

    Raises:
        Conflict: It is over, and no reason is given.
    """
    with transaction.atomic():
        serialised(LOCK)
        doomed = list(Downtime.objects.filter(pk=downtime.pk))
        if series and downtime.series is not None:
            now = clock.now()
            doomed += Downtime.objects.filter(series=downtime.series, end__gt=now).exclude(pk=downtime.pk)
        for each in doomed:
            _refuse_silent_change(each, by)
            _remove(each, by)
    return len(doomed)


def _remove(downtime: Downtime, by: Authorship) -> None:
    key = downtime.pk
    sign(downtime, by.user, by.reason)
    downtime.delete()
    downtime.pk = key
    _announce(downtime, "deleted")


def _stored(downtime_id: int) -> Downtime:
    stored = Downtime.objects.select_for_update().filter(pk=downtime_id).first()
    if stored is None:
        raise Http404("No Downtime matches the given query.")
    return stored


def _refuse_silent_change(downtime: Downtime, by: Authorship) -> None:
    """What is over explains why nothing was observed then: it is not changed without saying why."""
    if downtime.end <= clock.now() and not by.reason:
        sentence = (
            f"This downtime was over at {downtime.end:%Y-%m-%d %H:%M} UTC; say why (header X-Reason) to change it."
        )
        raise Conflict(sentence)


def overlap_warnings(made: Iterable[Downtime]) -> list[str]:
    """Which other downtimes these overlap: allowed, and perhaps not meant."""
    made = list(made)
    own = {downtime.pk for downtime in made}
    found: dict[str, None] = {}
    for downtime in made:
        others = Downtime.objects.filter(
            site=downtime.site,
            enclosure=downtime.enclosure,
            telescope=downtime.telescope,
            start__lt=downtime.end,
            end__gt=downtime.start,
        ).exclude(pk__in=own)
        for other in others.order_by("start", "id")[:20]:
            if not (other.instrument_type and downtime.instrument_type) or (
                other.instrument_type == downtime.instrument_type
            ):
                found[_overlap(other)] = None
    return list(found)


def _overlap(other: Downtime) -> str:
    what = f"{other.telescope_key} {other.instrument_type}".strip()
    return (
        f"Overlaps downtime {other.pk} of {what}, {_shown(other.start)} to {_shown(other.end)} UTC: "
        f"{other.reason or 'no reason given'}"
    )


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _longest() -> timedelta:
    return timedelta(days=configuration().downtime_longest_days)


def _observatory() -> Observatory:
    return ConfigDBClient(connect("configdb")).observatory()


def _announce(downtime: Downtime, action: str) -> None:
    record_change(
        "downtime.changed",
        str(downtime.pk),
        {
            "action": action,
            "site": downtime.site,
            "enclosure": downtime.enclosure,
            "telescope": downtime.telescope,
            "instrument_type": downtime.instrument_type,
            "start": downtime.start.isoformat(),
            "end": downtime.end.isoformat(),
        },
    )
