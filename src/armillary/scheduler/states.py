"""What the scheduler is able to do, and how it is told to go about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from armillary.scheduler.explanations import Reason


class State(StrEnum):
    """What the loop is able to do."""

    STARTING = "starting"
    PUBLISHED = "published"
    """The last plan is in force."""
    STALE = "stale"
    """The world changed while it was planned; the next run follows at once."""
    INTERRUPTED = "interrupted"
    """Rapid-response work came while the solver worked; it goes first, and the run is made anew."""
    STANDBY = "standby"
    """Another scheduler holds the lease; this one waits until it is free."""
    DOUBTFUL = "doubtful"
    """A source answered, but implausibly; it is believed when it says the same again."""
    SOURCE_UNAVAILABLE = "source unavailable"
    """Something could not be read, so nothing was planned or published; it is tried again."""
    REFUSED = "refused"
    """A service refused a part of the plan."""
    DEFECT = "defect"
    """The plan failed the kernel's own check; nothing was published. Please report it, with the run's document."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How the loop goes about it."""

    horizon_days: float = 7.0
    interval_s: float = 300.0
    """Longest observatory time between two runs when nothing changes."""
    time_limit_s: float = 10.0
    """Real seconds for the solver."""
    iteration_limit: int | None = None
    target_gap: float = 1e-4
    """The solver stops when the plan is provably this close to the best one."""
    seed: int = 0
    time_overuse_allowance: float = 1.1
    runs_kept: int = 200
    poll_real_s: float = 5.0
    """Real seconds between two looks at services that have no change feed, and at the monitors."""
    lease_real_s: float = 30.0
    """Real seconds for which the lease is taken; it is renewed in time while the scheduler lives."""

    @property
    def horizon(self) -> timedelta:
        """How far ahead is planned."""
        return timedelta(days=self.horizon_days)


@dataclass(frozen=True, slots=True)
class LoopStatus:
    """How the last run went."""

    state: State
    sentence: str
    at: datetime | None = None
    document: Path | None = None
    reasons: tuple[Reason, ...] = ()
    again: bool = False
    """Whether another run should follow at once: something was displaced that has no new place yet."""
