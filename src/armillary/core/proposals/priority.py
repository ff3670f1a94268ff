"""Intra-proposal priority (IPP): a group may ask for more than its share by spending, or give by asking for less.

The account is in hours. A group with value v and duration D spends (v - 1) * D when it is submitted if v > 1, and gains
(1 - v) * D for each request that completes if v < 1. What is available never leaves [0, limit].
"""

from __future__ import annotations

import math
from typing import Final

from armillary.core.proposals.ledger import Account, Entry, Kind, microseconds
from armillary.core.requests.states import State

NEUTRAL: Final = 1.0
DEFAULT_LIMIT_SHARE: Final = 0.10
"""Limit of a new account, as a share of its standard time."""
DEFAULT_AVAILABLE_SHARE: Final = 0.05
"""What a new account starts with, as a share of its standard time."""


def stake_us(ipp_value: float, duration_s: float) -> int:
    """What is at stake, in microseconds: |v - 1| times the duration, rounded up to a whole second."""
    return microseconds(seconds=abs(ipp_value - NEUTRAL) * math.ceil(duration_s))


def debit(amount_us: int, *, available_us: int) -> Entry | None:
    """Spend priority, down to nothing; None when there is nothing to spend."""
    spent = min(amount_us, max(available_us, 0))
    return Entry(Account.PRIORITY, Kind.RESERVE, spent) if spent > 0 else None


def credit(amount_us: int, *, available_us: int, limit_us: int) -> Entry | None:
    """Gain priority, up to the limit; None when there is no room."""
    gained = min(amount_us, limit_us - available_us)
    return Entry(Account.PRIORITY, Kind.REFUND, -gained) if gained > 0 else None


def effect_of_transition(ipp_value: float, old: State, new: State) -> int:
    """What the change of a request's state does: +1 gain the stake, -1 spend it, 0 nothing.

    Spent at submission (v > 1), the stake comes back when the request ends without completing; a request that
    completes after its window had expired spends it again, while one that was cancelled keeps the refund. With v < 1
    completing gains.
    """
    if ipp_value == NEUTRAL or old is new:
        return 0
    if new is State.COMPLETED:
        if ipp_value < NEUTRAL:
            return 1
        return -1 if old is State.WINDOW_EXPIRED else 0
    closes = new in {State.CANCELED, State.WINDOW_EXPIRED, State.FAILURE_LIMIT_REACHED}
    return 1 if closes and ipp_value > NEUTRAL else 0


def highest_value(*, available_h: float, duration_h: float, ceiling: float) -> float:
    """The highest IPP value that the account allows for a duration, cut (not rounded) to three decimals."""
    if duration_h <= 0:
        return ceiling
    return math.floor(min(available_h / duration_h + NEUTRAL, ceiling) * 1000) / 1000
