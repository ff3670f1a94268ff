"""Cadences. Truth: section 3.9 of the portal's specification."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.core.requests.cadence import cadence_windows, expand_cadence
from armillary.core.requests.validation import ValidationContext, check_request_group

Body = dict[str, Any]
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def cadence_body(group_body: Body) -> Body:
    request = group_body["requests"][0]
    # the full Moon of 24 November 2026 stands beside the Crab
    request["configurations"][0]["constraints"]["min_lunar_distance"] = 0
    del request["windows"]
    request["cadence"] = {
        "start": "2026-11-23T12:00:00Z",
        "end": "2026-11-26T12:00:00Z",
        "period": 4.0,
        "jitter": 2.0,
    }
    return group_body


def test_the_first_window_begins_at_the_start_and_the_others_lie_around_their_moments() -> None:
    windows = list(cadence_windows(START, START + timedelta(hours=9), period_h=4.0, jitter_h=2.0))
    hours = [tuple((moment - START) / timedelta(hours=1) for moment in window) for window in windows]
    assert hours == [(0.0, 1.0), (3.0, 5.0), (7.0, 9.0)]


@given(st.floats(0.02, 100), st.floats(0.02, 100), st.integers(1, 1000))
def test_every_window_lies_in_the_cadence_and_none_drifts(period_h: float, jitter_h: float, hours: int) -> None:
    end = START + timedelta(hours=min(hours, 100 * period_h))
    windows = list(cadence_windows(START, end, period_h=period_h, jitter_h=jitter_h))
    for number, (first, last) in enumerate(windows):
        moment = START + number * timedelta(hours=period_h)
        assert START <= first <= moment <= last <= end or last == end
        assert last - first <= timedelta(hours=jitter_h) + timedelta(microseconds=1)


def test_a_cadence_becomes_a_request_for_each_visible_moment(cadence_body: Body, context: ValidationContext) -> None:
    expanded, errors = expand_cadence(cadence_body, context)
    assert errors == {}
    assert expanded is not None
    assert expanded["operator"] == "MANY"
    assert expanded["name"] == "Crab"
    # the Crab is up in the nights only: of 18 moments in three days, some are left
    assert 4 < len(expanded["requests"]) < 18
    for request in expanded["requests"]:
        assert "cadence" not in request
        assert len(request["windows"]) == 1
    assert check_request_group(expanded, context).errors == {}


def test_a_cadence_of_one_visible_moment_stays_single(cadence_body: Body, context: ValidationContext) -> None:
    cadence_body["requests"][0]["cadence"] |= {"start": "2026-11-24T00:00:00Z", "end": "2026-11-24T03:00:00Z"}
    expanded, errors = expand_cadence(cadence_body, context)
    assert errors == {}
    assert expanded is not None
    assert expanded["operator"] == "SINGLE"
    assert expanded["requests"][0]["windows"] == [{"start": "2026-11-24T00:00:00Z", "end": "2026-11-24T01:00:00Z"}]


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"period": 0.01}, "period", "greater than or equal to 0.02"),
        ({"end": "2026-11-22T12:00:00Z", "start": "2026-11-21T12:00:00Z"}, "end", "End time must be in the future"),
        ({"start": "2026-11-27T12:00:00Z"}, "non_field_errors", "cannot be earlier than cadence start"),
        ({"period": 0.02, "end": "2027-11-26T12:00:00Z"}, "period", "at most 5000 windows"),
        ({"jitter": None}, "jitter", "This field may not be null."),
    ],
)
def test_a_cadence_that_cannot_be_is_refused(
    cadence_body: Body, context: ValidationContext, changes: Body, place: str, message: str
) -> None:
    cadence_body["requests"][0]["cadence"] |= changes
    expanded, errors = expand_cadence(cadence_body, context)
    assert expanded is None
    assert message in errors["requests"][0]["cadence"][place][0]


def test_nothing_visible_is_refused(cadence_body: Body, context: ValidationContext) -> None:
    cadence_body["requests"][0]["configurations"][0]["target"]["dec"] = -80.0
    assert expand_cadence(cadence_body, context) == (
        None,
        {"errors": "No visible requests within cadence window parameters"},
    )


def test_a_cadence_is_of_one_request_without_windows(cadence_body: Body, context: ValidationContext) -> None:
    twice = cadence_body | {"requests": cadence_body["requests"] * 2}
    assert "single request" in expand_cadence(twice, context)[1]["non_field_errors"][0]
    assert "at least 1 request" in expand_cadence(cadence_body | {"requests": []}, context)[1]["requests"][0]
    cadence_body["requests"][0]["windows"] = [{"end": "2026-11-26T12:00:00Z"}]
    errors = expand_cadence(cadence_body, context)[1]
    assert errors["requests"][0]["windows"] == ["Cadence requests may not contain windows"]


def test_the_expanded_group_is_checked_like_any_other(cadence_body: Body, context: ValidationContext) -> None:
    expanded, errors = expand_cadence(cadence_body | {"ipp_value": 50.0}, context)
    assert expanded is None
    assert "ipp_value must be" in errors["non_field_errors"][0]


def test_a_cadence_is_not_submitted_as_it_is(cadence_body: Body, context: ValidationContext) -> None:
    cadence_body["requests"][0]["windows"] = [{"end": "2026-11-26T12:00:00Z"}]
    errors = check_request_group(cadence_body, context).errors
    assert "use the cadence endpoint" in errors["requests"][0]["cadence"][0]
