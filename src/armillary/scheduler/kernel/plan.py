"""What the kernel answers: a plan, how good it provably is, and why each reservation is in it or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from armillary.scheduler.kernel.problem import Entry, Identifier


class StopReason(StrEnum):
    """Why the search ended."""

    OPTIMAL = "optimal"
    """The plan is worth as much as the upper bound: nothing better exists."""
    TARGET_GAP = "target_gap"
    TIME = "time"
    ITERATIONS = "iterations"
    SIGNAL = "signal"


class Status(StrEnum):
    """What became of a reservation."""

    SCHEDULED = "scheduled"
    NO_WINDOW = "no_window"
    """It has no window on any resource that could observe."""
    TOO_SHORT = "too_short"
    """It has windows, none as long as its duration."""
    BLOCKED = "blocked"
    """Its windows would do, were it not for fixed observations."""
    ALLOCATION = "allocation"
    """An allocation it charges has too little left beside what is scheduled."""
    SIBLING = "sibling"
    """Another member of its one-of group is scheduled."""
    INCOMPLETE = "incomplete"
    """A member of its all-of group cannot be placed."""
    SPACING = "spacing"
    """Its distance rules leave no start beside the scheduled ones."""
    OUTBID = "outbid"
    """The time it could use is worth more to others."""
    CROWDED_OUT = "crowded_out"
    """It is worth the time, but no arrangement was found that holds it; what is lost so is within the gap."""


class Pace(NamedTuple):
    """What the clock decided while a plan was made: with it the same plan can be made again, on any machine."""

    has_bound: bool = True
    """Whether there was time for the linear programme at all."""
    rounds: int = 0
    """Rounds of the linear programme that were finished."""
    shares: tuple[float, ...] = ()
    """How much of the budget was used, 0 to 1, at the beginning of each batch of the search."""
    stop: str = StopReason.ITERATIONS.value
    """Why it ended."""
    has_uses: bool = False
    """Whether there was time to find out which set-ups are to be used where."""


class PriceInterval(NamedTuple):
    """What one second of ``[start_s, end_s)`` on a resource is worth to others (intervals may overlap: add them)."""

    resource: str
    start_s: float
    end_s: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a reservation is scheduled or not, in numbers."""

    reservation: Identifier
    status: Status
    value: float
    offered_per_s: float
    """Its value per second of what it occupies."""
    resources: int = 0
    """On how many resources it has a window it fits into."""
    resource: str | None = None
    """Where it is scheduled, else where it comes nearest to being so."""
    start_s: float | None = None
    """When it is scheduled."""
    price_per_s: float | None = None
    """What a second of the time it could use (at its cheapest) is worth to others."""
    needed_value: float | None = None
    """The value from which on it would be expected to be scheduled, everything else unchanged."""
    allocation: str | None = None
    """The allocation that has too little left."""
    blocking: tuple[Identifier, ...] = ()
    """The reservations that stand in its way, where they can be named."""

    def sentence(self) -> str:
        """The reason in English."""
        return _SENTENCES[self.status].format(
            places="1 resource" if self.resources == 1 else f"{self.resources} resources",
            resource=self.resource,
            start=0.0 if self.start_s is None else self.start_s,
            price=0.0 if self.price_per_s is None else 60.0 * self.price_per_s,
            offer=60.0 * self.offered_per_s,
            needed=0.0 if self.needed_value is None else self.needed_value,
            value=self.value,
            allocation=self.allocation,
            blocking=", ".join(map(str, self.blocking)) or "others",
        )


_SENTENCES: Mapping[Status, str] = {
    Status.SCHEDULED: "Scheduled on {resource} for a value of {value:.6g} ({offer:.4g} per minute; the time it uses is "
    "worth {price:.4g} per minute to others).",
    Status.NO_WINDOW: "No resource that could observe it has a window left for it.",
    Status.TOO_SHORT: "It has windows, but none as long as its duration.",
    Status.BLOCKED: "Running or fixed observations occupy the time it could use.",
    Status.ALLOCATION: "Allocation {allocation} has not enough time left beside what is scheduled.",
    Status.SIBLING: "Only one of its group is wanted, and {blocking} is scheduled.",
    Status.INCOMPLETE: "All of its group or none: {blocking} cannot be placed.",
    Status.SPACING: "Its required distance in time from {blocking} leaves no place for it.",
    Status.OUTBID: "{places} could observe it; the cheapest time it could use ({resource}) is worth {price:.4g} per "
    "minute to others, it offers {offer:.4g}. It would be scheduled from a value of about {needed:.6g} on, against "
    "{value:.6g}.",
    Status.CROWDED_OUT: "{places} could observe it and it offers enough ({offer:.4g} per minute against {price:.4g}), "
    "but no arrangement was found that holds it beside {blocking}.",
}


@dataclass(frozen=True, slots=True)
class Statistics:
    """Measures of a plan and of the work that made it."""

    scheduled: int = 0
    utilisation: Mapping[str, float] = field(default_factory=dict)
    """Per resource: observed seconds over the seconds of its windows outside fixed observations."""
    kept: int = 0
    """Published entries that are in the plan at the same resource and start (to a millisecond)."""
    moved: int = 0
    """Published entries in the plan elsewhere or at another time."""
    dropped: int = 0
    """Published entries of known reservations that are no longer in the plan."""
    added: int = 0
    """Reservations in the plan that were not published."""
    floor: float = 0.0
    """Value of the still valid part of the published plan."""
    mean_cost: float = 0.0
    """Value-weighted mean preference cost (airmass) over scheduled reservations that state one; 0 if none does."""
    mean_start_s: float = 0.0
    """Value-weighted mean start."""
    unfairness: float = 0.0
    """Mean over ranks of the standard deviation, between parties of a rank, of granted over requested seconds."""
    before_secondary: Mapping[str, float] = field(default_factory=dict)
    """Changes (moved and dropped), mean_cost, mean_start_s and unfairness before the second goals were pursued."""
    constructed_value: float = 0.0
    """Value of the first plan, before the search."""
    reservations: int = 0
    options: int = 0
    """Pairs of a reservation and a free window it fits into."""
    columns: int = 0
    """Of these, how many entered the linear programme."""
    cuts: int = 0
    """Energetic cuts in the linear programme."""
    cpu_s: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds of this process (all threads) per stage."""
    wall_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """A feasible schedule and a proof of how far from the best it can be."""

    entries: tuple[Entry, ...]
    """Sorted by resource (in the problem's order) and start."""
    value: float
    bound: float
    """No feasible plan is worth more."""
    iterations: int
    stop: StopReason
    prices: tuple[PriceInterval, ...]
    statistics: Statistics
    explanations: Mapping[Identifier, Explanation]
    pace: Pace = field(default_factory=Pace)
    """For making it again, exactly."""

    @property
    def gap(self) -> float:
        """The share of the bound that the plan may fall short by at most; 0 where there is nothing to gain."""
        return max(0.0, 1.0 - self.value / self.bound) if self.bound > 0.0 else 0.0
