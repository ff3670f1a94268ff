"""The algebra of windows, held to the algebra of sets of minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from armillary.riseset import Window, clip, intersect, subtract, union

START = datetime(2026, 3, 1, tzinfo=UTC)


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def minutes_of(windows: list[Window]) -> set[int]:
    return {n for n in range(60) if any(a <= minute(n) < b for a, b in windows)}


spans = st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), max_size=8).map(
    lambda pairs: [(minute(a), minute(b)) for a, b in pairs]
)
window_lists = spans.map(union)


@given(spans, spans)
def test_a_union_holds_what_any_list_holds(left: list[Window], right: list[Window]) -> None:
    result = union(left, right)
    assert minutes_of(result) == minutes_of(left) | minutes_of(right)
    assert all(a < b for a, b in result)
    assert all(first[1] < second[0] for first, second in pairwise(result))


@given(window_lists, window_lists, window_lists)
def test_an_intersection_holds_what_all_lists_hold(a: list[Window], b: list[Window], c: list[Window]) -> None:
    result = intersect(a, b, c)
    assert minutes_of(result) == minutes_of(a) & minutes_of(b) & minutes_of(c)
    assert result == intersect(c, intersect(b, a))
    assert all(first[1] <= second[0] for first, second in pairwise(result))


@given(window_lists, spans)
def test_a_difference_holds_what_the_holes_leave(windows: list[Window], holes: list[Window]) -> None:
    result = subtract(windows, holes)
    assert minutes_of(result) == minutes_of(windows) - minutes_of(holes)
    assert intersect(result, union(holes)) == []
    assert union(result, intersect(windows, union(holes))) == windows


@given(window_lists, st.integers(0, 59), st.integers(0, 59))
def test_clipping_is_an_intersection_with_one_window(windows: list[Window], a: int, b: int) -> None:
    low, high = sorted((a, b))
    assert clip(windows, minute(low), minute(high)) == intersect(windows, union([(minute(low), minute(high))]))


def test_windows_that_touch_become_one_and_empty_ones_vanish() -> None:
    assert union([(minute(5), minute(9))], [(minute(1), minute(5)), (minute(20), minute(20))]) == [
        (minute(1), minute(9))
    ]
