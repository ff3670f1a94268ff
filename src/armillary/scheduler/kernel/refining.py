"""The second goals, without loss of the first: the same observations at better places. Compiled.

In this order, each without giving up what the ones before it reached: as many published observations as possible stay
where they are; what states a preference (airmass) goes where it costs least; everything starts as early as possible
without delaying anything else. No move changes which units are scheduled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from armillary.scheduler.kernel.acceleration import compiled, entry_point
from armillary.scheduler.kernel.model import NOTHING, Model
from armillary.scheduler.kernel.placing import (
    ALL_SLABS,
    NOWHERE,
    POOLED,
    Workspace,
    best_position,
    first_position,
    keep_changes,
    place_at,
    place_unit,
    remove_unit,
    touch,
    undo_changes,
)
from armillary.scheduler.kernel.problem import FloatArray, IntegerArray
from armillary.scheduler.kernel.search import Record
from armillary.scheduler.kernel.timeline import (
    TOLERANCE_S,
    Timeline,
    allowed,
    insert,
    last_end,
    refresh,
    restore,
    soonest,
    take_out,
)

MOST_EJECTED = 6
"""Most observations put elsewhere so that a published one can stay."""


class Wishes(NamedTuple):
    """What the second goals are about."""

    option: IntegerArray
    """By reservation: the option that holds its published start; NOTHING if none."""
    start: FloatArray
    """By reservation: the published start."""
    first_sample: IntegerArray
    """Runs of the preference's samples by option."""
    sample_time: FloatArray
    sample_cost: FloatArray
    worst: FloatArray
    """By reservation: the cost where it states none; negative infinity if it states none anywhere."""
    is_kept: npt.NDArray[np.bool_]
    """By reservation: whether it is where it was published. Written here."""


@entry_point
def improve(
    model: Model,
    timeline: Timeline,
    work: Workspace,
    record: Record,
    wishes: Wishes,
    order: IntegerArray,
    leaving: int,
    joining: int,
) -> bool:
    """Exchange two units, or, where ``leaving`` is NOTHING, refine a recorded state. One entry point compiles sooner.

    Returns:
        Whether anything was done.
    """
    if leaving == NOTHING:
        refine(model, timeline, work, record, wishes, order)
        return True
    return exchange(model, timeline, work, leaving, joining)


@compiled
def refine(
    model: Model, timeline: Timeline, work: Workspace, record: Record, wishes: Wishes, order: IntegerArray
) -> None:
    """Pursue the goals from a recorded state; ``order`` is that in which reservations are considered."""
    restore(model, timeline, record.sequence, record.held, record.release, record.due)
    keep_changes(work)
    for index in range(len(order)):
        reservation = order[index]
        if wishes.option[reservation] != NOTHING and timeline.option_at[reservation] == wishes.option[reservation]:
            stay(model, timeline, wishes, reservation)
    for index in range(len(order)):
        reservation = order[index]
        is_placed = timeline.option_at[reservation] != NOTHING
        if wishes.option[reservation] == NOTHING or wishes.is_kept[reservation] or not is_placed:
            continue
        if bring_back(model, timeline, work, wishes, reservation):
            wishes.is_kept[reservation] = True
            keep_changes(work)
        else:
            undo_changes(model, timeline, work)
    for index in range(len(order)):
        reservation = order[index]
        is_free = timeline.option_at[reservation] != NOTHING and not wishes.is_kept[reservation]
        if is_free and wishes.worst[reservation] > -np.inf:
            lower_cost(model, timeline, work, wishes, reservation)
            keep_changes(work)
    for index in range(len(order)):
        reservation = order[index]
        is_free = timeline.option_at[reservation] != NOTHING and not wishes.is_kept[reservation]
        if is_free and wishes.worst[reservation] == -np.inf:
            start_earlier(model, timeline, work, reservation)
            keep_changes(work)


@compiled
def position_of(model: Model, timeline: Timeline, reservation: int) -> int:
    """Where a placed reservation is on its slab."""
    option = timeline.option_at[reservation]
    position = 0
    while timeline.sequence[model.option_slab[option], position] != option:
        position += 1
    return position


