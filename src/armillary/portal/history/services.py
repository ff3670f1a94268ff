from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from armillary.portal.history.models import StateTransition


def transition(
    subject: StateTransition.Subject,
    subject_id: int,
    *,
    old: str,
    new: str,
    at: datetime,
    cause: str,
    actor_id: int | None = None,
) -> StateTransition:
    """A transition to append; not saved yet."""
    return StateTransition(
        subject=subject, subject_id=subject_id, old=old, new=new, at=at, cause=cause[:200], actor_id=actor_id
    )


def append(transitions: Iterable[StateTransition]) -> None:
    """Append transitions to the history, in the writer's transaction."""
    StateTransition.objects.bulk_create(transitions)
