from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.core.proposals.charging import cost_us
from armillary.core.proposals.ledger import (
    Account,
    Balance,
    Entry,
    Kind,
    adjustment,
    balances,
    microseconds,
    refund,
)
from armillary.core.proposals.priority import credit, debit, effect_of_transition, highest_value, stake_us
from armillary.core.requests.states import State

amounts = st.integers(0, 10**13)
accounts = st.sampled_from(Account)


@given(accounts, amounts, st.lists(amounts, max_size=20))
def test_corrections_always_end_at_what_is_due(account: Account, granted: int, dues: list[int]) -> None:
    entries = [Entry(account, Kind.GRANT, granted)]
    charged = 0
    for due in dues:
        entry = adjustment(account, charged_us=charged, due_us=due)
        if entry is not None:
            entries.append(entry)
            charged += entry.amount_us
        assert charged == due
    assert balances(entries)[account] == Balance(granted, dues[-1] if dues else 0)


@given(amounts, st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_refunds_never_give_back_more_than_was_paid(cost: int, shares: list[float]) -> None:
    charged = cost
    for share in shares:
        entry = refund(Account.STANDARD, charged_us=charged, cost_us=cost, share=share)
        charged += entry.amount_us if entry else 0
        assert 0 <= charged <= cost
    assert charged == pytest.approx(cost * (1 - max(shares)), abs=1)


@given(st.integers(0, 10**12), st.lists(st.tuples(st.booleans(), st.integers(0, 10**12)), max_size=30))
def test_priority_never_leaves_the_range_from_nothing_to_the_limit(limit: int, moves: list[tuple[bool, int]]) -> None:
    available = limit // 2
    for gain, amount in moves:
        entry = (
            credit(amount, available_us=available, limit_us=limit) if gain else debit(amount, available_us=available)
        )
        available -= entry.amount_us if entry else 0
        assert 0 <= available <= limit


def test_a_share_outside_of_zero_to_one_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        refund(Account.STANDARD, charged_us=1, cost_us=1, share=1.1)


def test_wall_time_is_charged_but_a_rapid_response_at_most_its_plan() -> None:
    from datetime import UTC, datetime, timedelta

    start = datetime(2026, 11, 23, 20, tzinfo=UTC)
    end = start + timedelta(minutes=6)
    assert cost_us(start, end, "NORMAL") == microseconds(hours=0.1)
    assert cost_us(end, start, "NORMAL") == 0
    assert cost_us(start, end, "DIRECT") == 0
    planned = cost_us(start, end, "RAPID_RESPONSE", configuration_duration_s=107, front_padding_s=90, configurations=2)
    assert planned == microseconds(seconds=152)


@pytest.mark.parametrize(
    ("value", "old", "new", "effect"),
    [
        (1.5, "PENDING", "COMPLETED", 0),
        (1.5, "WINDOW_EXPIRED", "COMPLETED", -1),
        (1.5, "CANCELED", "COMPLETED", 0),
        (1.5, "PENDING", "CANCELED", 1),
        (1.5, "PENDING", "WINDOW_EXPIRED", 1),
        (1.5, "PENDING", "FAILURE_LIMIT_REACHED", 1),
        (0.5, "PENDING", "COMPLETED", 1),
        (0.5, "WINDOW_EXPIRED", "COMPLETED", 1),
        (0.5, "PENDING", "CANCELED", 0),
        (1.0, "PENDING", "COMPLETED", 0),
        (1.0, "PENDING", "CANCELED", 0),
    ],
)
def test_priority_follows_the_table(value: float, old: str, new: str, effect: int) -> None:
    assert effect_of_transition(value, State(old), State(new)) == effect


def test_the_highest_priority_is_cut_to_three_decimals() -> None:
    assert highest_value(available_h=4.99, duration_h=0.0558, ceiling=2.0) == 2.0
    assert highest_value(available_h=1.0, duration_h=3.0, ceiling=2.0) == 1.333
    assert stake_us(1.05, 200.2) == microseconds(seconds=0.05 * 201)
