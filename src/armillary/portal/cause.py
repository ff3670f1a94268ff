"""Why, when and by whom something changed: it goes into the history of states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from armillary.accounts.models import User


@dataclass(frozen=True, slots=True)
class Cause:
    """What brought a change about."""

    reason: str
    at: datetime
    actor: User | None = None

    @property
    def actor_id(self) -> int | None:
        """The person or service that acted, if anybody did."""
        return None if self.actor is None else self.actor.pk
