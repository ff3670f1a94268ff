from __future__ import annotations

from typing import Any

from armillary.portal.history.models import StateTransition


def transitions_of(subject: StateTransition.Subject, subject_id: int) -> list[dict[str, Any]]:
    """The history of one thing, oldest first, as the wire shows it."""
    rows = StateTransition.objects.filter(subject=subject, subject_id=subject_id).select_related("actor")
    return [
        {
            "from": row.old or None,
            "to": row.new,
            "at": row.at,
            "cause": row.cause,
            "actor": None if row.actor is None else row.actor.get_username(),
        }
        for row in rows
    ]
