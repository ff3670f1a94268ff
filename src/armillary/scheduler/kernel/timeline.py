"""Sequences of observations on slabs, with the slack each start has: testing, placing and taking out. Compiled.

A slab's observations are held in order, not at fixed times: ``earliest`` is when each would start if everything before
it starts as early as possible, ``latest`` how late it may start without pushing anything after it out of its window. A
new observation fits between two neighbours exactly if its earliest end leaves the follower's latest start in reach.

Reservations under distance rules keep what they may slide in when placed (release and due), so that their partners know
where they can be: whatever start each takes in the end, the rules are kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from armillary.scheduler.kernel.acceleration import compiled
from armillary.scheduler.kernel.model import NOTHING, Compilation, Model
from armillary.scheduler.kernel.problem import FloatArray, IntegerArray

TOLERANCE_S = 1e-6
"""Times closer than this are the same."""


class Timeline(NamedTuple):
    """The mutable state: which option of which reservation is where."""

    sequence: IntegerArray
    """Shape (slabs, capacity): options in order."""
    held: IntegerArray
    """By slab: how many options it holds."""
    room: FloatArray
    """By slab: nothing longer than this fits between two neighbours (or beside the last)."""
    earliest: FloatArray
    latest: FloatArray
    option_at: IntegerArray
    """By reservation: its placed option or NOTHING."""
    release: FloatArray
    """By reservation: the earliest start allowed where it is placed (its option's, narrowed if pinned)."""
    due: FloatArray
    """By reservation: the latest start allowed where it is placed."""
    choice_taken: IntegerArray
    """By one-of group: how many of its members are placed."""
    used: FloatArray
    """By allocation: seconds charged."""


def empty_timeline(compilation: Compilation) -> Timeline:
    """Nothing placed."""
    model = compilation.model
    slabs = len(model.slab_gap)
    shape = (slabs, compilation.slab_capacity)
    choices = int(model.unit_choice.max(initial=NOTHING)) + 1
    return Timeline(
        sequence=np.full(shape, NOTHING, dtype=np.int32),
        held=np.zeros(slabs, dtype=np.int32),
        room=np.where(model.slab_close > model.slab_open, model.slab_close - model.slab_open, 0.0),
        earliest=np.zeros(shape),
        latest=np.zeros(shape),
        option_at=np.full(len(model.duration), NOTHING, dtype=np.int32),
        release=np.zeros(len(model.duration)),
        due=np.zeros(len(model.duration)),
        choice_taken=np.zeros(choices, dtype=np.int32),
        used=np.zeros(len(model.allocation_limit)),
    )


@compiled
def gap_between(model: Model, slab: int, before: int, after: int) -> float:
    """Seconds to keep between two setups on a slab."""
    return float(model.slab_gap[slab] + model.changes[model.slab_changes[slab], before, after])


@compiled
def soonest(model: Model, timeline: Timeline, slab: int, position: int, setup: int) -> float:
    """When something of a setup could start at a position, for what is before it."""
    if position == 0:
        if model.slab_entry_setup[slab] == NOTHING:
            return -np.inf
        return float(model.slab_entry[slab] + gap_between(model, slab, model.slab_entry_setup[slab], setup))
    before = model.option_reservation[timeline.sequence[slab, position - 1]]
    end = timeline.earliest[slab, position - 1] + model.duration[before]
    return float(end + gap_between(model, slab, model.setup[before], setup))


@compiled
def last_end(model: Model, timeline: Timeline, slab: int, position: int, setup: int) -> float:
    """When something of a setup must have ended, for what is at ``position`` and after."""
    if position == timeline.held[slab]:
        if model.slab_exit_setup[slab] == NOTHING:
            return np.inf
        return float(model.slab_exit[slab] - gap_between(model, slab, setup, model.slab_exit_setup[slab]))
    after = model.option_reservation[timeline.sequence[slab, position]]
    return float(timeline.latest[slab, position] - gap_between(model, slab, setup, model.setup[after]))


@compiled
def longest_room(model: Model, timeline: Timeline, slab: int) -> float:
    """The longest time between two neighbours that stand as far apart as they can; changes of setup left aside."""
    gap = model.slab_gap[slab]
    free_from, longest = model.slab_open[slab], 0.0
    for index in range(timeline.held[slab]):
        longest = max(longest, timeline.latest[slab, index] - gap - free_from)
        reservation = model.option_reservation[timeline.sequence[slab, index]]
        free_from = timeline.earliest[slab, index] + model.duration[reservation] + gap
    return float(max(longest, model.slab_close[slab] - free_from))


@compiled
def refresh(model: Model, timeline: Timeline, slab: int, position: int) -> None:
    """Recompute earliest starts from a position on, and latest starts from there back."""
    count = timeline.held[slab]
    for index in range(position, count):
        reservation = model.option_reservation[timeline.sequence[slab, index]]
        timeline.earliest[slab, index] = max(
            timeline.release[reservation], soonest(model, timeline, slab, index, model.setup[reservation])
        )
    for index in range(min(position, count - 1), -1, -1):
        reservation = model.option_reservation[timeline.sequence[slab, index]]
        end = last_end(model, timeline, slab, index + 1, model.setup[reservation])
        timeline.latest[slab, index] = min(timeline.due[reservation], end - model.duration[reservation])
    timeline.room[slab] = longest_room(model, timeline, slab) + TOLERANCE_S


@compiled
def start_by_rule(start: float, first: float, last: float, low: float, high: float, mirrored: int) -> float:
    """The earliest start not before ``start`` at the right distance of a partner that starts in ``[first, last]``.

    Infinity if there is none.
    """
    if mirrored == 1:
        if start < last - high - TOLERANCE_S:
            start = last - high
        if start <= first - low + TOLERANCE_S:
            return start
    if start < last + low - TOLERANCE_S:
        start = last + low
    return start if start <= first + high + TOLERANCE_S else np.inf


@compiled
def spaced_start(model: Model, timeline: Timeline, reservation: int, start: float) -> float:
    """The earliest start not before ``start`` that keeps the distances to all placed partners; infinity if none."""
    settled = False
    while not settled:
        settled = True
        for rule in range(model.first_partner[reservation], model.first_partner[reservation + 1]):
            other = model.partner[rule]
            if timeline.option_at[other] == NOTHING:
                continue
            moved = start_by_rule(
                start,
                timeline.release[other],
                timeline.due[other],
                model.partner_low[rule],
                model.partner_high[rule],
                model.partner_mirrored[rule],
            )
            if moved == np.inf:
                return np.inf
            settled = settled and moved == start
            start = moved
    return start


@compiled
def spaced_span(
    model: Model, timeline: Timeline, reservation: int, start: float, release: float, due: float
) -> tuple[float, float]:
    """The part of ``[release, due]`` around a start that keeps the distances to all placed partners."""
    for rule in range(model.first_partner[reservation], model.first_partner[reservation + 1]):
        other = model.partner[rule]
        if timeline.option_at[other] == NOTHING:
            continue
        low, high = model.partner_low[rule], model.partner_high[rule]
        first, last = timeline.release[other], timeline.due[other]
        if model.partner_mirrored[rule] == 1 and start <= first - low + TOLERANCE_S:
            low, high = -high, -low
        release = max(release, last + low)
        due = min(due, first + high)
    return min(release, start), max(due, start)


@compiled
def insert(model: Model, timeline: Timeline, option: int, position: int, release: float, due: float) -> None:
    """Put an option at a position of its slab, to start within ``[release, due]``; it must fit."""
    slab = model.option_slab[option]
    for index in range(timeline.held[slab], position, -1):
        timeline.sequence[slab, index] = timeline.sequence[slab, index - 1]
        timeline.earliest[slab, index] = timeline.earliest[slab, index - 1]
        timeline.latest[slab, index] = timeline.latest[slab, index - 1]
    timeline.sequence[slab, position] = option
    timeline.held[slab] += 1
    enter(model, timeline, option, release, due)
    refresh(model, timeline, slab, position)


@compiled
def enter(model: Model, timeline: Timeline, option: int, release: float, due: float) -> None:
    """Book an option as placed (its reservation, one-of group and allocations), without touching the sequence."""
    reservation = model.option_reservation[option]
    timeline.option_at[reservation] = option
    timeline.release[reservation] = release
    timeline.due[reservation] = due
    choice = model.unit_choice[model.unit_of[reservation]]
    if choice != NOTHING:
        timeline.choice_taken[choice] += 1
    for index in range(model.first_charge[reservation], model.first_charge[reservation + 1]):
        timeline.used[model.charge_allocation[index]] += model.charge_seconds[index]


@compiled
def leave(model: Model, timeline: Timeline, option: int) -> None:
    """Book an option as not placed, without touching the sequence."""
    reservation = model.option_reservation[option]
    timeline.option_at[reservation] = NOTHING
    choice = model.unit_choice[model.unit_of[reservation]]
    if choice != NOTHING:
        timeline.choice_taken[choice] -= 1
    for index in range(model.first_charge[reservation], model.first_charge[reservation + 1]):
        timeline.used[model.charge_allocation[index]] -= model.charge_seconds[index]


@compiled
def take_out(model: Model, timeline: Timeline, reservation: int) -> None:
    """Take a placed reservation off its slab."""
    option = timeline.option_at[reservation]
    slab = model.option_slab[option]
    position = 0
    while timeline.sequence[slab, position] != option:
        position += 1
    leave(model, timeline, option)
    timeline.held[slab] -= 1
    for index in range(position, timeline.held[slab]):
        timeline.sequence[slab, index] = timeline.sequence[slab, index + 1]
        timeline.latest[slab, index] = timeline.latest[slab, index + 1]
    refresh(model, timeline, slab, position)


@compiled
def restore(
    model: Model,
    timeline: Timeline,
    sequence: IntegerArray,
    held: IntegerArray,
    release: FloatArray,
    due: FloatArray,
) -> None:
    """Put a timeline into a recorded state."""
    for reservation in range(len(timeline.option_at)):
        timeline.option_at[reservation] = NOTHING
    for choice in range(len(timeline.choice_taken)):
        timeline.choice_taken[choice] = 0
    for allocation in range(len(timeline.used)):
        timeline.used[allocation] = 0.0
    for slab in range(len(held)):
        timeline.held[slab] = held[slab]
        for index in range(held[slab]):
            option = sequence[slab, index]
            timeline.sequence[slab, index] = option
            reservation = model.option_reservation[option]
            enter(model, timeline, option, release[reservation], due[reservation])
        refresh(model, timeline, slab, 0)
        refresh(model, timeline, slab, max(0, held[slab] - 1))


@compiled
def allowed(model: Model, timeline: Timeline, unit: int) -> bool:
    """Whether a unit's one-of group is free and its allocations have enough left."""
    choice = model.unit_choice[unit]
    if choice != NOTHING and timeline.choice_taken[choice] > 0:
        return False
    if len(timeline.used) == 0:
        return True
    fits = True
    for index in range(model.first_member[unit], model.first_member[unit + 1]):
        member = model.member[index]
        for charge in range(model.first_charge[member], model.first_charge[member + 1]):
            allocation = model.charge_allocation[charge]
            timeline.used[allocation] += model.charge_seconds[charge]
            fits = fits and timeline.used[allocation] <= model.allocation_limit[allocation] + TOLERANCE_S
    for index in range(model.first_member[unit], model.first_member[unit + 1]):
        member = model.member[index]
        for charge in range(model.first_charge[member], model.first_charge[member + 1]):
            timeline.used[model.charge_allocation[charge]] -= model.charge_seconds[charge]
    return fits
