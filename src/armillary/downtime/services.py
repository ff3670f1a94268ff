"""Declaring, changing and withdrawing downtimes. What is declared is checked against the configuration first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from armillary import clock
from armillary.accounts.models import User
from armillary.clients.configdb import ConfigDBClient
from armillary.clients.transport import connect
from armillary.configuration import configuration
from armillary.downtime.models import Downtime
from armillary.downtime.rules import Proposed, broken_rules
from armillary.platform.changes import record_change
from armillary.platform.errors import Refusal

_PLACE_AND_TIME: Final = ("start", "end", "site", "enclosure", "telescope", "instrument_type")


def declare_downtime(values: Mapping[str, Any], author: User | None = None) -> Downtime:
    """Make a downtime.

    Raises:
        Refusal: It breaks a rule.
        ServiceUnavailable: The configuration database cannot say which telescopes there are; nothing is stored.
    """
    _check(Proposed(**{name: values[name] for name in _PLACE_AND_TIME if name in values}))
    now = clock.now()
    with transaction.atomic():
        downtime = Downtime.objects.create(**values, author=author, created=now, modified=now)
        _announce(downtime, "created")
    return downtime


def change_downtime(downtime: Downtime, values: Mapping[str, Any]) -> Downtime:
    """Change what is named of a downtime; raises as :func:`declare_downtime` does."""
    _check(Proposed(**{name: values.get(name, getattr(downtime, name)) for name in _PLACE_AND_TIME}))
    with transaction.atomic():
        stored = Downtime.objects.select_for_update().get(pk=downtime.pk)
        for name, value in values.items():
            setattr(stored, name, value)
        stored.modified = clock.now()
        stored.save(update_fields=[*values, "modified"])
        _announce(stored, "changed")
    return stored


def withdraw_downtime(downtime: Downtime) -> None:
    """Remove a downtime; withdrawing it twice is no mistake."""
    with transaction.atomic():
        removed, _ = Downtime.objects.filter(pk=downtime.pk).delete()
        if removed:
            _announce(downtime, "deleted")


def _check(proposed: Proposed) -> None:
    observatory = ConfigDBClient(connect("configdb")).observatory()
    errors = broken_rules(proposed, observatory, longest=timedelta(days=configuration().downtime_longest_days))
    if errors:
        raise Refusal(errors)


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
