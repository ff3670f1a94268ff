"""The kernel against an exhaustive search of small problems: the best value is found, the bound is never below it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from exhaustive_search import best_value
from hypothesis import HealthCheck, Phase, given, settings
from problem_strategies import problems

from armillary.scheduler.kernel import (
    Problem,
    Reservation,
    Resource,
    Spacing,
    StopReason,
    Windows,
    solve,
    violations,
)

SMALL = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # the problems are small enough to read
)


@SMALL
@given(problem=problems(most=5))
def test_the_plan_of_a_small_problem_is_worth_what_an_exhaustive_search_finds(problem: Problem) -> None:
    best = best_value(problem)
    plan = solve(problem, iteration_limit=2000)
    assert violations(problem, plan.entries) == []
    assert plan.bound >= best * (1 - 1e-9)
    assert plan.value == best


@SMALL
@given(problem=problems(most=4, spaced=True))
def test_with_distance_rules_the_plan_is_worth_what_an_exhaustive_search_finds(problem: Problem) -> None:
    best = best_value(problem)
    plan = solve(problem, iteration_limit=4000)
    assert violations(problem, plan.entries) == []
    assert plan.bound >= best * (1 - 1e-9)
    assert plan.value == best


@settings(SMALL, max_examples=40)
@given(problem=problems(most=5, spaced=True))
def test_what_is_called_optimal_is_optimal_and_a_bound_without_any_time_is_still_a_bound(problem: Problem) -> None:
    best = best_value(problem)
    plan = solve(problem, cpu_limit_s=0.0)
    assert violations(problem, plan.entries) == []
    assert plan.value <= best <= plan.bound * (1 + 1e-9)
    if plan.stop is StopReason.OPTIMAL:
        assert plan.value == best


@settings(SMALL, max_examples=200)
@given(problem=problems(most=5, spaced=True, longest_change_s=20))
def test_where_changes_take_as_long_as_observations_the_bound_is_never_below_the_best(problem: Problem) -> None:
    best = best_value(problem)
    plan = solve(problem, iteration_limit=4000)
    assert violations(problem, plan.entries) == []
    assert plan.bound >= best * (1 - 1e-9)
    assert plan.value == best


def nights(
    rows: Sequence[Reservation], change_s: float = 0.0, spacings: Sequence[Spacing] = (), count: int = 2
) -> Problem:
    """One telescope and two nights of 30 s, a day of 100 s apart; everything is up all night."""
    spans = [(0.0, 30.0), (100.0, 130.0)][:count]
    changes = {("red", "blue"): change_s, ("blue", "red"): change_s} if change_s else {}
    resources = [Resource("tel", spans, 0.0, changes)]
    windows = Windows.from_mappings([{"tel": spans}] * len(rows), resources)
    return Problem(resources, rows, windows, spacings=list(spacings))


def test_a_night_too_short_for_two_setups_with_the_change_between_them_is_bounded_by_that() -> None:
    rows = [Reservation("red", 12.0, 12.0, "red"), Reservation("blue", 12.0, 12.0, "blue")]
    plan = solve(nights(rows, 10.0, count=1))
    assert plan.value == pytest.approx(12.0)
    assert plan.bound < 22.0  # 24 s of observations would fit; with the change they are 34 s


def test_a_change_that_is_needed_once_is_not_counted_for_every_observation() -> None:
    rows = [Reservation("red", 9.0, 9.0, "red"), *(Reservation(f"blue {n}", 4.0, 4.0, "blue") for n in range(9))]
    plan = solve(nights(rows, 12.0))
    # Red and two of blue fill a night of 30 s with the change (9 + 12 + 8 = 29), seven of blue the other.
    assert plan.value == pytest.approx(45.0)
    assert plan.bound >= 45.0


@pytest.mark.parametrize("ordered", [True, False])
def test_observations_too_far_apart_for_their_distance_rule_are_not_both_in_the_bound(ordered: bool) -> None:
    rows = [Reservation("long", 28.0, 28.0), Reservation("first", 20.0, 20.0), Reservation("second", 20.0, 20.0)]
    near = [Spacing("first", "second", 0.0, 15.0, ordered=ordered)]
    plan = solve(nights(rows, spacings=near))
    assert plan.value == pytest.approx(48.0)
    assert plan.bound == pytest.approx(48.0)


def test_a_member_of_a_cadence_that_fits_no_earlier_night_is_bounded_by_that() -> None:
    rows = [Reservation(name, 10.0, 10.0) for name in ("first", "second", "third")]
    apart = [Spacing("first", "second", 60.0, 200.0), Spacing("first", "third", 121.0, 200.0)]
    plan = solve(nights(rows, spacings=apart))
    assert plan.value == pytest.approx(20.0)
    assert plan.bound == pytest.approx(20.0)


def test_each_night_is_given_to_one_setup_where_changing_takes_long_and_the_pace_makes_that_plan_again() -> None:
    rows = [Reservation(f"{setup} {n}", 3.0, 3.0, setup) for setup in ("red", "blue") for n in range(12)]
    problem = nights(rows, 9.0)
    plan = solve(problem, cpu_limit_s=10.0, iteration_limit=500)
    assert plan.value == pytest.approx(60.0)  # ten of each; with a change in a night it could be seven there at most
    assert plan.pace.has_uses
    for first in (0.0, 100.0):
        night = {str(entry.reservation)[:3] for entry in plan.entries if first <= entry.start_s < first + 30.0}
        assert len(night) == 1
    again = solve(problem, pace=plan.pace, iteration_limit=500)
    assert again.entries == plan.entries
