"""Playing nights: plan, observe until the next plan, lose what weather and faults take, and go on. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from armillary.core.requests.facts import Allocation, Downtime
from armillary.core.requests.visibility import instrument_types_of
from armillary.scheduler.assembly import horizon_of
from armillary.scheduler.candidates import Candidate
from armillary.scheduler.monitors.model import Closure, Conditions, Seeing
from armillary.scheduler.run import KnownPrices, Run, SolverLimits, plan_run
from armillary.scheduler.simulation.weather import Course, Weather
from armillary.scheduler.simulation.world import World
from armillary.scheduler.snapshot import ProposalStanding, Snapshot
from armillary.scheduler.visibility import SkyWindows, darkness

_BETWEEN_PLANS: Final = timedelta(hours=2)
_LOOK_AHEAD: Final = timedelta(days=3)
_USED: Final = {"NORMAL": "std_time_used_h", "TIME_CRITICAL": "tc_time_used_h", "RAPID_RESPONSE": "rr_time_used_h"}
_SECONDS_PER_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Luck:
    """What chance does."""

    weather: Weather
    failure_share: float = 0.02
    """Share of observations that fail for technical reasons."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.failure_share <= 1.0:
            raise ValueError(f"the share of failures is {self.failure_share}; it must lie between 0 and 1")


@dataclass(frozen=True, slots=True)
class Deed:
    """One simulated observation."""

    request: int
    telescope: str
    start: datetime
    end: datetime
    outcome: str
    """``completed``, ``weather``, ``seeing`` or ``fault``."""


@dataclass(frozen=True, slots=True)
class Play:
    """One course of events."""

    seed: int
    deeds: tuple[Deed, ...]
    dark_h: Mapping[str, float] = field(default_factory=dict)
    """Hours of darkness outside of downtimes, by telescope."""
    closed_h: Mapping[str, float] = field(default_factory=dict)
    """Hours of these in which the site was closed."""

    @property
    def completed(self) -> dict[int, Deed]:
        """By request, the observation that completed it."""
        return {deed.request: deed for deed in self.deeds if deed.outcome == "completed"}

    def failures(self) -> Counter[str]:
        """How many observations were lost, by reason."""
        return Counter(deed.outcome for deed in self.deeds if deed.outcome != "completed")


def play(
    world: World, nights: int, luck: Luck, seed: int, *, time_limit_s: float, between: timedelta = _BETWEEN_PLANS
) -> Play:
    """Play so many days from the world's time on.

    The scheduler sees what it would see: that a site is closed now, not for how long.

    Args:
        world: Where it starts.
        nights: How many days.
        luck: Weather and failures.
        seed: The same seed brings the same weather and faults.
        time_limit_s: For each plan, in real seconds; the iterations are limited, too, so that plans are repeatable.
        between: From one plan to the next.
    """
    player = _Player(world, luck, seed, time_limit_s, world.snapshot.at + timedelta(days=nights))
    at = world.snapshot.at
    while at < player.end:
        until = min(at + between, player.end)
        player.act(at, until)
        at = until
    return Play(seed, tuple(player.deeds), *player.hours())


