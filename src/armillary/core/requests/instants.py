"""Moments on the wire: ISO 8601, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_FORM: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d*)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?"
)

WRONG_FORMAT: Final = (
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)
"""Django REST Framework's words, which clients know."""


def parse_time(text: str) -> datetime:
    """The moment that an ISO 8601 text names; without an offset it is UTC.

    Raises:
        ValueError: The text is not a date with a time of day.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(WRONG_FORMAT)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        local = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            int((fraction or "").ljust(6, "0")),
            tzinfo=UTC,
        )
        return local - _offset(zone)
    except (OverflowError, ValueError) as error:
        raise ValueError(WRONG_FORMAT) from error


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone == "Z":
        return timedelta(0)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -size if zone.startswith("-") else size


def format_time(moment: datetime) -> str:
    """The wire's form: UTC with a Z, microseconds only if there are any."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat()[: -len("+00:00")] + "Z"


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; a moment without an offset is taken as UTC already."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
