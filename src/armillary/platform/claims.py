"""The right to carry out a request that its sender may repeat; see :mod:`armillary.platform.idempotency`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from armillary.platform.models import IdempotencyKey
from armillary.platform.refusals import Conflict


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out a request, held by the process that wrote the row with this ``created``."""

    id: int
    created: datetime


running: Final[ContextVar[Claim | None]] = ContextVar("idempotency_claim", default=None)


def note_effect(effect: str) -> None:
    """Tie the running request's key to what it changes; called inside the transaction that changes it.

    Raises:
        Conflict: The claim was taken over meanwhile, because this request looked abandoned; the transaction must not
            commit.
    """
    claim = running.get()
    if claim is None:
        return
    # Written at every change, not only at the first: a transaction that is undone and repeated must note it again.
    mine = IdempotencyKey.objects.filter(id=claim.id, created=claim.created)
    if not mine.update(effect=effect[:320]):
        raise Conflict("This request took so long that its repetition was carried out instead.")


@contextmanager
def without_claim() -> Iterator[None]:
    """Serve another request inside this one (an in-process call) without tying its effects to our key."""
    token = running.set(None)
    try:
        yield
    finally:
        running.reset(token)
