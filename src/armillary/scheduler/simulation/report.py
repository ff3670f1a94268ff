"""What a simulation says: completion per request, proposal and priority, in numbers and pictures."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, pstdev
from typing import Any, Final

from armillary.core.requests.instants import format_time
from armillary.core.requests.model import Request, RequestGroup
from armillary.scheduler.simulation.night import Luck, Play
from armillary.scheduler.simulation.world import World

_SECONDS_PER_HOUR: Final = 3600.0
_NUMBERS: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)")


@dataclass(frozen=True, slots=True)
class Chance:
    """What became of one request in all plays."""

    request: int
    request_group: int
    name: str
    proposal: str
    tac_priority: float
    observation_type: str
    duration_h: float
    completed: float
    """Share of the plays in which it was completed."""
    failures: float
    """Mean number of lost attempts."""
    median_completion: str | None
    """The middle of the times at which it was completed, UTC."""


@dataclass(frozen=True, slots=True)
class Share:
    """Hours asked for and observed, of a proposal or of all proposals of one priority."""

    name: str
    requests: int
    asked_h: float
    observed_h: float
    """Mean over the plays."""
    spread_h: float
    """Standard deviation over the plays."""

    @property
    def completion(self) -> float:
        """Share of the hours asked for."""
        return self.observed_h / self.asked_h if self.asked_h else 0.0

    def sentence(self) -> str:
        """In a line."""
        hours = f"{self.observed_h:.1f} ± {self.spread_h:.1f} of {self.asked_h:.1f} h"
        return f"{self.name}: {hours} ({100 * self.completion:.0f} %)"


@dataclass(frozen=True, slots=True)
class TelescopeUse:
    """Mean hours of one telescope."""

    telescope: str
    dark_h: float
    closed_h: float
    observed_h: float
    lost_h: float
    """Spent on observations that failed."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a simulation."""

    start: str
    plays: int
    requests: tuple[Chance, ...]
    proposals: tuple[Share, ...]
    priorities: tuple[Share, ...]
    telescopes: tuple[TelescopeUse, ...]
    lost: dict[str, float]
    """Mean number of lost observations, by reason."""

    def summary(self) -> str:
        """A few lines for the terminal."""
        asked = sum(each.asked_h for each in self.proposals)
        observed = sum(each.observed_h for each in self.proposals)
        share = 100 * observed / asked if asked else 0.0
        head = f"{len(self.requests)} requests, {asked:.1f} h; observed on average {observed:.1f} h ({share:.0f} %)"
        lines = [f"{head} in {self.plays} plays", *(f"  {each.sentence()}" for each in self.proposals)]
        if self.lost:
            lines.append("lost: " + ", ".join(f"{count:.1f} to {reason}" for reason, count in self.lost.items()))
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Everything, for other programs."""
        return asdict(self)


def report_of(world: World, plays: Sequence[Play]) -> Report:
    """Put the plays of one world together."""
    chances = tuple(_chances(world, plays))
    by_request = {each.request: each for each in chances}
    lost = sum((play.failures() for play in plays), Counter[str]())
    return Report(
        start=format_time(world.snapshot.at),
        plays=len(plays),
        requests=chances,
        proposals=tuple(_shares(plays, by_request, {each.request: each.proposal for each in chances})),
        priorities=tuple(
            _shares(plays, by_request, {each.request: f"priority {each.tac_priority:g}" for each in chances})
        ),
        telescopes=tuple(_telescopes(plays)),
        lost={reason: count / len(plays) for reason, count in sorted(lost.items())},
    )


def write_report(world: World, plays: Sequence[Play], luck: Luck, directory: Path) -> Report:
    """Write ``report.json`` and ``report.html`` (self-contained; needs no network)."""
    from armillary.scheduler.simulation.pictures import page

    report = report_of(world, plays)
    directory.mkdir(parents=True, exist_ok=True)
    document = report.as_json() | {"weather": asdict(luck.weather), "failure_share": luck.failure_share}
    (directory / "report.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    (directory / "report.html").write_text(page(report), encoding="utf-8")
    return report


def _requests(world: World) -> list[tuple[RequestGroup, Request]]:
    return [
        (group, request)
        for group in world.snapshot.groups
        for request in group.requests
        if request.state == "PENDING" and group.proposal in world.snapshot.proposals
    ]


def _chances(world: World, plays: Sequence[Play]) -> list[Chance]:
    ends = defaultdict(list)
    failures: Counter[int] = Counter()
    for play in plays:
        for number, deed in play.completed.items():
            ends[number].append(deed.end)
        failures.update(deed.request for deed in play.deeds if deed.outcome != "completed")
    found = []
    for group, request in _requests(world):
        identity = request.id or 0
        own = sorted(ends[identity])
        found.append(
            Chance(
                request=identity,
                request_group=group.id or 0,
                name=group.name,
                proposal=group.proposal,
                tac_priority=world.snapshot.proposals[group.proposal].tac_priority,
                observation_type=group.observation_type,
                duration_h=(request.duration or 0) / _SECONDS_PER_HOUR,
                completed=len(own) / len(plays),
                failures=failures[identity] / len(plays),
                median_completion=format_time(own[len(own) // 2]) if own else None,
            )
        )
    return found


def _shares(plays: Sequence[Play], requests: dict[int, Chance], name_of: dict[int, str]) -> list[Share]:
    asked: dict[str, float] = defaultdict(float)
    count: Counter[str] = Counter(name_of.values())
    for request, name in name_of.items():
        asked[name] += requests[request].duration_h
    observed: dict[str, list[float]] = {name: [0.0] * len(plays) for name in asked}
    for number, play in enumerate(plays):
        for request in play.completed:
            observed[name_of[request]][number] += requests[request].duration_h
    return [
        Share(name, count[name], asked[name], mean(observed[name]), pstdev(observed[name]))
        for name in sorted(asked, key=_natural)
    ]


def _natural(name: str) -> list[tuple[float, str]]:
    """For sorting: numbers within a name by their size, so that priority 5 comes before priority 10."""
    return [(float(part), "") if part[0].isdigit() else (-1.0, part) for part in _NUMBERS.split(name) if part]


def _telescopes(plays: Sequence[Play]) -> list[TelescopeUse]:
    names = sorted({name for play in plays for name in play.dark_h})
    used: dict[tuple[str, bool], float] = defaultdict(float)
    for play in plays:
        for deed in play.deeds:
            hours = (deed.end - deed.start).total_seconds() / _SECONDS_PER_HOUR
            used[deed.telescope, deed.outcome == "completed"] += hours / len(plays)
    return [
        TelescopeUse(
            name,
            mean(play.dark_h[name] for play in plays),
            mean(play.closed_h[name] for play in plays),
            used[name, True],
            used[name, False],
        )
        for name in names
    ]
