"""Large-neighbourhood search: take a few neighbouring observations off, fill the holes better. Compiled.

Each iteration picks a unit that is not scheduled but could be (or any slab), removes a string of observations around a
time it could use, often strings on slabs where the removed ones could go instead (or one for each member of an all-of
group), and puts removed and unscheduled units back in an order drawn from several, with small random oversights
("blinks"). Now and then the free time is filled to the second by a knapsack first: what is lost in the end is mostly
the last half a minute of every night. The result is accepted if it is better, or with a probability that falls with the
loss and with time (simulated annealing); otherwise it is undone.

After: Christiaens & Vanden Berghe, "Slack induction by string removals", Transportation Science 54 (2020) 417;
Pisinger & Ropke, "Large neighborhood search", Handbook of Metaheuristics (2010).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from armillary.scheduler.kernel.acceleration import compiled, entry_point
from armillary.scheduler.kernel.model import NOTHING, Model
from armillary.scheduler.kernel.placing import (
    ALL_SLABS,
    MOST_CANDIDATES,
    MOST_CELLS,
    POOLED,
    TOUCHED,
    TOUCHED_SLABS,
    Workspace,
    add_to_pool,
    fill,
    keep_changes,
    place_plan,
    place_unit,
    remove_unit,
    run_on,
    undo_changes,
)
from armillary.scheduler.kernel.problem import FloatArray, IntegerArray
from armillary.scheduler.kernel.randomness import below, uniform
from armillary.scheduler.kernel.timeline import Timeline, allowed

BLINK = 0.01
"""Probability of overlooking a position."""
LONGEST_STRING = 10
"""Most observations taken off one slab."""
MOST_SLABS = 3
MOST_GATHERED = 40
"""Most unplaced units tried on one slab."""
GATHERED = 0.5
"""Probability of trying an unplaced unit, as long as there are not enough."""
MOST_DRAWS = 50
"""Most random draws for a user of a cap."""
AIMED = 0.7
"""Probability of making room for a unit that is not placed, else of removing anything."""
KEEN = 0.5
"""Probability of aiming at the one of many unplaced units that gains most, else at any."""
KEEN_DRAWS, DRAWS = 40, 10
"""Draws among the wanted units for it, and at most until any is found that is not placed."""
FIRST = 0.5
"""Probability of putting down the unit aimed at before all others."""
ELSEWHERE = 0.3
"""Probability of trying a removed unit that found no place on slabs that were not touched."""


class Guide(NamedTuple):
    """What directs the search; constant during it."""

    gain: FloatArray
    """By unit: its value."""
    density: FloatArray
    """By unit: value per second."""
    surplus: FloatArray
    """By unit: value less the price of its cheapest time, per second."""
    size: FloatArray
    """By unit: seconds."""
    wanted: IntegerArray
    """Units worth aiming at."""
    first_in_slab: IntegerArray
    in_slab: IntegerArray
    """Runs of the options worth trying by slab, those with the largest margin per second first."""


class Record(NamedTuple):
    """The best state seen and running numbers."""

    sequence: IntegerArray
    held: IntegerArray
    release: FloatArray
    due: FloatArray
    number: FloatArray
    """[current value, best value]."""


CURRENT, BEST = 0, 1


def make_record(timeline: Timeline, value: float) -> Record:
    """A record of a timeline as the best so far."""
    return Record(
        timeline.sequence.copy(),
        timeline.held.copy(),
        timeline.release.copy(),
        timeline.due.copy(),
        np.array([value, value]),
    )


def value_of(model: Model, timeline: Timeline) -> float:
    """The summed value of what is placed."""
    return float(model.value[timeline.option_at != NOTHING].sum())


@compiled
def placed_value(model: Model, timeline: Timeline) -> float:
    """The same, for compiled functions."""
    total = 0.0
    for reservation in range(len(model.value)):
        if timeline.option_at[reservation] != NOTHING:
            total += model.value[reservation]
    return total


@entry_point
def construct(
    model: Model,
    timeline: Timeline,
    work: Workspace,
    first: IntegerArray,
    options: IntegerArray,
    starts: FloatArray,
    order: IntegerArray,
) -> float:
    """Place a plan (see :func:`place_plan`), then every unit that fits beside it in an order; the plan's value."""
    place_plan(model, timeline, work, first, options, starts)
    value = placed_value(model, timeline)
    fill(model, timeline, work, order)
    return value


