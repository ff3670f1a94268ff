"""What is asked of the kernel: values, durations, windows, resources and rules. No astronomy, no clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Identifier: TypeAlias = int | str
FloatArray: TypeAlias = npt.NDArray[np.float64]
IntegerArray: TypeAlias = npt.NDArray[np.int32]


class ProblemInvalid(ValueError):
    """The problem contradicts itself; the text says what is wrong, where, and what would be accepted."""


class GroupKind(StrEnum):
    """How many members of a group may be scheduled."""

    SINGLE = "single"
    """The one member, at most once."""
    MANY = "many"
    """Any members, independently of each other."""
    ONEOF = "oneof"
    """At most one member."""
    AND = "and"
    """All members or none."""


class Entry(NamedTuple):
    """One scheduled observation: it occupies ``[start_s, start_s + duration)`` of its resource."""

    reservation: Identifier
    resource: str
    start_s: float


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that does one observation at a time (a telescope)."""

    id: str
    windows: Sequence[tuple[float, float]] | FloatArray
    """When it may observe: sorted, disjoint, half-open ``[start, end)`` in seconds."""
    gap_s: float = 0.0
    """Least time between the end of an observation and the start of the next one (slew, read-out)."""
    setup_change_s: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Further gap from one :attr:`Reservation.setup` to the next one's; an absent pair needs none."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One observation that may be scheduled, at most once."""

    id: Identifier
    duration_s: float
    value: float
    """What is gained if it is scheduled: the whole effective priority, not a rate."""
    setup: str = ""
    """What must be in place while it runs; see :attr:`Resource.setup_change_s`."""
    charges: Mapping[str, float] = field(default_factory=dict)
    """Seconds it would use of each :class:`Allocation`, by allocation id."""
    party: str = ""
    """Who asked (a proposal): fairness compares parties of one rank."""
    rank: float = 0.0
    """The party's standing (the allocation committee's priority)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Reservations whose fates are tied; a reservation is in at most one group and a single if in none."""

    id: Identifier
    kind: GroupKind
    members: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """An observation that is running or may not be moved: it takes its time from the resource."""

    resource: str
    start_s: float
    end_s: float
    setup: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """A cap: the charges of all scheduled reservations against it sum to at most ``limit_s``."""

    id: str
    limit_s: float


@dataclass(frozen=True, slots=True)
class Spacing:
    """Where both are scheduled, ``minimum_s <= start(second) - start(first) <= maximum_s`` (unordered: absolute)."""

    first: Identifier
    second: Identifier
    minimum_s: float
    maximum_s: float = math.inf
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class Preference:
    """The cost (airmass; lower is better) of starting a reservation on a resource at a time, linear between samples.

    Before the first and after the last sample the nearest one counts. A resource without a preference costs as much as
    the worst sample given for the reservation.
    """

    reservation: Identifier
    resource: str
    time_s: FloatArray
    cost: FloatArray


