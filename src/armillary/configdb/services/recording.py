from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from armillary.accounts.models import User
from armillary.configdb.models import Resource
from armillary.platform.history import sign

Action = Literal["+", "~", "-"]


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who changes something, and why."""

    user: User | None = None
    reason: str = ""


NOBODY: Final = Authorship()


def record(thing: Resource, action: Action, by: Authorship) -> None:
    """Write a line of history: the object with its members as they are now."""
    sign(thing, by.user, by.reason)
    thing.history_records.create_historical_record(thing, action)
