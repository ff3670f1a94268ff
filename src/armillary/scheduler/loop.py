"""The scheduler's loop: notice a change, run a cycle, and say how it went."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from armillary import clock
from armillary.clients.configdb import ConfigDBClient
from armillary.clients.downtime import DowntimeClient
from armillary.clients.errors import ClientError
from armillary.clients.events import Event
from armillary.clients.portal import LeaseHeld, PortalClient
from armillary.scheduler import metrics
from armillary.scheduler.cycle import Budget, Cycle
from armillary.scheduler.feeds import ChangeFeed, Listener, is_rapid, matters, subscribe
from armillary.scheduler.fetch import read_downtimes
from armillary.scheduler.kernel import InfeasiblePlan, ProblemInvalid
from armillary.scheduler.lease import LeaseKeeper, sole_user
from armillary.scheduler.monitors import Monitor, MonitorUnavailable, read_all
from armillary.scheduler.plausibility import SourceDoubtful, SourceImplausible
from armillary.scheduler.rapid import answer_rapid_response
from armillary.scheduler.run import SolverLimits
from armillary.scheduler.services import Services
from armillary.scheduler.snapshot import Snapshot
from armillary.scheduler.states import LoopSettings, LoopStatus, State
from armillary.scheduler.visibility import SkyWindows

__all__ = ["ChangeFeed", "LoopSettings", "LoopStatus", "SchedulerLoop", "State"]

_log = structlog.get_logger(__name__)
_LEAD_MARGIN: Final = 2.0
_SHORTEST_LEAD_S: Final = 10.0
_LEAST_REAL_INTERVAL_S: Final = 10.0
_RETRY_REAL_S: Final = 1.0
_LONGEST_RETRY_REAL_S: Final = 60.0
_FREE_RETRIES: Final = 3
"""A stale plan is made anew at once so many times in a row, before the loop lets the world calm down."""
_COALESCE_REAL_S: Final = 0.2
_NAP_REAL_S: Final = 0.1
_SOLVE_LIMIT_OBSERVATORY_S: Final = 120.0
_RAPID_LIMIT_S: Final = 1.0
_CLOCKS_DIFFER: Final = timedelta(hours=1)
"""At most so much do the clocks of portal and scheduler disagree."""
_AGAIN_AT_ONCE: Final = frozenset({State.STALE, State.INTERRUPTED})
_HARMLESS: Final = frozenset({State.PUBLISHED, State.STALE, State.INTERRUPTED, State.STANDBY})


class SchedulerLoop:
    """Keeps the schedule of a network of telescopes good.

    Args:
        portal: The portal, as an account that may see and schedule everything.
        configdb: What stands where.
        downtime: When it cannot observe.
        data_directory: Where the documents of the runs are kept, and the name under which the lease is held.
        monitors: Weather, availability and seeing.
        settings: See :class:`LoopSettings`.
        token: With which the change feeds are read; needed for :meth:`run` alone.
    """

    def __init__(
        self,
        *,
        portal: PortalClient,
        configdb: ConfigDBClient,
        downtime: DowntimeClient,
        data_directory: Path,
        monitors: Sequence[Monitor] = (),
        settings: LoopSettings | None = None,
        token: str | None = None,
    ) -> None:
        self._services = Services(portal, configdb, downtime, tuple(monitors))
        self._token = token
        self._home = data_directory
        self._settings = settings or LoopSettings()
        self._lease = LeaseKeeper(portal, data_directory, self._settings.lease_real_s)
        self._cycle = Cycle(self._services, self._settings, self._lease, data_directory / "runs")
        self._rapid_sky = SkyWindows()  # of its own: a cache forgets what it was not asked for the last time
        self._listener = Listener(self.heed)
        self._woken = threading.Event()
        self._urgent = threading.Event()
        self._stopping = threading.Event()
        self._woken_at: float | None = None
        self._cycle_real_s = 1.0
        self._failures = 0
        self._next_run: datetime | None = None
        self.status = LoopStatus(State.STARTING, "No run yet.")

    def wake(self) -> None:
        """Something has changed: run at the next step. May be called from any thread."""
        if not self._woken.is_set():
            self._woken_at = time.perf_counter()
        self._woken.set()

    def heed(self, events: Sequence[Event]) -> None:
        """Wake if any of the news is not the loop's own doing; rapid-response work goes before everything."""
        news = [event for event in events if matters(event, self._cycle.own_cancellations)]
        if any(is_rapid(event) for event in news):
            self._urgent.set()
        if news:
            self.wake()

    def step(self) -> datetime:
        """Run if something has changed or the time for a run has come.

        Returns:
            When there is something to do again, unless :meth:`wake` is called before.
        """
        now = clock.now()
        if self._urgent.is_set():
            self._urgent.clear()
            self._answer_rapid_response(now)
        if self._is_due(now):
            self._woken.clear()
            self._run(clock.now())
            self._next_run = clock.now() + self._pause()
        return self._next_run or now

    def run(self, stop: threading.Event, feeds: Sequence[ChangeFeed] | None = None) -> None:
        """Step until told to stop, awake to the news of the feeds.

        Args:
            stop: Set it to end.
            feeds: Where news come from; default: the change feeds of portal, configuration and downtime databases.

        Raises:
            DirectoryTaken: Another process schedules from the same data directory.
        """
        with ExitStack() as stack:
            stack.enter_context(sole_user(self._home))
            stack.callback(self._give_lease_back)
            for feed in subscribe(self._token) if feeds is None else feeds:
                stack.callback(feed.close)
                self._listener.follow(feed, stop)
            while not stop.is_set():
                self._stopping = stop
                self._rest(self.step(), stop)

    def _rest(self, wanted: datetime, stop: threading.Event) -> None:
        """Wait for the next run, for news, or for the time to look at what sends none."""
        looks = self._listener.is_deaf or bool(self._services.monitors)
        began = time.monotonic()
        while not (stop.is_set() or self._woken.is_set() or clock.now() >= wanted):
            if looks and time.monotonic() - began >= self._settings.poll_real_s:
                return
            self._keep_lease()
            self._woken.wait(_NAP_REAL_S)
        if self._woken.is_set() and not self._urgent.is_set():
            deadline = time.monotonic() + _COALESCE_REAL_S  # a burst of submissions becomes one run
            while not (stop.is_set() or self._urgent.is_set()) and time.monotonic() < deadline:
                stop.wait(_COALESCE_REAL_S / 10)

    def _keep_lease(self) -> None:
        try:
            self._lease.keep()
        except ClientError as error:
            _log.warning("lease_not_renewed", reason=str(error))

    def _give_lease_back(self) -> None:
        try:
            self._lease.give_back()
        except ClientError as error:
            _log.warning("lease_not_given_back", reason=str(error), consequence="it runs out by itself")

    # When

    def _is_due(self, now: datetime) -> bool:
        return self._woken.is_set() or self._next_run is None or now >= self._next_run or self._world_has_changed(now)

    def _world_has_changed(self, now: datetime) -> bool:
        """Look where no change feed tells: the portal's own clock of changes, the monitors, and deaf services."""
        known = self._cycle.last_snapshot
        try:
            if known is None or self._portal_has_changed(known):
                return True
            if read_all(self._services.monitors, now).differs_from(known.conditions):
                return True
            return self._listener.is_deaf and self._differs(known, now)
        except (ClientError, MonitorUnavailable) as error:
            _log.warning("not_looked", reason=str(error))
            return False

    def _portal_has_changed(self, known: Snapshot) -> bool:
        """Whether the portal's clock of changes has moved; that of a quiet portal trails a week behind the time."""
        latest, seen = self._services.portal.last_changed(), self._cycle.last_changed
        return seen is None or (latest > seen and latest > known.at - _CLOCKS_DIFFER)

    def _differs(self, known: Snapshot, now: datetime) -> bool:
        observatory = self._services.configdb.observatory()
        if observatory.telescopes() != known.observatory.telescopes():
            return True
        end = known.at + self._settings.horizon
        declared = read_downtimes(self._services.downtime, observatory, known.conditions, known.at, end)
        return {each for each in declared if each.end > now} != {each for each in known.downtimes if each.end > now}

    def _pause(self) -> timedelta:
        """Observatory time until the next run, if nothing wakes the loop."""
        speed = max(clock.speed(), 1.0)
        if self.status.state is State.STANDBY:  # looks again often enough to take over soon
            return timedelta(seconds=self._settings.lease_real_s * speed / 3)
        if self._failures:
            at_once = self.status.state in _AGAIN_AT_ONCE and self._failures <= _FREE_RETRIES
            wait_s = 0.0 if at_once else _RETRY_REAL_S
            return timedelta(seconds=min(wait_s * 2 ** (self._failures - 1), _LONGEST_RETRY_REAL_S) * speed)
        fastest_s = _LEAST_REAL_INTERVAL_S * speed if speed > 1 else 0.0
        return timedelta(seconds=max(self._settings.interval_s, fastest_s))

    # What

    def _run(self, now: datetime) -> None:
        began = time.perf_counter()
        status = self._attempt(now)
        if status.state is State.PUBLISHED:
            self._cycle_real_s = 0.5 * self._cycle_real_s + 0.5 * (time.perf_counter() - began)
        self._conclude(status)

    def _attempt(self, now: datetime) -> LoopStatus:
        """One cycle; whatever goes wrong becomes a state, and nothing is published."""
        budget = Budget(self._lead(), self._limits(), self._is_interrupted, self._urgent.is_set)
        try:
            return self._cycle.run(now, budget)
        except LeaseHeld as error:
            return LoopStatus(State.STANDBY, f"Nothing was published: {error.detail}.", now)
        except (ClientError, MonitorUnavailable) as error:
            return LoopStatus(State.SOURCE_UNAVAILABLE, f"Nothing was published: {error}.", now)
        except SourceDoubtful as error:
            return LoopStatus(State.DOUBTFUL, f"Nothing was published yet: {error}; it is read again.", now)
        except SourceImplausible as error:
            return LoopStatus(State.SOURCE_UNAVAILABLE, f"Nothing was published: {error}.", now)
        except (InfeasiblePlan, ProblemInvalid) as error:
            _log.exception("plan_defective")
            return LoopStatus(State.DEFECT, f"Nothing was published: the plan was found to be wrong: {error}.", now)

    def _answer_rapid_response(self, now: datetime) -> None:
        """Take the short way; if that fails, the whole cycle that follows says why."""
        before = self._cycle.last_snapshot
        if before is None:
            return
        try:
            self._lease.take()
            outcome = answer_rapid_response(
                self._services,
                self._rapid_sky,
                before,
                now,
                end=now + self._settings.horizon,
                lead=timedelta(seconds=max(_SHORTEST_LEAD_S, _LEAD_MARGIN * clock.speed())),
                limits=replace(self._limits(), time_limit_s=_RAPID_LIMIT_S),
                fence=self._lease.fence,
                announce=lambda ids: self._cycle.own_cancellations.update(map(str, ids)),
            )
        except (ClientError, MonitorUnavailable, InfeasiblePlan, ProblemInvalid) as error:
            _log.warning("rapid_response_delayed", reason=str(error), consequence="the whole cycle places it")
            return
        if outcome.is_stale:
            self._urgent.set()
        if outcome.placed and self._woken_at is not None:
            metrics.RAPID_SECONDS.observe(time.perf_counter() - self._woken_at)
        _log.info("rapid_response", placed=[each.request for each in outcome.placed], displaced=outcome.displaced)

    def _is_interrupted(self) -> bool:
        return self._stopping.is_set() or self._urgent.is_set()

    def _lead(self) -> timedelta:
        """How long after the reading of the clock the plan will be published, with a margin."""
        return timedelta(seconds=max(_SHORTEST_LEAD_S, _LEAD_MARGIN * self._cycle_real_s * clock.speed()))

    def _limits(self) -> SolverLimits:
        """Solve for no longer than the sky allows: a fast clock leaves less real time."""
        given = self._settings
        speed = clock.speed()
        limit_s = given.time_limit_s if speed <= 0 else min(given.time_limit_s, _SOLVE_LIMIT_OBSERVATORY_S / speed)
        return SolverLimits(limit_s, given.iteration_limit, given.target_gap, given.seed)

    def _conclude(self, status: LoopStatus) -> None:
        state = status.state
        metrics.conclude(state)
        self._failures = 0 if state is State.PUBLISHED else self._failures + 1
        self.status = status
        self._cycle.tell(status)
        if state is State.PUBLISHED and self._woken_at is not None:
            metrics.REACTION_SECONDS.observe(time.perf_counter() - self._woken_at)
            self._woken_at = None
        if status.again:
            self.wake()
        level = _log.info if state in _HARMLESS else _log.error
        level("run_ended", state=state.value, sentence=status.sentence)
