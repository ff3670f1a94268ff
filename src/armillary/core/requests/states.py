"""States of requests and request groups, as tables and pure functions.

| from, to            | PENDING | COMPLETED | WINDOW_EXPIRED | FAILURE_LIMIT_REACHED | CANCELED |
|------------------------|---------|-----------|----------------|-----------------------|----------|
| PENDING                |         | yes       | yes            | yes                   | yes      |
| COMPLETED              | bad data|           |                |                       |          |
| WINDOW_EXPIRED         |         | yes       |                |                       |          |
| FAILURE_LIMIT_REACHED  |         | yes       |                |                       |          |
| CANCELED               |         | yes       |                |                       |          |

Whatever was given up becomes COMPLETED when the telescope reports, late, that it was done after all: what has been
observed has been observed. Only finding that the data are bad makes a completed request PENDING again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from armillary.core.requests.model import UNSCHEDULED


class State(StrEnum):
    """What has become of a request or a request group."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    WINDOW_EXPIRED = "WINDOW_EXPIRED"
    FAILURE_LIMIT_REACHED = "FAILURE_LIMIT_REACHED"
    CANCELED = "CANCELED"


TERMINAL: Final = frozenset(State) - {State.PENDING}
"""Nothing more is scheduled for a request in one of these."""

ALLOWED: Final[Mapping[State, frozenset[State]]] = {
    State.PENDING: TERMINAL,
    State.COMPLETED: frozenset({State.PENDING}),
    State.WINDOW_EXPIRED: frozenset({State.COMPLETED}),
    State.FAILURE_LIMIT_REACHED: frozenset({State.COMPLETED}),
    State.CANCELED: frozenset({State.COMPLETED}),
}
"""From each state, the other states that may follow. Staying is always allowed and changes nothing."""

CLOSING: Final = frozenset({State.CANCELED, State.WINDOW_EXPIRED})
"""States of a group that its PENDING requests take over."""

_MANY: Final = (
    State.PENDING,
    State.COMPLETED,
    State.WINDOW_EXPIRED,
    State.FAILURE_LIMIT_REACHED,
    State.CANCELED,
)
_SINGLE: Final = (
    State.WINDOW_EXPIRED,
    State.PENDING,
    State.COMPLETED,
    State.FAILURE_LIMIT_REACHED,
    State.CANCELED,
)


class IllegalTransition(ValueError):
    """A state was asked for that may not follow the present one."""

    def __init__(self, old: State, new: State, what: str) -> None:
        choices = ", ".join(sorted(ALLOWED[old]))
        super().__init__(f"Cannot transition from request state {old} to {new} for {what}; it may become: {choices}")
        self.old = old
        self.new = new


def can_transition(old: str, new: str) -> bool:
    """Whether a state may follow another, or is the same."""
    return old == new or State(new) in ALLOWED[State(old)]


def transition(old: str, new: str, what: str = "the request") -> State:
    """The new state, if it may follow the old one.

    Raises:
        IllegalTransition: It may not.
    """
    if not can_transition(old, new):
        raise IllegalTransition(State(old), State(new), what)
    return State(new)


def group_state(operator: str, request_states: Collection[str]) -> State:
    """The state of a group by those of its requests.

    A group of many is open while anything in it is, and complete if anything in it was done. A single request speaks
    for its group. Of no requests a group stays PENDING.
    """
    present = {State(state) for state in request_states}
    order = _MANY if operator == "MANY" else _SINGLE
    return next((state for state in order if state in present), State.PENDING)


def next_group_state(current: str, operator: str, request_states: Collection[str]) -> State:
    """The state that a group takes after its requests have changed; it stays where the table allows no other."""
    wanted = group_state(operator, request_states)
    return wanted if can_transition(current, wanted) else State(current)


def closed_with_group(group: str, request: str) -> State:
    """The state of a request after its group has taken a state: pending ones close with a group that is given up."""
    closes = State(group) in CLOSING and State(request) is State.PENDING
    return State(group) if closes else State(request)


def is_expired(observation_type: str, ends: Iterable[datetime], now: datetime) -> bool:
    """Whether the time of a pending request is over.

    Args:
        observation_type: Of its group.
        ends: Ends of its windows; for direct and real-time requests, which have none, of its observations in order.
        now: The present moment.

    Returns:
        Whether the last window, or the first observation, ends before now; never while there is neither.
    """
    known = list(ends)
    if not known:
        return False
    return (known[0] if observation_type in UNSCHEDULED else max(known)) < now
