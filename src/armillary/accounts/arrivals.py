"""Who wants to know that a person has arrived: accounts knows no proposals, so who does registers here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from armillary.accounts.models import User

Welcome = Callable[[User], object]

_welcomes: Final[list[Welcome]] = []


def register(welcome: Welcome) -> None:
    """Have a function called, in the transaction that lets the person in; call it in the ``ready`` of an AppConfig."""
    if welcome not in _welcomes:
        _welcomes.append(welcome)


def announce(user: User) -> None:
    """A person has proved to own their address."""
    for welcome in _welcomes:
        welcome(user)
