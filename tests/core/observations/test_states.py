from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.core.observations.states import (
    FINISHED,
    ConfigurationState,
    ObservationState,
    configuration_state,
    observation_state,
    settled_state,
)

P, A, N, C, F, X, B = (
    ConfigurationState.PENDING,
    ConfigurationState.ATTEMPTED,
    ConfigurationState.NOT_ATTEMPTED,
    ConfigurationState.COMPLETED,
    ConfigurationState.FAILED,
    ConfigurationState.ABORTED,
    ConfigurationState.BAD_DATA,
)
states = st.sampled_from(ConfigurationState)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "PENDING"),
        ([P, P], "PENDING"),
        ([N, N], "NOT_ATTEMPTED"),
        ([P, N], "PENDING"),
        ([A, P], "IN_PROGRESS"),
        ([A, A], "IN_PROGRESS"),
        ([C, B], "BAD_DATA"),
        ([C, N], "FAILED"),
        ([C, F, X], "FAILED"),
        ([C, X], "ABORTED"),
        ([C, C], "COMPLETED"),
        ([C, P], "IN_PROGRESS"),
        ([C, A], "IN_PROGRESS"),
    ],
)
def test_the_state_of_an_observation_follows_from_its_configurations(
    statuses: list[ConfigurationState], expected: str
) -> None:
    assert observation_state(statuses) == expected


@given(st.lists(states))
def test_the_order_and_number_of_repeats_do_not_matter(statuses: list[ConfigurationState]) -> None:
    assert observation_state(statuses) == observation_state([*reversed(statuses), *statuses])


@given(st.sampled_from(sorted(FINISHED)), st.lists(states))
def test_reports_never_revive_an_observation_that_is_over(
    current: ObservationState, statuses: list[ConfigurationState]
) -> None:
    assert settled_state(current, statuses) is current


@given(states, states)
def test_a_repeated_report_changes_nothing(current: ConfigurationState, reported: ConfigurationState) -> None:
    once = configuration_state(current, reported)
    assert configuration_state(once, reported) is once


@given(st.sampled_from([C, F, X, N]), st.sampled_from([state for state in ConfigurationState if state is not B]))
def test_the_last_word_stays_unless_the_data_are_bad(current: ConfigurationState, reported: ConfigurationState) -> None:
    assert configuration_state(current, reported) is current
    assert configuration_state(current, B) is B


def test_what_has_begun_is_not_pending_again() -> None:
    assert configuration_state(A, P) is A
