"""What is known about a person, for that person; components register what they know, and how they forget it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from armillary.accounts.models import User


@dataclass(frozen=True, slots=True)
class Holder:
    """A component that keeps personal data."""

    name: str
    export: Callable[[User], Any]
    """Everything about a person, as JSON."""
    forget: Callable[[User], object]
    """Remove what identifies the person; runs in the transaction that removes the account."""


_holders: Final[dict[str, Holder]] = {}


def register(holder: Holder) -> None:
    """Add a component; call it in the ``ready`` of its AppConfig."""
    _holders[holder.name] = holder


def holders() -> tuple[Holder, ...]:
    """All components that keep personal data."""
    return tuple(_holders[name] for name in sorted(_holders))
