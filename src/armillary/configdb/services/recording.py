from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from armillary import clock
from armillary.accounts.models import User
from armillary.configdb.models import Resource

Action = Literal["+", "~", "-"]


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who changes something, and why."""

    user: User | None = None
    reason: str = ""


NOBODY: Final = Authorship()


def record(thing: Resource, action: Action, by: Authorship) -> None:
    """Write a line of history: the object with its members as they are now."""
    sign(thing, by)
    thing.history_records.create_historical_record(thing, action)


def sign(thing: Any, by: Authorship) -> None:
    """Say who writes the next lines of history about an object (also those of its deletion)."""
    thing._history_user = by.user  # noqa: SLF001  the interface of django-simple-history
    thing._history_date = clock.now()  # noqa: SLF001  the same
    thing._change_reason = by.reason  # noqa: SLF001  the same
