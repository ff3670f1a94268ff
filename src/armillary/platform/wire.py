"""How values look on the wire when they are rendered by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def wire_time(moment: datetime) -> str: ...
@overload
def wire_time(moment: None) -> None: ...
def wire_time(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with ``Z``; microseconds only if they are not zero (the rule of the reference)."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
