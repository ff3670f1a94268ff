"""The record of what privileged people did; written in the transaction of the deed, never changed afterwards."""

from __future__ import annotations

from typing import Any

from armillary import clock
from armillary.accounts.models import AuditEntry, User
from armillary.platform.database import require_transaction


def record(actor: User | None, action: str, subject: str, **details: Any) -> None:
    """Note a deed.

    Args:
        actor: Who did it; ``None``: the system itself.
        action: What, as ``noun.verb``.
        subject: To what or whom, by public name.
        details: JSON-serialisable; no secrets.

    Raises:
        RuntimeError: There is no transaction that does the deed.
    """
    require_transaction("audit.record()")
    AuditEntry.objects.create(
        at=clock.now(),
        actor=actor,
        actor_name="" if actor is None else actor.username,
        action=action,
        subject=subject,
        details=details,
    )


def forget_name(former: str, name: str) -> None:
    """Replace a person's name in the record: the account was removed."""
    AuditEntry.objects.filter(actor_name=former).update(actor_name=name)
    AuditEntry.objects.filter(subject=former).update(subject=name)
