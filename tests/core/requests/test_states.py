"""States. Truth: sections 5.1, 5.4 and 5.8 of the portal's specification."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from armillary.core.requests.states import (
    CLOSING,
    TERMINAL,
    IllegalTransition,
    State,
    can_transition,
    closed_with_group,
    group_state,
    is_expired,
    next_group_state,
    transition,
)

STATES = st.sampled_from(list(State))
OPERATORS = st.sampled_from(["SINGLE", "MANY"])
NOW = datetime(2026, 11, 23, tzinfo=UTC)

# 5.1: to -> from
TABLE = {
    "COMPLETED": {"PENDING", "WINDOW_EXPIRED", "CANCELED", "FAILURE_LIMIT_REACHED"},
    "WINDOW_EXPIRED": {"PENDING"},
    "CANCELED": {"PENDING"},
    "FAILURE_LIMIT_REACHED": {"PENDING"},
    "PENDING": {"COMPLETED"},
}


@pytest.mark.parametrize(("old", "new"), list(product(State, State)))
def test_the_table_is_the_one_of_the_specification(old: State, new: State) -> None:
    allowed = old == new or old in TABLE[new]
    assert can_transition(old, new) is allowed
    if allowed:
        assert transition(old, new) is new
    else:
        with pytest.raises(
            IllegalTransition, match=f"Cannot transition from request state {old} to {new} for request 7"
        ):
            transition(old, new, "request 7")


# 5.4: the first present in these orders
ORDERS = {
    "MANY": ["PENDING", "COMPLETED", "WINDOW_EXPIRED", "FAILURE_LIMIT_REACHED", "CANCELED"],
    "SINGLE": ["WINDOW_EXPIRED", "PENDING", "COMPLETED", "FAILURE_LIMIT_REACHED", "CANCELED"],
}


@given(OPERATORS, st.lists(STATES, min_size=1))
def test_a_group_has_the_first_present_state_of_its_operators_order(operator: str, states: list[State]) -> None:
    assert group_state(operator, states) == min(states, key=ORDERS[operator].index)


@given(OPERATORS, STATES, st.lists(STATES))
def test_a_group_only_takes_states_that_its_table_allows(operator: str, current: State, states: list[State]) -> None:
    assert can_transition(current, next_group_state(current, operator, states))


@given(STATES, STATES)
def test_only_pending_requests_close_with_their_group(group: State, request: State) -> None:
    after = closed_with_group(group, request)
    assert after == (group if request is State.PENDING and group in CLOSING else request)
    assert can_transition(request, after)


@pytest.mark.parametrize(
    ("observation_type", "ends_h", "expired"),
    [
        ("NORMAL", [], False),
        ("NORMAL", [-1], True),
        ("NORMAL", [-2, 1], False),
        ("NORMAL", [0], False),
        ("DIRECT", [-1, 1], True),
        ("REAL_TIME", [1, -1], False),
        ("DIRECT", [], False),
    ],
)
def test_a_request_expires_after_its_last_window_or_its_first_observation(
    observation_type: str, ends_h: list[int], expired: bool
) -> None:
    ends = [NOW + timedelta(hours=hours) for hours in ends_h]
    assert is_expired(observation_type, ends, NOW) is expired


class GroupLife(RuleBasedStateMachine):
    """Whatever is reported in whatever order, group and requests stay in step."""

    @initialize(count=st.integers(1, 4))
    def submit(self, count: int) -> None:
        self.operator = "SINGLE" if count == 1 else "MANY"
        self.requests = [State.PENDING] * count
        self.group = State.PENDING

    def _follow(self) -> None:
        self.group = next_group_state(self.group, self.operator, self.requests)
        self.requests = [closed_with_group(self.group, state) for state in self.requests]

    @rule(index=st.integers(0, 3), wanted=STATES)
    def report(self, index: int, wanted: State) -> None:
        place = index % len(self.requests)
        if can_transition(self.requests[place], wanted):
            self.requests[place] = transition(self.requests[place], wanted)
            self._follow()

    @rule()
    def cancel(self) -> None:
        if can_transition(self.group, State.CANCELED):
            self.group = transition(self.group, State.CANCELED)
            self.requests = [closed_with_group(self.group, state) for state in self.requests]

    @invariant()
    def nothing_is_left_open_in_a_group_that_was_given_up(self) -> None:
        if self.group in CLOSING:
            assert State.PENDING not in self.requests

    @invariant()
    def a_pending_group_has_something_to_do(self) -> None:
        if self.group is State.PENDING:
            assert not TERMINAL.issuperset(self.requests)

    @invariant()
    def a_completed_single_request_completes_its_group(self) -> None:
        if self.operator == "SINGLE" and self.requests == [State.COMPLETED]:
            assert self.group is State.COMPLETED


TestGroupLife = GroupLife.TestCase