@compiled
def save_record(timeline: Timeline, record: Record) -> None:
    """Note the current state as the best."""
    record.number[BEST] = record.number[CURRENT]
    for reservation in range(len(record.release)):
        record.release[reservation] = timeline.release[reservation]
        record.due[reservation] = timeline.due[reservation]
    for slab in range(len(timeline.held)):
        record.held[slab] = timeline.held[slab]
        for index in range(timeline.held[slab]):
            record.sequence[slab, index] = timeline.sequence[slab, index]


@compiled
def remove_string(model: Model, timeline: Timeline, work: Workspace, slab: int, time: float, length: int) -> None:
    """Remove a string of placed units around a time."""
    count = timeline.held[slab]
    if count == 0:
        return
    middle = 0
    while middle < count - 1 and timeline.earliest[slab, middle + 1] <= time:
        middle += 1
    start = max(0, min(middle - below(work.random, length), count - length))
    first_new = work.counters[POOLED]
    for index in range(start, min(start + length, count)):
        add_to_pool(work, model.unit_of[model.option_reservation[timeline.sequence[slab, index]]])
    for index in range(first_new, work.counters[POOLED]):
        remove_unit(model, timeline, work, work.pool[index])


@compiled
def pick_option(model: Model, work: Workspace, unit: int) -> int:
    """A random option worth trying of a random member of a unit; NOTHING if there is none."""
    first, last = model.first_member[unit], model.first_member[unit + 1]
    member = model.member[first + below(work.random, last - first)]
    low, high = work.first_tried[member], work.first_tried[member + 1]
    return int(work.tried[low + below(work.random, high - low)]) if low < high else NOTHING


@compiled
def pick_unplaced(model: Model, timeline: Timeline, work: Workspace, guide: Guide) -> int:
    """A random wanted unit that is not placed, or of several the one that gains most; any if the draws find none."""
    best, most = int(guide.wanted[below(work.random, len(guide.wanted))]), -np.inf
    is_keen = uniform(work.random) < KEEN
    for _ in range(KEEN_DRAWS if is_keen else DRAWS):
        unit = int(guide.wanted[below(work.random, len(guide.wanted))])
        if timeline.option_at[model.member[model.first_member[unit]]] == NOTHING:
            if not is_keen:
                return unit
            if guide.surplus[unit] * guide.size[unit] > most:
                best, most = unit, guide.surplus[unit] * guide.size[unit]
    return best


@compiled
def clear_rules(model: Model, timeline: Timeline, work: Workspace, unit: int) -> None:
    """Remove what may keep an unplaced unit out by a rule: partners in distance, one-of siblings, users of its caps."""
    choice = model.unit_choice[unit]
    if choice != NOTHING and timeline.choice_taken[choice] > 0:
        for other in range(len(model.unit_choice)):
            if model.unit_choice[other] == choice:
                take_unit(model, timeline, work, other)
    for index in range(model.first_member[unit], model.first_member[unit + 1]):
        member = model.member[index]
        for rule in range(model.first_partner[member], model.first_partner[member + 1]):
            if uniform(work.random) < 0.5:
                take_unit(model, timeline, work, model.unit_of[model.partner[rule]])
    draws = 0
    while draws < MOST_DRAWS and not allowed(model, timeline, unit):
        reservation = below(work.random, len(model.duration))
        if shares_allocation(model, reservation, unit):
            take_unit(model, timeline, work, model.unit_of[reservation])
        draws += 1


@compiled
def take_unit(model: Model, timeline: Timeline, work: Workspace, unit: int) -> None:
    """Remove a unit, if it is placed."""
    if timeline.option_at[model.member[model.first_member[unit]]] != NOTHING:
        remove_unit(model, timeline, work, unit)


@compiled
def shares_allocation(model: Model, reservation: int, unit: int) -> bool:
    """Whether a reservation charges an allocation that a unit charges too."""
    for charge in range(model.first_charge[reservation], model.first_charge[reservation + 1]):
        for index in range(model.first_member[unit], model.first_member[unit + 1]):
            member = model.member[index]
            for own in range(model.first_charge[member], model.first_charge[member + 1]):
                if model.charge_allocation[own] == model.charge_allocation[charge]:
                    return True
    return False


@compiled
def make_room_for_all(model: Model, timeline: Timeline, work: Workspace, unit: int) -> None:
    """Remove a string of observations where each member of an all-of group could go."""
    for index in range(model.first_member[unit], model.first_member[unit + 1]):
        member = model.member[index]
        low, high = work.first_tried[member], work.first_tried[member + 1]
        if low < high:
            option = work.tried[low + below(work.random, high - low)]
            remove_around(model, timeline, work, option)


