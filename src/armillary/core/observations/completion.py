"""How much of a request an observation has delivered, and what that makes of the request."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from armillary.core.observations.states import ConfigurationState, ObservationState, observation_state
from armillary.core.requests.states import TERMINAL, State

WHOLE_PERCENT: Final = 100.0
_THRESHOLD_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class ConfigurationReport:
    """What is known of one configuration of an observation (one repeat of it)."""

    state: ConfigurationState
    requested_s: float
    """Seconds asked for: exposure time x count over all instrument configurations, or the repeat duration."""
    repeats: bool = False
    """Whether exposures are repeated until ``requested_s`` has passed: then wall time counts, not exposure time."""
    start: datetime | None = None
    end: datetime | None = None
    time_completed_s: float | None = None
    """Seconds exposed, as reported; None while there is no summary."""

    @property
    def has_summary(self) -> bool:
        """Whether the telescope has reported times."""
        return self.time_completed_s is not None

    @property
    def done_s(self) -> float:
        """Seconds delivered."""
        if self.repeats:
            return 0.0 if self.start is None or self.end is None else (self.end - self.start).total_seconds()
        return self.time_completed_s or 0.0


def completion_percent(reports: Sequence[ConfigurationReport]) -> float:
    """Share of the requested time that was delivered, in percent.

    When no exposure time was asked for (bias frames), it is all or nothing: 100 when every configuration is COMPLETED,
    otherwise 0. Nothing exposed is never complete.
    """
    total = math.fsum(report.requested_s for report in reports)
    if total <= 0:
        done = bool(reports) and all(report.state is ConfigurationState.COMPLETED for report in reports)
        return WHOLE_PERCENT if done else 0.0
    return WHOLE_PERCENT * math.fsum(report.done_s for report in reports) / total


@dataclass(frozen=True, slots=True)
class RequestSituation:
    """What the state of a request depends on, beside the observation that was reported on."""

    state: State
    acceptability_threshold: float
    """Percent from which on the request counts as complete."""
    is_scheduled: bool = True
    """False for DIRECT and REAL_TIME: nobody schedules them again, and windows do not apply."""
    is_realtime: bool = False
    last_window_end: datetime | None = None
    """End of the latest window of the whole group."""
    failed_observations: int = 0
    """Observations of this request that failed, including this one."""
    failure_limit: int = 0
    """Failures after which to give up; 0: never."""


def request_state(situation: RequestSituation, reports: Sequence[ConfigurationReport], now: datetime) -> State:
    """The state of a request after a report on one of its observations."""
    if situation.state is State.COMPLETED:
        return situation.state
    if situation.is_realtime:
        done = bool(reports) and reports[0].state is ConfigurationState.COMPLETED
        return State.COMPLETED if done else situation.state
    if _satisfies(situation, reports):
        return State.COMPLETED
    verdict = observation_state([report.state for report in reports])
    if verdict is ObservationState.FAILED and 0 < situation.failure_limit <= situation.failed_observations:
        return State.FAILURE_LIMIT_REACHED
    if situation.state in TERMINAL or not situation.is_scheduled:
        return situation.state
    end = situation.last_window_end
    return State.WINDOW_EXPIRED if end is not None and end < now else situation.state


def _satisfies(situation: RequestSituation, reports: Sequence[ConfigurationReport]) -> bool:
    percent = completion_percent(reports)
    exposed = any(report.done_s > 0 for report in reports) or percent > 0
    if exposed and percent >= situation.acceptability_threshold * (1 - _THRESHOLD_TOLERANCE):
        return True
    if observation_state([report.state for report in reports]) is not ObservationState.COMPLETED:
        return False
    # The telescope says that all is done. It is taken at its word, unless its own figures say that nothing was exposed.
    return exposed or not all(report.has_summary for report in reports)
