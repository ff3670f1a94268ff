from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.scheduler.priorities import CEILING, TIE_BREAK, effective_value


def value(observation_type: str = "NORMAL", **changes: float) -> float:
    given_values = {"tac_priority": 20.0, "ipp_value": 1.1, "duration_s": 600.0, "request_id": 7} | changes
    return effective_value(observation_type=observation_type, **given_values)  # type: ignore[arg-type]  # mixed numbers


def test_values_are_those_of_the_reference() -> None:
    """Specification of the reference scheduler, section 8."""
    assert value("NORMAL") == pytest.approx(20 * 1.1 * 10, rel=TIE_BREAK)
    assert value("TIME_CRITICAL") == pytest.approx(20 * 100 * 60, rel=TIE_BREAK)
    assert value("RAPID_RESPONSE") == pytest.approx(20, rel=TIE_BREAK)


@given(
    request_id=st.integers(0, 10**9),
    kind=st.sampled_from(["NORMAL", "TIME_CRITICAL", "RAPID_RESPONSE"]),
    priority=st.floats(0.1, 1e6),
)
def test_ties_are_broken_by_little_and_always_the_same_way(request_id: int, kind: str, priority: float) -> None:
    first = value(kind, request_id=request_id, tac_priority=priority)
    assert first == value(kind, request_id=request_id, tac_priority=priority)
    assert 0 < first <= CEILING * (1 + TIE_BREAK)


def test_two_requests_of_equal_worth_are_told_apart() -> None:
    assert len({value(request_id=number) for number in range(1000)}) == 1000


def test_a_type_that_is_not_scheduled_has_no_value() -> None:
    with pytest.raises(ValueError, match="DIRECT"):
        value("DIRECT")
