"""Trying, placing and undoing whole units on a timeline. Compiled.

Every change is made through a :class:`Workspace`, which keeps a copy of each slab as it was before the first touch,
which makes undoing a rejected change cost no more than the slabs it touched.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from armillary.scheduler.kernel.acceleration import compiled
from armillary.scheduler.kernel.model import NOTHING, Model
from armillary.scheduler.kernel.problem import FloatArray, IntegerArray
from armillary.scheduler.kernel.randomness import Generator, seeded, uniform
from armillary.scheduler.kernel.timeline import (
    TOLERANCE_S,
    Timeline,
    allowed,
    enter,
    insert,
    last_end,
    leave,
    soonest,
    spaced_span,
    spaced_start,
    take_out,
)

ALL_SLABS, TOUCHED_SLABS = -1, -2
"""Where to look for a place; a slab's number stands for that slab alone."""
MOST_CANDIDATES, MOST_CELLS = 48, 2048
"""Most units, and parts of its free time, among which it is chosen how to fill a slab exactly."""
SPACED_BLINKS = 10.0
"""How much likelier a position is overlooked for what is under distance rules: it cannot give way later."""
PINNED = 0.3
"""Probability of pinning it to its start, which leaves its partners most."""
NOWHERE = -1
"""Stands for "fits nowhere" among positions."""


class Workspace(NamedTuple):
    """Scratch memory of a search."""

    random: Generator
    slot_of: IntegerArray
    """By slab: where its copy is, or NOTHING if untouched."""
    touched: IntegerArray
    """Slabs in the order they were touched."""
    counters: npt.NDArray[np.int64]
    """[slabs touched, units in the pool]."""
    saved_sequence: IntegerArray
    saved_count: IntegerArray
    saved_room: FloatArray
    saved_earliest: FloatArray
    saved_latest: FloatArray
    saved_release: FloatArray
    saved_due: FloatArray
    pool: IntegerArray
    """Units to try to place."""
    in_pool: npt.NDArray[np.bool_]
    key: FloatArray
    """By position in the pool: units are tried from the largest key down."""
    order: IntegerArray
    """Positions in the pool, sorted by key."""
    first_tried: IntegerArray
    """Runs of ``tried`` by reservation."""
    tried: IntegerArray
    """The options worth trying, in order."""
    candidate: IntegerArray
    """Units that may fill a slab."""
    cells: IntegerArray
    """By candidate: what it takes."""
    table: FloatArray
    """Shape (candidates + 1, cells + 1): the most that the first candidates can gain in so many cells."""


TOUCHED, POOLED = 0, 1


def make_workspace(model: Model, timeline: Timeline, tried: IntegerArray, seed: int) -> Workspace:
    """Scratch memory for a model; ``tried`` are the options worth trying, in order."""
    shape = timeline.sequence.shape
    units = len(model.unit_choice)
    return Workspace(
        random=seeded(seed),
        slot_of=np.full(shape[0], NOTHING, dtype=np.int32),
        touched=np.zeros(shape[0], dtype=np.int32),
        counters=np.zeros(2, dtype=np.int64),
        saved_sequence=np.zeros(shape, dtype=np.int32),
        saved_count=np.zeros(shape[0], dtype=np.int32),
        saved_room=np.zeros(shape[0]),
        saved_earliest=np.zeros(shape),
        saved_latest=np.zeros(shape),
        saved_release=np.zeros(shape),
        saved_due=np.zeros(shape),
        pool=np.zeros(units, dtype=np.int32),
        in_pool=np.zeros(units, dtype=np.bool_),
        key=np.zeros(units),
        order=np.zeros(units, dtype=np.int32),
        first_tried=np.searchsorted(model.option_reservation[tried], np.arange(len(model.duration) + 1)).astype(
            np.int32
        ),
        tried=tried,
        candidate=np.zeros(MOST_CANDIDATES, dtype=np.int32),
        cells=np.zeros(MOST_CANDIDATES, dtype=np.int32),
        table=np.zeros((MOST_CANDIDATES + 1, MOST_CELLS + 1)),
    )


@compiled
def touch(model: Model, timeline: Timeline, work: Workspace, slab: int) -> None:
    """Keep a copy of a slab, if there is none yet."""
    if work.slot_of[slab] != NOTHING:
        return
    slot = work.counters[TOUCHED]
    work.slot_of[slab] = slot
    work.touched[slot] = slab
    work.counters[TOUCHED] += 1
    work.saved_count[slot] = timeline.held[slab]
    work.saved_room[slot] = timeline.room[slab]
    for index in range(timeline.held[slab]):
        option = timeline.sequence[slab, index]
        reservation = model.option_reservation[option]
        work.saved_sequence[slot, index] = option
        work.saved_earliest[slot, index] = timeline.earliest[slab, index]
        work.saved_latest[slot, index] = timeline.latest[slab, index]
        work.saved_release[slot, index] = timeline.release[reservation]
        work.saved_due[slot, index] = timeline.due[reservation]


