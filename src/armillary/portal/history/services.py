from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from armillary.platform.insertion import Insertion
from armillary.portal.history.models import StateTransition

_LONGEST_CAUSE: Final = 200
_LINES: Final = Insertion(StateTransition, "subject", "subject_id", "old", "new", "at", "cause", "actor_id")


class Transition(NamedTuple):
    """A line of history, as the table names its columns."""

    subject: StateTransition.Subject
    subject_id: int
    old: str
    new: str
    at: datetime
    cause: str
    actor_id: int | None


def transition(
    subject: StateTransition.Subject,
    subject_id: int,
    *,
    old: str,
    new: str,
    at: datetime,
    cause: str,
    actor_id: int | None = None,
) -> Transition:
    """A transition to append."""
    return Transition(subject, subject_id, old, new, at, cause[:_LONGEST_CAUSE], actor_id)


def append(transitions: Iterable[Transition]) -> None:
    """Append transitions to the history, in the writer's transaction."""
    _LINES.run(transitions)
