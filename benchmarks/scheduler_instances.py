"""Instances for the scheduler's benchmark, made from a seed: the hard class, and a network of any size.

A night is 10 h; a telescope's site has one of six longitudes. A request is up for a few hours around a time of its own,
every night of its window. Values are what the scheduler would give: a priority of 10 to 30 per minute, or a large one
without regard to length for what is time-critical.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armillary.scheduler.kernel import (
    Allocation,
    Group,
    GroupKind,
    Problem,
    Reservation,
    Resource,
    Spacing,
    Windows,
)

DAY_S, NIGHT_S = 86400.0, 36000.0
SITES = 6
SETUPS = ("imager", "spectrograph", "polarimeter")


@dataclass(frozen=True)
class Shape:
    """What an instance is made of; shares are between 0 and 1."""

    telescopes: int
    requests: int
    days: int
    narrow: float = 0.12
    """Share of requests whose window is at most twice their duration."""
    critical: float = 0.0
    """Share of time-critical requests."""
    gap_s: float = 0.0
    change_s: float = 0.0
    twins: int = 1
    """Telescopes that stand side by side and see the same."""
    grouped: float = 0.0
    """Share of requests in one-of and all-of groups of two to four."""
    cadences: float = 0.0
    """Share of requests that keep a distance in time from the one before."""
    capped: bool = False
    """Whether each of ten proposals may use only half of what it asks."""


HARD = {
    "h01_narrow": Shape(1, 300, 3, narrow=1.0),
    "h02_narrow_network": Shape(6, 1500, 3, narrow=1.0),
    "h03_critical": Shape(3, 800, 4, critical=0.3),
    "h04_critical_narrow": Shape(3, 800, 4, narrow=0.7, critical=0.5),
    "h05_gaps": Shape(3, 800, 4, gap_s=90.0),
    "h06_changes": Shape(3, 600, 4, gap_s=30.0, change_s=600.0),
    "h07_twins": Shape(6, 1000, 3, twins=3),
    "h08_twins_gaps": Shape(8, 1200, 3, twins=4, gap_s=60.0),
    "h09_groups": Shape(3, 800, 4, grouped=0.5),
    "h10_cadences": Shape(3, 800, 5, cadences=0.4),
    "h11_caps": Shape(3, 800, 4, capped=True),
    "h12_everything": Shape(
        6,
        1200,
        4,
        narrow=0.4,
        critical=0.2,
        gap_s=60.0,
        change_s=300.0,
        twins=2,
        grouped=0.2,
        cadences=0.2,
        capped=True,
    ),
}


def make(shape: Shape, seed: int) -> Problem:
    """The instance of a shape and a seed."""
    random = np.random.default_rng(seed)
    changes = {(a, b): shape.change_s for a in SETUPS for b in SETUPS if a != b and shape.change_s}
    site = (np.arange(shape.telescopes) // shape.twins) % SITES
    dusk = site * DAY_S / SITES
    nights = [[(day * DAY_S + at, day * DAY_S + at + NIGHT_S) for day in range(shape.days)] for at in dusk]
    resources = [Resource(f"t{number}", spans, shape.gap_s, changes) for number, spans in enumerate(nights)]
    duration = np.round(np.exp(random.uniform(np.log(300), np.log(3600), shape.requests)))
    is_critical = random.random(shape.requests) < shape.critical
    priority = random.integers(10, 31, shape.requests) * random.choice([0.9, 1.0, 1.1], shape.requests)
    value = np.where(is_critical, priority * 6000.0, priority * duration / 60.0)
    proposal = random.integers(0, 10, shape.requests)
    charge = {f"p{number}": float(duration[proposal == number].sum()) / 2 for number in range(10)}
    rows = [
        Reservation(
            id=index,
            duration_s=float(duration[index]),
            value=float(value[index]),
            setup=str(random.choice(SETUPS)) if shape.change_s else "",
            charges={f"p{proposal[index]}": float(duration[index])} if shape.capped else {},
            party=f"p{proposal[index]}",
        )
        for index in range(shape.requests)
    ]
    return Problem(
        resources=resources,
        reservations=rows,
        windows=_windows(shape, random, dusk, duration),
        groups=_groups(shape, random),
        allocations=[Allocation(name, limit) for name, limit in charge.items()] if shape.capped else [],
        spacings=_spacings(shape, random),
    )


def _windows(shape: Shape, random: np.random.Generator, dusk: np.ndarray, duration: np.ndarray) -> Windows:
    """When each request is up on each telescope, within the request's own window."""
    count, horizon = shape.requests, shape.days * DAY_S
    middle = random.uniform(0.1, 0.9, count) * NIGHT_S
    half = random.uniform(1.5, 5.0, count) * 3600.0
    is_narrow = random.random(count) < shape.narrow
    length = np.where(
        is_narrow, duration * random.uniform(1.0, 2.0, count), random.uniform(1.0, shape.days, count) * DAY_S
    )
    # A narrow window is put where the request is up on some telescope, or it could hardly ever be scheduled.
    place, day = random.integers(0, shape.telescopes, count), random.integers(0, shape.days, count)
    up = day * DAY_S + dusk[place] + np.clip(middle + random.uniform(-0.5, 0.5, count) * half, 0.0, NIGHT_S - duration)
    begin = np.where(is_narrow, up, random.uniform(0.0, np.maximum(horizon - length, 1.0), count))
    days = np.arange(shape.days) * DAY_S
    low = days[None, None, :] + dusk[None, :, None] + np.maximum(middle - half, 0.0)[:, None, None]
    high = days[None, None, :] + dusk[None, :, None] + np.minimum(middle + half, NIGHT_S)[:, None, None]
    low, high = np.maximum(low, begin[:, None, None]), np.minimum(high, (begin + length)[:, None, None])
    owner, telescope, night = np.nonzero(high - low >= duration[:, None, None])
    low, high = np.ceil(low[owner, telescope, night]), np.floor(high[owner, telescope, night])
    return Windows(owner.astype(np.int32), telescope.astype(np.int32), low, high)


def _groups(shape: Shape, random: np.random.Generator) -> list[Group]:
    groups: list[Group] = []
    member, last = 0, int(shape.grouped * shape.requests)
    while member < last - 4:
        size = int(random.integers(2, 5))
        kind = GroupKind.ONEOF if random.random() < 0.5 else GroupKind.AND
        groups.append(Group(f"g{len(groups)}", kind, tuple(range(member, member + size))))
        member += size
    return groups


def _spacings(shape: Shape, random: np.random.Generator) -> list[Spacing]:
    """Runs of four requests from the end of the list, each at least half a day after the one before, at most two."""
    count = int(shape.cadences * shape.requests) // 4
    first = [shape.requests - 4 * (number + 1) for number in range(count)]
    del random
    return [Spacing(start + step, start + step + 1, DAY_S / 2, 2 * DAY_S) for start in first for step in range(3)]