class _Player:
    def __init__(self, world: World, luck: Luck, seed: int, time_limit_s: float, end: datetime) -> None:
        self._start = world.snapshot
        self._luck = luck
        self._seed = seed
        self._limits = SolverLimits(time_limit_s, iteration_limit=5_000, target_gap=1e-3, seed=seed)
        self._chance = np.random.default_rng([seed, 1])
        self._sky = SkyWindows()
        self._prices: KnownPrices | None = None
        self._used_h: dict[tuple[str, str, str], float] = defaultdict(float)
        self._busy: dict[str, datetime] = {}
        self._done: set[int] = set()
        self.end = end
        self.deeds: list[Deed] = []
        begin, sites = world.snapshot.at, {each.site for each in world.snapshot.observatory.telescopes()}
        self._courses = {site: luck.weather.course(site, begin, end + _LOOK_AHEAD, seed) for site in sorted(sites)}

    def act(self, at: datetime, until: datetime) -> None:
        """Plan, and observe what begins before the next plan."""
        snapshot = self._snapshot(at)
        horizon = horizon_of(at, lead=timedelta(0), length=_LOOK_AHEAD)
        run = plan_run(snapshot, horizon, self._sky, self._limits, prices=self._prices)
        self._prices = run.prices
        for candidate, telescope, start in _in_order(run):
            if start < until:
                self._observe(candidate, telescope, start)

    def hours(self) -> tuple[dict[str, float], dict[str, float]]:
        """Hours of darkness, and those of them in which the site was closed, by telescope."""
        dark_h, closed_h = {}, {}
        for telescope in self._start.observatory.telescopes():
            if not telescope.in_service:
                continue
            dark = darkness(telescope, self._start.at, self.end)
            closed = self._courses[telescope.site].closed
            dark_h[telescope.key] = float((dark[:, 1] - dark[:, 0]).sum()) / _SECONDS_PER_HOUR
            overlap = np.minimum(dark[:, None, 1], closed[None, :, 1]) - np.maximum(
                dark[:, None, 0], closed[None, :, 0]
            )
            closed_h[telescope.key] = float(np.maximum(overlap, 0.0).sum()) / _SECONDS_PER_HOUR
        return dark_h, closed_h

    def _snapshot(self, at: datetime) -> Snapshot:
        left = ((group, [each for each in group.requests if each.id not in self._done]) for group in self._start.groups)
        groups = tuple(group.model_copy(update={"requests": requests}) for group, requests in left if requests)
        conditions = self._conditions(at)
        telescopes = [each.key for each in self._start.observatory.telescopes()]
        busy = (Downtime(at, end, *key.split(".")) for key, end in self._busy.items() if end > at)
        return replace(
            self._start,
            at=at,
            groups=groups,
            live=(),
            proposals={name: self._standing(name, each) for name, each in self._start.proposals.items()},
            downtimes=(*self._start.downtimes, *conditions.downtimes(telescopes, at), *busy),
            conditions=conditions,
        )

    def _conditions(self, at: datetime) -> Conditions:
        closed = (site for site, course in self._courses.items() if course.closed_until(at) is not None)
        seeing = (Seeing(site, course.seeing_arcsec(at), at) for site, course in self._courses.items())
        return Conditions(tuple(Closure(site, "weather") for site in closed), tuple(seeing))

    def _standing(self, name: str, standing: ProposalStanding) -> ProposalStanding:
        """A proposal, less what the simulation has used."""
        return replace(standing, allocations=tuple(self._left(name, each) for each in standing.allocations))

    def _left(self, name: str, allocation: Allocation) -> Allocation:
        changes = {
            field_name: getattr(allocation, field_name) + self._used_h[name, _allocation_key(allocation), kind]
            for kind, field_name in _USED.items()
        }
        return replace(allocation, **changes)

    def _observe(self, candidate: Candidate, telescope: str, start: datetime) -> None:
        end = start + timedelta(seconds=candidate.duration_s)
        outcome = self._outcome(candidate, self._courses[telescope.split(".", 1)[0]], start, end)
        self.deeds.append(Deed(candidate.request_id, telescope, start, end, outcome))
        self._busy[telescope] = end
        if outcome == "completed":
            self._done.add(candidate.request_id)
            self._charge(candidate)

    def _outcome(self, candidate: Candidate, course: Course, start: datetime, end: datetime) -> str:
        drawn = float(self._chance.random())  # drawn always, so that one outcome does not change the others' luck
        if not course.is_open(start.timestamp(), end.timestamp()):
            return "weather"
        limits = [each.constraints.max_seeing for each in candidate.request.configurations]
        seeing = course.seeing_arcsec(start)
        if any(limit is not None and seeing >= limit for limit in limits):
            return "seeing"
        return "fault" if drawn < self._luck.failure_share else "completed"

    def _charge(self, candidate: Candidate) -> None:
        types = instrument_types_of(candidate.request)
        standing = self._start.proposals[candidate.proposal]
        for allocation in standing.allocations:
            if types & set(allocation.instrument_types):
                key = (candidate.proposal, _allocation_key(allocation), candidate.observation_type)
                self._used_h[key] += candidate.duration_s / _SECONDS_PER_HOUR


def _allocation_key(allocation: Allocation) -> str:
    return f"{allocation.semester} {'+'.join(allocation.instrument_types)}"


def _in_order(run: Run) -> list[tuple[Candidate, str, datetime]]:
    """What a run has planned, in the order of time."""
    candidates = {candidate.request_id: candidate for candidate in run.selection.candidates}
    found = [
        (candidates[each.request], telescope, each.start)
        for telescope, observations in run.by_telescope().items()
        for each in observations
    ]
    return sorted(found, key=lambda each: (each[2], each[1]))
