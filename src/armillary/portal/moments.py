"""Moments in query strings: a date, or a date with a time, in any of the usual spellings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from dateutil.parser import ParserError
from dateutil.parser import parse as parse_date

_MIDNIGHT: Final = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def read_moment(text: str) -> datetime:
    """The moment a text means; without an offset it is UTC, without a time it is midnight.

    Raises:
        ValueError: It is no date, or one that no calendar has.
    """
    try:
        moment = parse_date(text, default=_MIDNIGHT)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ParserError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a date; give one as YYYY-MM-DDThh:mm:ss") from error