@compiled
def remove_around(model: Model, timeline: Timeline, work: Workspace, option: int) -> None:
    """Remove a string of observations around a time at which an option could start."""
    time = model.option_start[option] + uniform(work.random) * (
        model.option_latest[option] - model.option_start[option]
    )
    remove_string(model, timeline, work, model.option_slab[option], time, 1 + below(work.random, LONGEST_STRING))


@compiled
def ruin(model: Model, timeline: Timeline, work: Workspace, guide: Guide) -> int:
    """Make room: for a wanted unit that is not placed, or somewhere. The unit, or NOTHING."""
    option, aim = NOTHING, NOTHING
    if len(guide.wanted) and uniform(work.random) < AIMED:
        unit = pick_unplaced(model, timeline, work, guide)
        option = pick_option(model, work, unit)
        if timeline.option_at[model.member[model.first_member[unit]]] == NOTHING:
            aim = unit
            clear_rules(model, timeline, work, unit)
            if model.first_member[unit + 1] - model.first_member[unit] > 1:
                make_room_for_all(model, timeline, work, unit)
                return aim
    if option == NOTHING:
        option = guide.in_slab[below(work.random, len(guide.in_slab))]
    for _ in range(1 + below(work.random, MOST_SLABS)):
        remove_around(model, timeline, work, option)
        if work.counters[POOLED] == 0:
            return aim
        option = pick_option(model, work, work.pool[below(work.random, work.counters[POOLED])])
        if option == NOTHING:
            return aim
    return aim


@compiled
def gather(model: Model, timeline: Timeline, work: Workspace, guide: Guide) -> None:
    """Add unplaced units with options worth trying on touched slabs to the pool: a sample in which the best prevail."""
    for slot in range(work.counters[TOUCHED]):
        slab = work.touched[slot]
        enough = work.counters[POOLED] + MOST_GATHERED
        for index in range(guide.first_in_slab[slab], guide.first_in_slab[slab + 1]):
            reservation = model.option_reservation[guide.in_slab[index]]
            if timeline.option_at[reservation] != NOTHING or model.duration[reservation] > timeline.room[slab]:
                continue
            if uniform(work.random) < GATHERED:
                add_to_pool(work, model.unit_of[reservation])
                if work.counters[POOLED] >= enough:
                    break


@compiled
def rank_pool(work: Workspace, guide: Guide, removed: int, aim: int) -> None:
    """Give the pool's units keys by one of several orders, with noise; the one aimed at follows those removed."""
    kind = uniform(work.random)
    noise = 0.5 * uniform(work.random) ** 2
    for index in range(work.counters[POOLED]):
        unit = work.pool[index]
        wobble = 1.0 + noise * (uniform(work.random) - 0.5)
        if kind < 0.45:
            key = guide.surplus[unit] + noise * (uniform(work.random) - 0.5) * guide.density[unit]
        elif kind < 0.65:
            key = guide.density[unit] * wobble
        elif kind < 0.75:
            key = guide.size[unit] * wobble
        elif kind < 0.9:
            key = guide.gain[unit] * wobble
        else:
            key = uniform(work.random)
        work.key[index] = key
    if aim != NOTHING and uniform(work.random) < FIRST:
        work.key[removed] = 1e18


@compiled
def sort_pool(work: Workspace) -> None:
    """Put the pool in the order of the keys, the largest first (Shell's sort: a pool has some hundred units)."""
    count = work.counters[POOLED]
    for index in range(count):
        work.order[index] = index
    step = count // 2
    while step > 0:
        for index in range(step, count):
            moving, place = work.order[index], index
            while place >= step and work.key[work.order[place - step]] < work.key[moving]:
                work.order[place] = work.order[place - step]
                place -= step
            work.order[place] = moving
        step //= 2


@compiled
def free_time(model: Model, timeline: Timeline, slab: int) -> float:
    """Seconds of a slab that nothing takes, one gap included."""
    gap = model.slab_gap[slab]
    free = model.slab_close[slab] - model.slab_open[slab] + gap
    for index in range(timeline.held[slab]):
        free -= model.duration[model.option_reservation[timeline.sequence[slab, index]]] + gap
    return float(free)


