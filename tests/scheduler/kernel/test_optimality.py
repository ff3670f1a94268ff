"""The kernel against an exhaustive search of small problems: the best value is found, the bound is never below it."""

from __future__ import annotations

from exhaustive_search import best_value
from hypothesis import HealthCheck, Phase, given, settings
from problem_strategies import problems

from armillary.scheduler.kernel import Problem, StopReason, solve, violations

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
