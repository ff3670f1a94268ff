"""The best value of a small problem by trying everything; shares nothing with the kernel but the problem's classes.

What is tried: every set of reservations, every window for each, every order on each resource. Whether times exist for
such a choice is a question of difference constraints (x_j - x_i >= c); they can be met if their graph has no cycle of
positive length (Bellman-Ford).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

from armillary.scheduler.kernel import GroupKind, Problem, Spacing

Option = tuple[int, float, float]
"""Resource, earliest start, latest start."""
Edge = tuple[int, int, float]
"""x_second - x_first >= the number."""
ORIGIN = -1


@dataclass(frozen=True)
class Placed:
    reservation: int
    option: Option
    before: frozenset[int]
    """Reservations that come earlier on the same resource."""


def best_value(problem: Problem) -> float:
    """The greatest value that any schedule of the problem reaches."""
    count = len(problem.reservations)
    values = [reservation.value for reservation in problem.reservations]
    subsets = [chosen for size in range(count + 1) for chosen in combinations(range(count), size)]
    subsets.sort(key=lambda chosen: -sum(values[index] for index in chosen))
    options = [list(_options(problem, index)) for index in range(count)]
    for chosen in subsets:
        if _groups_allow(problem, chosen) and _allocations_allow(problem, chosen) and _fits(problem, options, chosen):
            return sum(values[index] for index in chosen)
    raise AssertionError("the empty schedule is always allowed")


def _options(problem: Problem, index: int) -> Iterator[Option]:
    windows, duration = problem.windows, problem.reservations[index].duration_s
    for row in range(len(windows.start_s)):
        if windows.reservation[row] != index:
            continue
        place = int(windows.resource[row])
        for open_s, close_s in problem.resources[place].windows:
            start = max(float(windows.start_s[row]), float(open_s))
            latest = min(float(windows.end_s[row]), float(close_s)) - duration
            if start <= latest:
                yield place, start, latest


def _groups_allow(problem: Problem, chosen: tuple[int, ...]) -> bool:
    names = {problem.reservations[index].id for index in chosen}
    for group in problem.groups:
        inside = len(names & set(group.members))
        if group.kind is GroupKind.ONEOF and inside > 1:
            return False
        if group.kind is GroupKind.AND and inside not in {0, len(group.members)}:
            return False
    return True


def _allocations_allow(problem: Problem, chosen: tuple[int, ...]) -> bool:
    return all(
        sum(problem.reservations[index].charges.get(allocation.id, 0.0) for index in chosen) <= allocation.limit_s
        for allocation in problem.allocations
    )


def _fits(problem: Problem, options: list[list[Option]], chosen: tuple[int, ...]) -> bool:
    names = {problem.reservations[index].id for index in chosen}
    rules = [rule for rule in problem.spacings if {rule.first, rule.second} <= names]
    turns = product((True, False), repeat=sum(not rule.ordered for rule in rules))
    return any(_extend(problem, options, chosen, [], list(_spacing_edges(problem, rules, turn))) for turn in turns)


def _spacing_edges(problem: Problem, rules: list[Spacing], turn: tuple[bool, ...]) -> Iterator[Edge]:
    position = {reservation.id: index for index, reservation in enumerate(problem.reservations)}
    directions = iter(turn)
    for rule in rules:
        first, second = position[rule.first], position[rule.second]
        if not rule.ordered and next(directions):
            first, second = second, first
        yield first, second, rule.minimum_s
        if rule.maximum_s != float("inf"):
            yield second, first, -rule.maximum_s


def _extend(
    problem: Problem, options: list[list[Option]], left: tuple[int, ...], placed: list[Placed], rules: list[Edge]
) -> bool:
    """Whether the remaining reservations can join; taking one out never makes a schedule infeasible, so prune early."""
    if not left:
        return True
    index, rest = left[0], left[1:]
    for option in options[index]:
        neighbours = [each for each in placed if each.option[0] == option[0]]
        neighbours.sort(key=lambda each: len(each.before))
        for position in range(len(neighbours) + 1):
            before = frozenset(each.reservation for each in neighbours[:position])
            after = {each.reservation for each in neighbours[position:]}
            moved = [
                Placed(each.reservation, each.option, each.before | {index}) if each.reservation in after else each
                for each in placed
            ]
            moved.append(Placed(index, option, before))
            if _has_times(problem, moved, rules) and _extend(problem, options, rest, moved, rules):
                return True
    return False


def _has_times(problem: Problem, placed: list[Placed], rules: list[Edge]) -> bool:
    present = {each.reservation for each in placed}
    fixed_turns = [_fixed_edges(problem, each) for each in placed]
    for turn in product(*fixed_turns):
        edges = [edge for run in turn for edge in run]
        for each in placed:
            edges.append((ORIGIN, each.reservation, each.option[1]))
            edges.append((each.reservation, ORIGIN, -each.option[2]))
            edges.extend(_after(problem, other, each) for other in each.before)
        edges.extend(rule for rule in rules if rule[0] in present and rule[1] in present)
        if not _has_positive_cycle(edges, [ORIGIN, *present]):
            return True
    return False


def _after(problem: Problem, before: int, after: Placed) -> Edge:
    first, second = problem.reservations[before], problem.reservations[after.reservation]
    resource = problem.resources[after.option[0]]
    change = resource.setup_change_s.get((first.setup, second.setup), 0.0)
    return before, after.reservation, first.duration_s + resource.gap_s + change


def _fixed_edges(problem: Problem, placed: Placed) -> list[list[Edge]]:
    """Ways to stand before or after every fixed observation of the resource."""
    resource = problem.resources[placed.option[0]]
    reservation = problem.reservations[placed.reservation]
    ways: list[list[Edge]] = [[]]
    for fixed in problem.fixed:
        if fixed.resource != resource.id:
            continue
        later = fixed.end_s + resource.gap_s + resource.setup_change_s.get((fixed.setup, reservation.setup), 0.0)
        sooner = fixed.start_s - resource.gap_s - resource.setup_change_s.get((reservation.setup, fixed.setup), 0.0)
        ways = [
            [*way, edge]
            for way in ways
            for edge in (
                (ORIGIN, placed.reservation, later),
                (placed.reservation, ORIGIN, reservation.duration_s - sooner),
            )
        ]
    return ways


def _has_positive_cycle(edges: list[Edge], nodes: list[int]) -> bool:
    longest = dict.fromkeys(nodes, 0.0)
    for _ in range(len(nodes) + 1):
        changed = False
        for first, second, length in edges:
            if longest[first] + length > longest[second] + 1e-9:
                longest[second] = longest[first] + length
                changed = True
        if not changed:
            return False
    return True