@compiled
def may_fill(model: Model, timeline: Timeline, work: Workspace, unit: int, slab: int) -> bool:
    """Whether a unit is one unplaced reservation that could go on a slab."""
    member = model.member[model.first_member[unit]]
    if timeline.option_at[member] != NOTHING or model.first_member[unit + 1] - model.first_member[unit] > 1:
        return False
    low, high = run_on(model, work, member, slab)
    return low < high


@compiled
def fill_exactly(model: Model, timeline: Timeline, work: Workspace, guide: Guide, slab: int) -> float:
    """Place those of the pool that together gain most in the free time of a slab (a knapsack); the value placed.

    Which order they could come in is left aside: those that do not fit stay in the pool.
    """
    free, table, rows = free_time(model, timeline, slab), work.table, 0
    cell = max(1.0, free / MOST_CELLS)
    cells = int(free / cell + 1e-9)
    for at in range(cells + 1):
        table[0, at] = 0.0
    for position in range(work.counters[POOLED]):
        unit = work.pool[position]
        needed = math.ceil((guide.size[unit] + model.slab_gap[slab]) / cell - 1e-9)
        if rows == MOST_CANDIDATES or needed > cells or not may_fill(model, timeline, work, unit, slab):
            continue
        gain = guide.gain[unit]
        for at in range(needed):
            table[rows + 1, at] = table[rows, at]
        for at in range(needed, cells + 1):
            table[rows + 1, at] = max(table[rows, at], table[rows, at - needed] + gain)
        work.candidate[rows] = unit
        work.cells[rows] = needed
        rows += 1
    placed = 0.0
    for row in range(rows, 0, -1):
        if table[row, cells] > table[row - 1, cells]:
            cells -= work.cells[row - 1]
            unit = work.candidate[row - 1]
            if place_unit(model, timeline, work, unit, slab, 0.0):
                placed += guide.gain[unit]
    return placed


@compiled
def recreate(model: Model, timeline: Timeline, work: Workspace, guide: Guide, removed: int, exact: float) -> float:
    """Place what fits of the pool, in the order of the keys; the summed value placed."""
    # The first in the pool are those removed, then the one aimed at, then the gathered ones.
    placed = 0.0
    if uniform(work.random) < exact:
        for slot in range(work.counters[TOUCHED]):
            placed += fill_exactly(model, timeline, work, guide, work.touched[slot])
    sort_pool(work)
    for rank in range(work.counters[POOLED]):
        position = work.order[rank]
        unit = work.pool[position]
        if timeline.option_at[model.member[model.first_member[unit]]] != NOTHING:
            continue
        if place_unit(model, timeline, work, unit, TOUCHED_SLABS, BLINK) or (
            position <= removed
            and uniform(work.random) < ELSEWHERE
            and place_unit(model, timeline, work, unit, ALL_SLABS, BLINK)
        ):
            placed += guide.gain[unit]
    return placed


@compiled
def settle(model: Model, timeline: Timeline, record: Record) -> None:
    """Sum the current value anew: running sums drift by rounding."""
    record.number[CURRENT] = placed_value(model, timeline)
    if record.number[CURRENT] > record.number[BEST]:
        save_record(timeline, record)


@entry_point
def search(
    model: Model,
    timeline: Timeline,
    work: Workspace,
    guide: Guide,
    record: Record,
    iterations: int,
    hot: float,
    cold: float,
    exact: float,
    enough: float,
) -> int:
    """Iterate, cooling geometrically from ``hot`` to ``cold``; stop early when the best value reaches ``enough``.

    Slabs touched are filled exactly before anything else is put back with the probability ``exact``.

    Returns:
        The iterations made.
    """
    if len(guide.in_slab) == 0:
        return 0
    for iteration in range(iterations):
        if record.number[BEST] >= enough:
            return iteration
        temperature = hot * (cold / hot) ** (iteration / iterations)
        aim = ruin(model, timeline, work, guide)
        removed = work.counters[POOLED]
        lost = 0.0
        for index in range(removed):
            lost += guide.gain[work.pool[index]]
        if aim != NOTHING:
            add_to_pool(work, aim)
        gather(model, timeline, work, guide)
        rank_pool(work, guide, removed, aim)
        change = recreate(model, timeline, work, guide, removed, exact) - lost
        if change < temperature * math.log(uniform(work.random)):
            undo_changes(model, timeline, work)
            continue
        keep_changes(work)
        record.number[CURRENT] += change
        if record.number[CURRENT] > record.number[BEST] + 1e-9 * record.number[BEST]:
            save_record(timeline, record)
    settle(model, timeline, record)
    return iterations
