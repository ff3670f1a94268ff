"""Downtimes that come again: a rule of RFC 5545, expanded to plain periods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from dateutil import rrule

MOST_OCCURRENCES: Final = 500
LONGEST: Final = timedelta(days=3660)
"""Further ahead nobody plans maintenance; and a rule that fits no day must come to an end."""
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_REFUSED: Final = {"BYHOUR", "BYMINUTE", "BYSECOND"}


class UnusableRule(ValueError):
    """A rule that is malformed, endless, or makes too many periods; the message says which."""


def starts(rule: str, first: datetime) -> list[datetime]:
    """When the periods of a rule begin, the first at (or after) a moment; UTC.

    Args:
        rule: As in iCalendar, without its name: ``FREQ=WEEKLY;BYDAY=MO;COUNT=10``.
        first: Where the rule begins to count.

    Raises:
        UnusableRule: It cannot be used.
    """
    parts = _parts(rule)
    count = _count(parts.pop("COUNT", None))
    if count is None and "UNTIL" not in parts:
        raise UnusableRule("An endless rule cannot be expanded; give COUNT (how often) or UNTIL (how long).")
    found = list(islice(_expanded(parts, first.astimezone(UTC)), count or MOST_OCCURRENCES + 1))
    if len(found) > MOST_OCCURRENCES:
        raise UnusableRule(f"The rule makes more than {MOST_OCCURRENCES} downtimes; end it earlier.")
    if not found:
        raise UnusableRule("The rule makes no downtime at all.")
    return found


def _parts(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in rule.strip().upper().removeprefix("RRULE:").rstrip(";").split(";"):
        name, separator, value = part.partition("=")
        if not (name and separator and value) or name in parts:
            raise UnusableRule(f"{part!r} is no part of a rule; write FREQ=WEEKLY;BYDAY=MO;COUNT=10, for example.")
        parts[name] = value
    if parts.get("FREQ") not in _FREQUENCIES or parts.keys() & _REFUSED:
        raise UnusableRule(f"A rule has FREQ, one of {', '.join(_FREQUENCIES)}; the time of day is that of the start.")
    return parts


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_OCCURRENCES:
        raise UnusableRule(f"COUNT is a number from 1 to {MOST_OCCURRENCES}.")
    return int(text)


def _expanded(parts: dict[str, str], first: datetime) -> rrule.rrule:
    try:
        latest = first + LONGEST
        if "UNTIL" in parts:
            until = datetime.fromisoformat(parts["UNTIL"])
            latest = min(latest, until if until.tzinfo else until.replace(tzinfo=UTC))
        text = ";".join(f"{name}={value}" for name, value in parts.items() if name != "UNTIL")
        parsed = rrule.rrulestr(text, dtstart=first)
        if not isinstance(parsed, rrule.rrule):
            raise UnusableRule("Give one rule.")
        return parsed.replace(until=latest)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise UnusableRule(f"This is not a rule as in iCalendar (RFC 5545), in UTC: {error}") from error