@dataclass(frozen=True, slots=True)
class Windows:
    """When which reservation may be observed on which resource: four columns of one length, in any order.

    ``reservation`` and ``resource`` are indices into the problem's sequences; times are seconds, half-open.
    """

    reservation: IntegerArray
    resource: IntegerArray
    start_s: FloatArray
    end_s: FloatArray

    @classmethod
    def from_mappings(
        cls,
        by_reservation: Sequence[Mapping[str, Sequence[tuple[float, float]] | FloatArray]],
        resources: Sequence[Resource],
    ) -> Windows:
        """Columns from one mapping {resource id: windows} per reservation, in the order of the reservations."""
        position = {resource.id: index for index, resource in enumerate(resources)}
        owners: list[int] = []
        places: list[int] = []
        bounds: list[tuple[float, float]] = []
        for owner, mapping in enumerate(by_reservation):
            for name, windows in mapping.items():
                place = position.get(name)
                if place is None:
                    raise ProblemInvalid(
                        f"reservation {owner} (counted from 0) has windows on resource {name!r}, "
                        f"which is none of the {len(position)} resources given"
                    )
                owners.extend([owner] * len(windows))
                places.extend([place] * len(windows))
                bounds.extend((float(start), float(end)) for start, end in windows)
        table = np.array(bounds, dtype=np.float64).reshape(-1, 2)
        return cls(
            reservation=np.array(owners, dtype=np.int32),
            resource=np.array(places, dtype=np.int32),
            start_s=table[:, 0].copy(),
            end_s=table[:, 1].copy(),
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """Everything the kernel needs to know for one schedule; checked when made (:class:`ProblemInvalid`)."""

    resources: Sequence[Resource]
    reservations: Sequence[Reservation]
    windows: Windows
    groups: Sequence[Group] = ()
    fixed: Sequence[Fixed] = ()
    allocations: Sequence[Allocation] = ()
    spacings: Sequence[Spacing] = ()
    preferences: Sequence[Preference] = ()
    published: Sequence[Entry] = ()
    """The plan in force. What of it is still valid is the least the answer may be worth; the rest is ignored."""

    def __post_init__(self) -> None:
        check_resources(self.resources)
        check_reservations(self.reservations, {allocation.id for allocation in self.allocations})
        check_windows(self.windows, len(self.reservations), len(self.resources))
        check_references(self)
        check_setup_changes(self)
        check_groups(self.groups, {reservation.id for reservation in self.reservations})


def check_resources(resources: Sequence[Resource]) -> None:
    """Refuse resources with doubled names, unsorted or overlapping windows, or negative gaps."""
    _refuse_doubles("resource", (resource.id for resource in resources))
    for resource in resources:
        table = np.asarray(resource.windows, dtype=np.float64).reshape(-1, 2)
        if not np.isfinite(table).all() or (table[:, 0] >= table[:, 1]).any() or (table[1:, 0] < table[:-1, 1]).any():
            raise ProblemInvalid(
                f"the windows of resource {resource.id!r} must be finite, non-empty, sorted and disjoint [start, end)"
            )
        if not (0.0 <= resource.gap_s < math.inf):
            raise ProblemInvalid(f"gap_s of resource {resource.id!r} is {resource.gap_s}; it must be 0 or more seconds")


def check_setup_changes(problem: Problem) -> None:
    """A change by way of a third setup may not be quicker than the direct one, among the setups in use.

    The kernel keeps the gap between *neighbours* only; with this rule that is enough, and an observation may be taken
    out of a plan without making what is left infeasible.
    """
    names = sorted({r.setup for r in problem.reservations} | {fixed.setup for fixed in problem.fixed})
    for resource in problem.resources:
        changes = resource.setup_change_s
        for (before, after), seconds in changes.items():
            if not (0.0 <= seconds < math.inf):
                raise ProblemInvalid(
                    f"the change {before!r} to {after!r} on resource {resource.id!r} takes {seconds}; "
                    "it must be 0 or more seconds"
                )
        if changes:
            _check_triangles(resource, names)


def _check_triangles(resource: Resource, names: Sequence[str]) -> None:
    table = np.array([[resource.setup_change_s.get((a, b), 0.0) for b in names] for a in names]) + resource.gap_s
    for middle in range(len(names)):
        longer = table > table[:, middle, None] + table[None, middle, :] + 1e-9
        if longer.any():
            a, b = np.argwhere(longer)[0]
            raise ProblemInvalid(
                f"on resource {resource.id!r} the change from {names[a]!r} to {names[b]!r} takes longer than by way of "
                f"{names[middle]!r}; give it as at most the sum of the two, or those two as longer"
            )


def check_reservations(reservations: Sequence[Reservation], allocations: set[str]) -> None:
    """Refuse doubled ids, durations or values that are not positive, and charges to unknown allocations."""
    _refuse_doubles("reservation", (reservation.id for reservation in reservations))
    for reservation in reservations:
        for name, number in (("duration_s", reservation.duration_s), ("value", reservation.value)):
            if not (0.0 < number < math.inf):
                raise ProblemInvalid(
                    f"{name} of reservation {reservation.id!r} is {number}; it must be above 0, finite"
                )
        for allocation, seconds in reservation.charges.items():
            if allocation not in allocations or not (0.0 <= seconds < math.inf):
                raise ProblemInvalid(
                    f"reservation {reservation.id!r} charges {seconds} s to allocation {allocation!r}; "
                    f"accepted are 0 or more seconds of one of {len(allocations)} allocations given"
                )


def check_windows(windows: Windows, reservations: int, resources: int) -> None:
    """Refuse columns of unequal length, indices out of range and windows that are not finite."""
    columns = (windows.reservation, windows.resource, windows.start_s, windows.end_s)
    if len({len(column) for column in columns}) != 1:
        raise ProblemInvalid(f"the columns of windows have the lengths {[len(column) for column in columns]}")
    for name, column, count in (
        ("reservation", windows.reservation, reservations),
        ("resource", windows.resource, resources),
    ):
        if len(column) and (column.min() < 0 or column.max() >= count):
            raise ProblemInvalid(f"windows.{name} holds indices outside 0..{count - 1}")
    if not (np.isfinite(windows.start_s).all() and np.isfinite(windows.end_s).all()):
        raise ProblemInvalid("windows.start_s and windows.end_s must be finite seconds")


def check_groups(groups: Sequence[Group], known: set[Identifier]) -> None:
    """Refuse groups without members, with unknown ones, singles of several, and reservations in two groups."""
    taken: dict[Identifier, Identifier] = {}
    _refuse_doubles("group", (group.id for group in groups))
    for group in groups:
        if not group.members or (group.kind is GroupKind.SINGLE and len(group.members) != 1):
            raise ProblemInvalid(f"group {group.id!r} ({group.kind}) has {len(group.members)} members")
        for member in group.members:
            if member not in known:
                raise ProblemInvalid(f"group {group.id!r} names reservation {member!r}, which is not given")
            if member in taken:
                raise ProblemInvalid(
                    f"reservation {member!r} is in the groups {taken[member]!r} and {group.id!r}; one is accepted"
                )
            taken[member] = group.id


def check_references(problem: Problem) -> None:
    """Refuse fixed observations, spacings, preferences and allocations that name what is not there."""
    resources = {resource.id for resource in problem.resources}
    reservations = {reservation.id for reservation in problem.reservations}
    _refuse_doubles("allocation", (allocation.id for allocation in problem.allocations))
    for fixed in problem.fixed:
        if fixed.resource not in resources or not (-math.inf < fixed.start_s < fixed.end_s < math.inf):
            raise ProblemInvalid(f"{fixed} must lie on a known resource and end after it starts")
    for spacing in problem.spacings:
        if spacing.first == spacing.second or not {spacing.first, spacing.second} <= reservations:
            raise ProblemInvalid(f"{spacing} must name two different known reservations")
        if not (-math.inf < spacing.minimum_s <= spacing.maximum_s):
            raise ProblemInvalid(f"{spacing} must have minimum_s <= maximum_s")
    for preference in problem.preferences:
        if preference.resource not in resources or preference.reservation not in reservations:
            raise ProblemInvalid(
                f"a preference names reservation {preference.reservation!r} on resource {preference.resource!r}; "
                "both must be given"
            )
        times = preference.time_s
        if len(times) == 0 or len(times) != len(preference.cost) or (np.diff(times) <= 0.0).any():
            raise ProblemInvalid(
                f"the preference of reservation {preference.reservation!r} on {preference.resource!r} needs as many "
                "costs as rising times, at least one"
            )


def _refuse_doubles(noun: str, identifiers: Iterable[Identifier]) -> None:
    seen: set[Identifier] = set()
    for identifier in identifiers:
        if identifier in seen:
            raise ProblemInvalid(f"{noun} {identifier!r} is given twice; ids must be unique")
        seen.add(identifier)