@compiled
def stay(model: Model, timeline: Timeline, wishes: Wishes, reservation: int) -> None:
    """Pin a reservation to its published start, if its neighbours leave it that."""
    slab = model.option_slab[timeline.option_at[reservation]]
    position, start = position_of(model, timeline, reservation), wishes.start[reservation]
    early, late = timeline.earliest[slab, position], timeline.latest[slab, position]
    if early - TOLERANCE_S <= start <= late + TOLERANCE_S:
        start = max(early, min(start, late))
        timeline.release[reservation] = start
        timeline.due[reservation] = start
        refresh(model, timeline, slab, position)
        wishes.is_kept[reservation] = True


@compiled
def bring_back(model: Model, timeline: Timeline, work: Workspace, wishes: Wishes, reservation: int) -> bool:
    """Move a reservation to its published start; what is in the way goes elsewhere. Whether all found a place."""
    option, start = wishes.option[reservation], wishes.start[reservation]
    touch(model, timeline, work, model.option_slab[timeline.option_at[reservation]])
    take_out(model, timeline, reservation)
    placed = place_at(model, timeline, work, option, start, start)
    for _ in range(MOST_EJECTED):
        if placed:
            break
        if not eject_nearest(model, timeline, work, wishes, option, start):
            return False
        placed = place_at(model, timeline, work, option, start, start)
    if not placed:
        return False
    for index in range(work.counters[POOLED]):
        if not place_unit(model, timeline, work, work.pool[index], ALL_SLABS, 0.0):
            return False
    return True


@compiled
def eject_nearest(model: Model, timeline: Timeline, work: Workspace, wishes: Wishes, option: int, start: float) -> bool:
    """Remove the observation nearest to a start, if there is one that may move on its own."""
    slab, middle = model.option_slab[option], start + 0.5 * model.duration[model.option_reservation[option]]
    nearest, least = NOTHING, np.inf
    for index in range(timeline.held[slab]):
        other = model.option_reservation[timeline.sequence[slab, index]]
        unit = model.unit_of[other]
        if wishes.is_kept[other] or model.first_member[unit + 1] - model.first_member[unit] > 1:
            continue
        span = timeline.latest[slab, index] - timeline.earliest[slab, index] + model.duration[other]
        distance = max(0.0, abs(timeline.earliest[slab, index] + 0.5 * span - middle) - 0.5 * span)
        if distance < least:
            nearest, least = unit, distance
    if nearest == NOTHING:
        return False
    remove_unit(model, timeline, work, nearest)
    return True


@compiled
def cost_at(wishes: Wishes, first: int, last: int, time: float) -> float:
    """The cost at a time by the samples ``first`` to ``last - 1``: linear between them, level outside."""
    if time <= wishes.sample_time[first]:
        return float(wishes.sample_cost[first])
    if time >= wishes.sample_time[last - 1]:
        return float(wishes.sample_cost[last - 1])
    low, high = first, last - 1
    while high - low > 1:
        middle = (low + high) // 2
        if wishes.sample_time[middle] <= time:
            low = middle
        else:
            high = middle
    share = (time - wishes.sample_time[low]) / (wishes.sample_time[high] - wishes.sample_time[low])
    return float(wishes.sample_cost[low] + share * (wishes.sample_cost[high] - wishes.sample_cost[low]))


@compiled
def cheapest_start(wishes: Wishes, option: int, reservation: int, low: float, high: float) -> tuple[float, float]:
    """The cheapest start within ``[low, high]`` and its cost: at an end, or at a sample between."""
    first, last = wishes.first_sample[option], wishes.first_sample[option + 1]
    if first == last:
        return low, wishes.worst[reservation]
    start, cost = low, cost_at(wishes, first, last, low)
    at_end = cost_at(wishes, first, last, high)
    if at_end < cost:
        start, cost = high, at_end
    for index in range(first, last):
        if low < wishes.sample_time[index] < high and wishes.sample_cost[index] < cost:
            start, cost = wishes.sample_time[index], wishes.sample_cost[index]
    return start, cost