@compiled
def keep_changes(work: Workspace) -> None:
    """Forget the copies and empty the pool."""
    for slot in range(work.counters[TOUCHED]):
        work.slot_of[work.touched[slot]] = NOTHING
    work.counters[TOUCHED] = 0
    for index in range(work.counters[POOLED]):
        work.in_pool[work.pool[index]] = False
    work.counters[POOLED] = 0


@compiled
def undo_changes(model: Model, timeline: Timeline, work: Workspace) -> None:
    """Put all touched slabs back to their copies."""
    for slot in range(work.counters[TOUCHED]):
        slab = work.touched[slot]
        for index in range(timeline.held[slab]):
            leave(model, timeline, timeline.sequence[slab, index])
    for slot in range(work.counters[TOUCHED]):
        slab = work.touched[slot]
        timeline.held[slab] = work.saved_count[slot]
        timeline.room[slab] = work.saved_room[slot]
        for index in range(work.saved_count[slot]):
            timeline.sequence[slab, index] = work.saved_sequence[slot, index]
            timeline.earliest[slab, index] = work.saved_earliest[slot, index]
            timeline.latest[slab, index] = work.saved_latest[slot, index]
            enter(
                model,
                timeline,
                work.saved_sequence[slot, index],
                work.saved_release[slot, index],
                work.saved_due[slot, index],
            )
    keep_changes(work)


@compiled
def first_position(timeline: Timeline, slab: int, end: float) -> int:
    """The first position whose follower may still start at ``end``."""
    low, high = 0, timeline.held[slab]
    while low < high:
        middle = (low + high) // 2
        if timeline.latest[slab, middle] < end - TOLERANCE_S:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def best_position(
    model: Model, timeline: Timeline, work: Workspace, option: int, release: float, due: float, blink: float
) -> tuple[int, float, float]:
    """Where on its slab an option, to start within ``[release, due]``, delays the others least.

    Positions are overlooked with probability ``blink``, which varies the answer.

    Returns:
        The position or NOWHERE, its start, and the seconds of delay it causes.
    """
    # The arrays are bound once: this is where the search spends its time.
    sequence, earliest, latest = timeline.sequence, timeline.earliest, timeline.latest
    owner, durations, setups, changes = model.option_reservation, model.duration, model.setup, model.changes
    slab, reservation = model.option_slab[option], owner[option]
    held, gap, table = timeline.held[slab], model.slab_gap[slab], model.slab_changes[slab]
    duration, setup = durations[reservation], setups[reservation]
    is_spaced = model.first_partner[reservation] != model.first_partner[reservation + 1]
    best, best_start, best_delay = NOWHERE, 0.0, np.inf
    for position in range(first_position(timeline, slab, release + duration), held + 1):
        if position == 0:
            start = max(release, soonest(model, timeline, slab, 0, setup))
        elif earliest[slab, position - 1] > due:
            break
        else:
            before = owner[sequence[slab, position - 1]]
            ready = earliest[slab, position - 1] + durations[before] + gap + changes[table, setups[before], setup]
            start = max(release, ready)
        if is_spaced:
            start = spaced_start(model, timeline, reservation, start)
        if position == held:
            room, delay = last_end(model, timeline, slab, held, setup) - start, 0.0
        else:
            after = changes[table, setup, setups[owner[sequence[slab, position]]]] + gap
            room = latest[slab, position] - after - start
            delay = max(0.0, start + duration + after - earliest[slab, position])
        if start > due + TOLERANCE_S or duration > room + TOLERANCE_S or delay >= best_delay:
            continue
        if blink > 0.0 and uniform(work.random) < (SPACED_BLINKS * blink if is_spaced else blink):
            continue
        best, best_start, best_delay = position, start, delay
        if delay == 0.0:
            break
    return best, best_start, best_delay


@compiled
def run_on(model: Model, work: Workspace, reservation: int, slab: int) -> tuple[int, int]:
    """Where among the options worth trying those of a reservation on a slab are: they are in the order of slabs."""
    low, last = work.first_tried[reservation], work.first_tried[reservation + 1]
    high = last
    while low < high:
        middle = (low + high) // 2
        if model.option_slab[work.tried[middle]] < slab:
            low = middle + 1
        else:
            high = middle
    while high < last and model.option_slab[work.tried[high]] == slab:
        high += 1
    return low, high


@compiled
def best_option_of(
    model: Model, timeline: Timeline, work: Workspace, low: int, high: int, blink: float, less_than: float
) -> tuple[int, int, float, float]:
    """Of some of the options worth trying, the one that delays others least, its position, start and delay.

    NOTHING if none delays them by less than a time.
    """
    best_option, best, best_start, best_delay = NOTHING, NOWHERE, 0.0, less_than
    for index in range(low, high):
        option = work.tried[index]
        if model.duration[model.option_reservation[option]] > timeline.room[model.option_slab[option]]:
            continue
        position, start, delay = best_position(
            model, timeline, work, option, model.option_start[option], model.option_latest[option], blink
        )
        if position != NOWHERE and delay < best_delay:
            best_option, best, best_start, best_delay = option, position, start, delay
            if delay == 0.0:
                break
    return best_option, best, best_start, best_delay


