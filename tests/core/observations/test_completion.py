from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.core.observations.completion import (
    ConfigurationReport,
    RequestSituation,
    completion_percent,
    request_state,
)
from armillary.core.observations.states import ConfigurationState
from armillary.core.requests.states import State, can_transition

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


def report(
    state: str, *, requested: float = 60.0, exposed: float | None = None, repeats: bool = False, took: float = 0.0
) -> ConfigurationReport:
    return ConfigurationReport(
        ConfigurationState(state),
        requested,
        repeats,
        start=NOW if exposed is not None else None,
        end=NOW + timedelta(seconds=took) if exposed is not None else None,
        time_completed_s=exposed,
    )


def situation(state: State = State.PENDING, **changes: object) -> RequestSituation:
    return RequestSituation(state, 90.0, **({"last_window_end": LATER} | changes))  # type: ignore[arg-type]  # by name


def test_completion_is_the_share_of_the_exposure_time_that_was_exposed() -> None:
    assert completion_percent([report("COMPLETED", exposed=60), report("FAILED", exposed=30)]) == pytest.approx(75)


def test_a_repeated_configuration_is_measured_by_wall_time() -> None:
    assert completion_percent([report("COMPLETED", requested=600, exposed=60, repeats=True, took=540)]) == 90


def test_frames_without_exposure_time_count_when_they_are_done() -> None:
    assert completion_percent([report("COMPLETED", requested=0)]) == 100
    assert completion_percent([report("NOT_ATTEMPTED", requested=0)]) == 0


# The defect of the reference that its users reported: observation-portal issue 295.
def test_nothing_exposed_is_never_complete() -> None:
    nothing = [report("NOT_ATTEMPTED", exposed=0.0)]
    assert request_state(situation(), nothing, NOW) is State.PENDING
    lie = [report("COMPLETED", exposed=0.0)]
    assert request_state(situation(), lie, NOW) is State.PENDING


def test_a_failed_observation_that_reached_the_threshold_completes_the_request() -> None:
    reports = [report("COMPLETED", exposed=60), report("FAILED", exposed=50)]
    assert request_state(situation(), reports, NOW) is State.COMPLETED


def test_a_telescope_that_says_completed_is_believed_without_a_summary() -> None:
    assert request_state(situation(), [report("COMPLETED")], NOW) is State.COMPLETED


def test_after_too_many_failures_the_request_is_given_up() -> None:
    failed = [report("FAILED", exposed=0.0)]
    assert request_state(situation(failed_observations=2, failure_limit=3), failed, NOW) is State.PENDING
    assert request_state(situation(failed_observations=3, failure_limit=3), failed, NOW) is State.FAILURE_LIMIT_REACHED


def test_a_failure_after_the_last_window_expires_the_request() -> None:
    failed = [report("FAILED", exposed=0.0)]
    assert request_state(situation(last_window_end=EARLIER), failed, NOW) is State.WINDOW_EXPIRED
    assert request_state(situation(last_window_end=EARLIER, is_scheduled=False), failed, NOW) is State.PENDING


def test_a_realtime_session_is_complete_when_its_first_status_says_so() -> None:
    assert request_state(situation(is_realtime=True), [report("COMPLETED", requested=0)], NOW) is State.COMPLETED
    assert request_state(situation(is_realtime=True), [report("ATTEMPTED", requested=0)], NOW) is State.PENDING


reports = st.lists(
    st.builds(
        report,
        st.sampled_from([state.value for state in ConfigurationState]),
        requested=st.floats(0, 1e4),
        exposed=st.none() | st.floats(0, 1e4),
        repeats=st.booleans(),
        took=st.floats(0, 1e4),
    ),
    max_size=5,
)


@given(st.sampled_from(State), reports, st.booleans())
def test_reports_lead_only_where_the_table_allows(state: State, found: list[ConfigurationReport], over: bool) -> None:
    new = request_state(situation(state, last_window_end=EARLIER if over else LATER), found, NOW)
    assert new is state or can_transition(state, new)
    assert new is not State.CANCELED or state is State.CANCELED