@compiled
def lower_cost(model: Model, timeline: Timeline, work: Workspace, wishes: Wishes, reservation: int) -> None:
    """Put a reservation where it costs least without moving any other off its place; it can always stay."""
    old = timeline.option_at[reservation]
    old_position = position_of(model, timeline, reservation)
    is_spaced = model.first_partner[reservation] != model.first_partner[reservation + 1]
    if is_spaced:
        return
    touch(model, timeline, work, model.option_slab[old])
    old_release, old_due = timeline.release[reservation], timeline.due[reservation]
    take_out(model, timeline, reservation)
    best_option, best_place, best_start, best_cost = old, old_position, 0.0, np.inf
    for option in range(model.first_option[reservation], model.first_option[reservation + 1]):
        slab, release, due = model.option_slab[option], model.option_start[option], model.option_latest[option]
        duration, setup = model.duration[reservation], model.setup[reservation]
        for position in range(first_position(timeline, slab, release + duration), timeline.held[slab] + 1):
            if position > 0 and timeline.earliest[slab, position - 1] > due:
                break
            low = max(release, soonest(model, timeline, slab, position, setup))
            high = min(due, last_end(model, timeline, slab, position, setup) - duration)
            if low > high:
                continue
            start, cost = cheapest_start(wishes, option, reservation, low, high)
            if cost < best_cost - 1e-9:
                best_option, best_place, best_start, best_cost = option, position, start, cost
    if best_cost == np.inf:
        insert(model, timeline, old, old_position, old_release, old_due)
        return
    touch(model, timeline, work, model.option_slab[best_option])
    insert(model, timeline, best_option, best_place, best_start, best_start)


@compiled
def start_earlier(model: Model, timeline: Timeline, work: Workspace, reservation: int) -> None:
    """Put a reservation where it starts earlier and delays nothing; if there is no such place, it stays."""
    old, position = timeline.option_at[reservation], position_of(model, timeline, reservation)
    if model.first_partner[reservation] != model.first_partner[reservation + 1]:
        return
    slab = model.option_slab[old]
    release, due, start = timeline.release[reservation], timeline.due[reservation], timeline.earliest[slab, position]
    touch(model, timeline, work, slab)
    take_out(model, timeline, reservation)
    best, where = old, NOWHERE
    for option in range(model.first_option[reservation], model.first_option[reservation + 1]):
        if model.option_start[option] >= start - TOLERANCE_S:
            continue
        latest = min(model.option_latest[option], start - 1.0)
        found, earlier, delay = best_position(model, timeline, work, option, model.option_start[option], latest, 0.0)
        if found != NOWHERE and delay == 0.0 and earlier < start - TOLERANCE_S:
            best, where, start = option, found, earlier
    if where == NOWHERE:
        insert(model, timeline, old, position, release, due)
        return
    touch(model, timeline, work, model.option_slab[best])
    insert(model, timeline, best, where, model.option_start[best], model.option_latest[best])


@compiled
def exchange(model: Model, timeline: Timeline, work: Workspace, leaving: int, joining: int) -> bool:
    """Let a unit of one reservation take the place of another of the same value, if it need not start later."""
    before, after = model.member[model.first_member[leaving]], model.member[model.first_member[joining]]
    start = timeline.earliest[model.option_slab[timeline.option_at[before]], position_of(model, timeline, before)]
    remove_unit(model, timeline, work, leaving)
    is_free = model.first_partner[after] == model.first_partner[after + 1] and allowed(model, timeline, joining)
    for option in range(model.first_option[after], model.first_option[after + 1]):
        release, due = model.option_start[option], min(start, model.option_latest[option])
        if not is_free or release > due:
            continue
        position, _, _ = best_position(model, timeline, work, option, release, due, 0.0)
        if position != NOWHERE:
            touch(model, timeline, work, model.option_slab[option])
            insert(model, timeline, option, position, release, due)
            keep_changes(work)
            return True
    undo_changes(model, timeline, work)
    return False