@compiled
def place_reservation(
    model: Model, timeline: Timeline, work: Workspace, reservation: int, where: int, blink: float
) -> bool:
    """Place a reservation where it delays others least; ``where`` says among which slabs."""
    best_option, best, best_start, best_delay = NOTHING, NOWHERE, 0.0, np.inf
    for slot in range(work.counters[TOUCHED] if where == TOUCHED_SLABS else 1):
        low, high = work.first_tried[reservation], work.first_tried[reservation + 1]
        if where != ALL_SLABS:
            low, high = run_on(model, work, reservation, work.touched[slot] if where == TOUCHED_SLABS else where)
        option, position, start, delay = best_option_of(model, timeline, work, low, high, blink, best_delay)
        if option != NOTHING:
            best_option, best, best_start, best_delay = option, position, start, delay
        if best_delay == 0.0:
            break
    if best_option == NOTHING:
        return False
    touch(model, timeline, work, model.option_slab[best_option])
    release, due = model.option_start[best_option], model.option_latest[best_option]
    if model.first_partner[reservation] != model.first_partner[reservation + 1]:
        release, due = spaced_span(model, timeline, reservation, best_start, release, due)
        if blink > 0.0 and uniform(work.random) < PINNED:
            release, due = best_start, best_start
    insert(model, timeline, best_option, best, release, due)
    return True


@compiled
def place_unit(model: Model, timeline: Timeline, work: Workspace, unit: int, where: int, blink: float) -> bool:
    """Place all members of a unit, or none: from the first on, or else from the last (distance rules may want that)."""
    if not allowed(model, timeline, unit):
        return False
    first, last = model.first_member[unit], model.first_member[unit + 1]
    if last - first == 1:
        return place_reservation(model, timeline, work, model.member[first], where, blink)
    if place_members(model, timeline, work, first, last, 1, blink):
        return True
    return place_members(model, timeline, work, last - 1, first - 1, -1, blink)


@compiled
def place_members(
    model: Model, timeline: Timeline, work: Workspace, first: int, last: int, step: int, blink: float
) -> bool:
    """Place all members ``first, first + step, ...`` short of ``last``, anywhere, or none."""
    for index in range(first, last, step):
        if not place_reservation(model, timeline, work, model.member[index], ALL_SLABS, blink):
            for placed in range(first, index, step):
                take_out(model, timeline, model.member[placed])
            return False
    return True


@compiled
def remove_unit(model: Model, timeline: Timeline, work: Workspace, unit: int) -> None:
    """Take all members of a placed unit off and put the unit in the pool."""
    for index in range(model.first_member[unit], model.first_member[unit + 1]):
        member = model.member[index]
        if timeline.option_at[member] != NOTHING:
            touch(model, timeline, work, model.option_slab[timeline.option_at[member]])
            take_out(model, timeline, member)
    add_to_pool(work, unit)


@compiled
def add_to_pool(work: Workspace, unit: int) -> None:
    """Put a unit in the pool, once."""
    if not work.in_pool[unit]:
        work.in_pool[unit] = True
        work.pool[work.counters[POOLED]] = unit
        work.counters[POOLED] += 1


@compiled
def fill(model: Model, timeline: Timeline, work: Workspace, order: IntegerArray) -> None:
    """Place every unit that fits, in an order."""
    for index in range(len(order)):
        unit = order[index]
        if timeline.option_at[model.member[model.first_member[unit]]] != NOTHING:
            continue
        if place_unit(model, timeline, work, unit, ALL_SLABS, 0.0):
            keep_changes(work)
        else:
            undo_changes(model, timeline, work)


@compiled
def place_at(model: Model, timeline: Timeline, work: Workspace, option: int, start: float, due: float) -> bool:
    """Place an option so that it can start at a given time, not before and at latest at ``due``; whether it fits."""
    position, found, _ = best_position(model, timeline, work, option, start, start, 0.0)
    if position == NOWHERE:
        return False
    touch(model, timeline, work, model.option_slab[option])
    insert(model, timeline, option, position, found, max(due, found))
    return True


@compiled
def place_plan(
    model: Model, timeline: Timeline, work: Workspace, first: IntegerArray, options: IntegerArray, starts: FloatArray
) -> None:
    """Place units at given times, each whole or not at all: runs of options and their starts, one run per unit."""
    for number in range(len(first) - 1):
        run = range(first[number], first[number + 1])
        fits = allowed(model, timeline, model.unit_of[model.option_reservation[options[first[number]]]])
        for row in run:
            reservation = model.option_reservation[options[row]]
            is_spaced = model.first_partner[reservation] != model.first_partner[reservation + 1]
            due = starts[row] if is_spaced else model.option_latest[options[row]]
            fits = fits and place_at(model, timeline, work, options[row], starts[row], due)
        if fits:
            keep_changes(work)
        else:
            undo_changes(model, timeline, work)
