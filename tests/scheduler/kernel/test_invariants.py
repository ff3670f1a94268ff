"""What holds for every plan of every problem, whatever the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from problem_strategies import problems

from armillary.scheduler.kernel import (
    Allocation,
    Entry,
    Fixed,
    Group,
    GroupKind,
    Preference,
    Problem,
    Reservation,
    Resource,
    Spacing,
    Status,
    StopReason,
    Windows,
    solve,
    violations,
)

MANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def worth(problem: Problem, entries: Sequence[Entry]) -> float:
    value = {each.id: each.value for each in problem.reservations}
    return sum(value[entry.reservation] for entry in entries)


def one_telescope(
    durations: Sequence[float], values: Sequence[float], window: tuple[float, float], **rules: object
) -> Problem:
    resources = [Resource("tel", [window])]
    rows = [Reservation(index, *row) for index, row in enumerate(zip(durations, values, strict=True))]
    windows = Windows.from_mappings([{"tel": [window]}] * len(rows), resources)
    return Problem(resources, rows, windows, **rules)  # type: ignore[arg-type]


@MANY
@given(problem=problems(most=14, spaced=True), seed=st.integers(0, 5))
def test_a_plan_keeps_every_rule_and_is_worth_no_more_than_its_bound(problem: Problem, seed: int) -> None:
    plan = solve(problem, iteration_limit=100, seed=seed)
    assert violations(problem, plan.entries) == []
    assert plan.value == pytest.approx(worth(problem, plan.entries))
    assert plan.value <= plan.bound
    assert 0.0 <= plan.gap <= 1.0
    assert set(plan.explanations) == {each.id for each in problem.reservations}
    scheduled = {name for name, each in plan.explanations.items() if each.status is Status.SCHEDULED}
    assert scheduled == {entry.reservation for entry in plan.entries}


@MANY
@given(problem=problems(most=14, spaced=True))
def test_the_same_seed_and_iterations_give_the_same_plan(problem: Problem) -> None:
    first, second = (solve(problem, iteration_limit=60, seed=3) for _ in range(2))
    assert first.entries == second.entries
    assert (first.value, first.bound, first.iterations) == (second.value, second.bound, second.iterations)


@MANY
@given(problem=problems(most=14, spaced=True), closed=st.integers(0, 50), stop=st.booleans())
def test_a_plan_is_never_worth_less_than_what_is_still_valid_of_the_one_in_force(
    problem: Problem, closed: int, *, stop: bool
) -> None:
    before = solve(problem, iteration_limit=60)
    busy = Fixed(problem.resources[0].id, float(closed), closed + 8.0, "red")
    later = replace(problem, published=before.entries, fixed=[*problem.fixed, busy])
    after = solve(later, should_stop=lambda: stop, cpu_limit_s=0.0 if stop else None, iteration_limit=20)
    assert violations(later, after.entries) == []
    left = list(before.entries)
    for entry in before.entries:  # what of it is in the way of the new one goes, and its all-of group with it
        if violations(replace(later, groups=[]), [entry]):
            left.remove(entry)
    torn = {member for group in problem.groups for member in group.members if group.kind is GroupKind.AND}
    torn &= {entry.reservation for entry in before.entries} - {entry.reservation for entry in left}
    gone = {member for group in problem.groups if torn & set(group.members) for member in group.members}
    left = [entry for entry in left if entry.reservation not in gone]
    if not violations(later, left):
        assert after.value >= worth(problem, left) - 1e-9


@MANY
@given(problem=problems(most=14))
def test_a_plan_that_is_still_valid_and_proven_best_is_left_as_it_is(problem: Problem) -> None:
    before = solve(problem, iteration_limit=200)
    after = solve(replace(problem, published=before.entries), iteration_limit=200)
    assert after.value >= before.value - 1e-9
    if before.stop is StopReason.OPTIMAL:
        assert set(after.entries) == set(before.entries)
        assert after.statistics.kept == len(before.entries)


def test_a_signal_stops_the_search_with_a_feasible_plan() -> None:
    problem = one_telescope([7, 11, 13, 5, 8], [8, 13, 14, 5, 9], (0, 30))
    plan = solve(problem, should_stop=lambda: True)
    assert plan.stop is StopReason.SIGNAL
    assert plan.entries
    assert violations(problem, plan.entries) == []


def test_a_target_gap_ends_the_search_early() -> None:
    problem = one_telescope([7, 11, 13, 5, 8], [8, 13, 14, 5, 9], (0, 30))
    plan = solve(problem, target_gap=0.5)
    assert plan.stop in {StopReason.TARGET_GAP, StopReason.OPTIMAL}
    assert plan.gap <= 0.5


def test_a_problem_without_reservations_has_an_empty_plan_that_is_optimal() -> None:
    resources = [Resource("tel", [(0, 10)])]
    plan = solve(Problem(resources, [], Windows.from_mappings([], resources)))
    assert (plan.entries, plan.value, plan.gap, plan.stop) == ((), 0.0, 0.0, StopReason.OPTIMAL)


def test_a_problem_without_resources_says_that_nothing_has_a_window() -> None:
    plan = solve(Problem([], [Reservation(1, 10, 1)], Windows.from_mappings([{}], [])))
    assert plan.entries == ()
    assert plan.explanations[1].status is Status.NO_WINDOW


def test_an_allocation_is_never_planned_past_what_is_left() -> None:
    problem = one_telescope([10] * 4, [5] * 4, (0, 100), allocations=[Allocation("P", 25)])
    rows = [replace(each, charges={"P": 10.0}) for each in problem.reservations]
    plan = solve(replace(problem, reservations=rows))
    assert len(plan.entries) == 2
    assert {each.status for each in plan.explanations.values()} == {Status.SCHEDULED, Status.ALLOCATION}


def test_an_all_of_group_with_a_cadence_is_placed_from_the_member_that_has_least_choice() -> None:
    resources = [Resource("tel", [(0, 100)])]
    rows = [Reservation("free", 5, 1), Reservation("tight", 5, 1)]
    windows = Windows.from_mappings([{"tel": [(0, 100)]}, {"tel": [(60, 66)]}], resources)
    problem = Problem(
        resources,
        rows,
        windows,
        groups=[Group("pair", GroupKind.AND, ("free", "tight"))],
        spacings=[Spacing("free", "tight", 10, 20)],
    )
    plan = solve(problem)
    assert len(plan.entries) == 2
    assert violations(problem, plan.entries) == []


def test_a_gap_is_kept_after_a_running_observation_and_between_setups() -> None:
    resources = [Resource("tel", [(0, 100)], 2.0, {("red", "blue"): 5.0, ("blue", "red"): 5.0})]
    rows = [Reservation("b", 10, 1, setup="blue"), Reservation("r", 10, 1, setup="red")]
    windows = Windows.from_mappings([{"tel": [(30, 100)]}, {"tel": [(0, 35)]}], resources)
    plan = solve(Problem(resources, rows, windows, fixed=[Fixed("tel", 0, 20, "red")]))
    assert [(entry.reservation, entry.start_s) for entry in plan.entries] == [("r", 22.0), ("b", 39.0)]


def test_lower_airmass_is_chosen_where_it_costs_no_value() -> None:
    problem = one_telescope([10, 10], [5, 5], (0, 100))
    times = np.array([0.0, 50.0, 90.0])
    wish = Preference(1, "tel", times, np.array([2.0, 1.0, 2.0]))
    plan = solve(replace(problem, preferences=[wish]))
    starts = {entry.reservation: entry.start_s for entry in plan.entries}
    assert starts == {0: 0.0, 1: 50.0}
    assert plan.statistics.mean_cost == 1.0
    assert plan.statistics.before_secondary["mean_cost"] > 1.0


def test_a_telescope_with_the_lower_airmass_is_preferred() -> None:
    resources = [Resource("east", [(0, 50)]), Resource("west", [(0, 50)])]
    windows = Windows.from_mappings([{"east": [(0, 50)], "west": [(0, 50)]}], resources)
    flat = np.array([0.0])
    wishes = [Preference(0, "east", flat, np.array([1.8])), Preference(0, "west", flat, np.array([1.1]))]
    plan = solve(Problem(resources, [Reservation(0, 10, 1)], windows, preferences=wishes))
    assert [entry.resource for entry in plan.entries] == ["west"]


def test_what_was_published_stays_even_if_airmass_and_earliness_would_have_it_elsewhere() -> None:
    problem = one_telescope([10, 10, 10], [5, 5, 5], (0, 100))
    wish = Preference(1, "tel", np.array([0.0, 90.0]), np.array([1.0, 2.0]))
    published = [Entry(0, "tel", 40.0), Entry(1, "tel", 71.5)]
    plan = solve(replace(problem, preferences=[wish], published=published))
    starts = {entry.reservation: entry.start_s for entry in plan.entries}
    assert starts == {0: 40.0, 1: 71.5, 2: 0.0}
    assert plan.statistics.kept == 2


def test_an_observation_moves_to_another_telescope_to_start_earlier() -> None:
    resources = [Resource("a", [(50, 90)]), Resource("b", [(0, 90)])]
    windows = Windows.from_mappings([{"a": [(50, 90)], "b": [(0, 90)]}], resources)
    plan = solve(Problem(resources, [Reservation(0, 10, 1)], windows))
    assert plan.entries == (Entry(0, "b", 0.0),)


def test_between_requests_of_one_value_the_party_that_got_less_is_served() -> None:
    resources = [Resource("tel", [(0, 40)])]
    rows = [Reservation(index, 10, 5, party="P" if index < 4 else "Q", rank=1.0) for index in range(8)]
    windows = Windows.from_mappings([{"tel": [(0, 40)]}] * 8, resources)
    plan = solve(Problem(resources, rows, windows), iteration_limit=50)
    parties = sorted(rows[int(entry.reservation)].party for entry in plan.entries)
    assert parties == ["P", "P", "Q", "Q"]
    assert plan.statistics.unfairness == 0.0


def test_machine_code_is_not_reused_when_a_source_file_it_depends_on_has_changed() -> None:
    numba = pytest.importorskip("numba")
    from armillary.scheduler.kernel import acceleration
    from armillary.scheduler.kernel.search import search

    machine = vars(search)["machine"]
    assert isinstance(machine, numba.core.dispatcher.Dispatcher)
    stamp = machine._cache._cache_file._source_stamp
    assert stamp[1] == acceleration._SOURCES
    assert len(acceleration._SOURCES) == 32


_NIGHT = Resource("tel", [(0, 36000)])


def test_the_bound_sees_that_narrow_windows_exclude_each_other() -> None:
    random = np.random.default_rng(7)
    duration = np.round(random.uniform(300.0, 3600.0, 120))
    start = np.round(random.uniform(0.0, 36000.0 - 2 * duration))
    end = start + np.round(duration * random.uniform(1.0, 2.0, 120))
    rows = [Reservation(index, float(d), float(d) * (1 + index % 3)) for index, d in enumerate(duration)]
    own = Windows.from_mappings([{"tel": [(float(a), float(b))]} for a, b in zip(start, end, strict=True)], [_NIGHT])
    plan = solve(Problem([_NIGHT], rows, own), iteration_limit=30_000)
    assert plan.gap < 0.015
