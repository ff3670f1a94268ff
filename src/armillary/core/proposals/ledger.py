"""An append-only ledger of observing time.

Entries are never changed or removed; every total on the wire is a sum of them. Amounts are whole microseconds, so sums
are exact. One allocation (a proposal's share of a semester on a set of instrument types) has five accounts: four
buckets of time and the account of intra-proposal priority (IPP).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MICROSECONDS_PER_HOUR: Final = 3_600_000_000
MICROSECONDS_PER_SECOND: Final = 1_000_000


class Account(StrEnum):
    """What is accounted for."""

    STANDARD = "std"
    RAPID_RESPONSE = "rr"
    TIME_CRITICAL = "tc"
    REALTIME = "realtime"
    PRIORITY = "ipp"


ACCOUNT_OF_OBSERVATION_TYPE: Final[Mapping[str, Account]] = {
    "NORMAL": Account.STANDARD,
    "RAPID_RESPONSE": Account.RAPID_RESPONSE,
    "TIME_CRITICAL": Account.TIME_CRITICAL,
    "REAL_TIME": Account.REALTIME,
}
"""Which bucket pays for which type of observation; direct observations are free."""


class Kind(StrEnum):
    """What an entry is."""

    GRANT = "grant"
    """Time given by the observatory. In the priority account: the limit up to which priority may accumulate."""
    OPENING = "opening"
    """Use that was already made when the account was opened here (an imported balance)."""
    RESERVE = "reserve"
    """Set aside for what has been asked for: a real-time session, or priority of a submitted request."""
    CHARGE = "charge"
    """Used."""
    REFUND = "refund"
    """Given back."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger.

    ``amount_us`` is signed as use: what diminishes the time left is positive for RESERVE, CHARGE and OPENING and
    negative for REFUND; a GRANT is positive when time is given.
    """

    account: Account
    kind: Kind
    amount_us: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The sums of one account."""

    granted_us: int = 0
    used_us: int = 0

    @property
    def granted_h(self) -> float:
        """Hours given."""
        return self.granted_us / MICROSECONDS_PER_HOUR

    @property
    def used_h(self) -> float:
        """Hours used or set aside."""
        return self.used_us / MICROSECONDS_PER_HOUR

    @property
    def left_us(self) -> int:
        """What is left, in microseconds; negative when overused."""
        return self.granted_us - self.used_us

    @property
    def left_h(self) -> float:
        """Hours left; negative when overused."""
        return self.left_us / MICROSECONDS_PER_HOUR


def microseconds(*, hours: float = 0.0, seconds: float = 0.0) -> int:
    """A time as a whole number of microseconds (nearest)."""
    return round(hours * MICROSECONDS_PER_HOUR + seconds * MICROSECONDS_PER_SECOND)


def balances(entries: Iterable[Entry]) -> dict[Account, Balance]:
    """The sums of all accounts; an account without entries has a zero balance."""
    sums = {account: [0, 0] for account in Account}
    for entry in entries:
        sums[entry.account][0 if entry.kind is Kind.GRANT else 1] += entry.amount_us
    return {account: Balance(granted, used) for account, (granted, used) in sums.items()}


def adjustment(account: Account, *, charged_us: int, due_us: int) -> Entry | None:
    """The entry that brings what was charged for one thing to what is due for it; None when nothing changes.

    Args:
        account: The bucket that pays.
        charged_us: Sum of what was charged and refunded for the thing so far.
        due_us: What it costs as is known now, at least 0.
    """
    if due_us < 0:
        raise ValueError(f"nothing can cost less than nothing: {due_us} microseconds")
    if due_us == charged_us:
        return None
    difference = due_us - charged_us
    return Entry(account, Kind.CHARGE if difference > 0 else Kind.REFUND, difference)


def refund(account: Account, *, charged_us: int, cost_us: int, share: float = 1.0) -> Entry | None:
    """Give back a share of what something cost, but never more than is still charged for it.

    Args:
        account: The bucket that paid.
        charged_us: What is still charged for it.
        cost_us: What it cost at first.
        share: Between 0 and 1.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"a share to refund lies between 0 and 1, not {share:g}")
    target = round(cost_us * (1.0 - share))
    return Entry(account, Kind.REFUND, target - charged_us) if target < charged_us else None
