"""Everything that one run of the scheduler knows; taken once, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from armillary.core.observations.model import ScheduledObservation
from armillary.core.observatory import Observatory
from armillary.core.requests.facts import Allocation, Downtime, Semester
from armillary.core.requests.model import RequestGroup
from armillary.scheduler.monitors.model import Conditions


@dataclass(frozen=True, slots=True)
class ProposalStanding:
    """What a proposal brings into the competition for time."""

    tac_priority: float
    allocations: tuple[Allocation, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the observatory at the beginning of a run."""

    at: datetime
    groups: tuple[RequestGroup, ...]
    """Groups with work left."""
    proposals: Mapping[str, ProposalStanding]
    """By proposal id."""
    observatory: Observatory
    downtimes: tuple[Downtime, ...]
    live: tuple[ScheduledObservation, ...]
    """Observations that are pending or running, on every telescope."""
    semesters: tuple[Semester, ...]
    time_overuse_allowance: float = 1.0
    """A proposal may be planned for this many times what it has left."""
    versions: Mapping[str, str] | None = None
    """By telescope key, the schedule's version (0 if it is not named); read before everything else, so that what
    changes while the run thinks makes its answer stale. None where the portal does not number its schedules."""
    conditions: Conditions = field(default_factory=Conditions)
    """What the monitors say."""

    def observations_on(self, telescope: str) -> Iterable[ScheduledObservation]:
        """The live observations of a telescope."""
        return (each for each in self.live if each.telescope_key == telescope)

    def version_of(self, telescope: str) -> str | None:
        """The version of a telescope's schedule; None where the portal does not number them."""
        return None if self.versions is None else self.versions.get(telescope, "0")
