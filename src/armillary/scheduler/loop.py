"""The scheduler's loop: notice a change, read the world, plan, publish."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

import structlog

from armillary import clock
from armillary.clients.configdb import ConfigDBClient
from armillary.clients.downtime import DowntimeClient
from armillary.clients.errors import ClientError
from armillary.clients.events import FEED_RESET, Event, Subscription
from armillary.clients.portal import PortalClient
from armillary.scheduler import metrics
from armillary.scheduler.assembly import horizon_of
from armillary.scheduler.documents import document_of, save
from armillary.scheduler.explanations import Reason, reasons_of
from armillary.scheduler.fetch import read_snapshot
from armillary.scheduler.kernel import PriceInterval
from armillary.scheduler.publish import Publication, differences, publish
from armillary.scheduler.run import Run, SolverLimits, plan_run
from armillary.scheduler.snapshot import Snapshot
from armillary.scheduler.visibility import SkyWindows

_log = structlog.get_logger(__name__)
_LEAD_MARGIN: Final = 2.0
_SHORTEST_LEAD_S: Final = 10.0
_LEAST_REAL_INTERVAL_S: Final = 10.0
_RETRY_REAL_S: Final = 1.0
_LONGEST_RETRY_REAL_S: Final = 60.0
_FREE_RETRIES: Final = 3
"""A stale plan is made anew at once so many times in a row, before the loop lets the world calm down."""
_COALESCE_REAL_S: Final = 0.2
_LISTEN_REAL_S: Final = 0.5
_SOLVE_LIMIT_OBSERVATORY_S: Final = 120.0
_CONNECT_REAL_S: Final = 5.0
_PORTAL_NEWS: Final = ("request_group.", "request.", "observation.")
_OWN_DOING: Final = frozenset({"schedule.published", "observation.created"})


class ChangeFeed(Protocol):
    """Where news come from; :class:`armillary.clients.events.Subscription` is one."""

    def wait(self, timeout_s: float) -> list[Event]:
        """The news since the last call; waits up to so many real seconds for the first."""

    def close(self) -> None:
        """Stop listening."""


class State(StrEnum):
    """What the loop is able to do."""

    STARTING = "starting"
    PUBLISHED = "published"
    """The last plan is in force."""
    STALE = "stale"
    """The world changed while it was planned; the next run follows at once."""
    SOURCE_UNAVAILABLE = "source unavailable"
    """Something could not be read, so nothing was planned or published; it is tried again."""
    REFUSED = "refused"
    """A service refused a part of the plan."""


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


class SourceImplausible(Exception):
    """A source answered something that would empty the whole schedule by mistake."""


class SchedulerLoop:
    """Keeps the schedule of a network of telescopes good.

    Args:
        portal: The portal, as an account that may see and schedule everything.
        configdb: What stands where.
        downtime: When it cannot observe.
        data_directory: Where the documents of the runs are kept.
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
        settings: LoopSettings | None = None,
        token: str | None = None,
    ) -> None:
        self._portal = portal
        self._configdb = configdb
        self._downtime = downtime
        self._token = token
        self._directory = data_directory / "runs"
        self._settings = settings or LoopSettings()
        self._sky = SkyWindows()
        self._prices: Sequence[PriceInterval] = ()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._woken_at: float | None = None
        self._cycle_real_s = 1.0
        self._failures = 0
        self._next_run: datetime | None = None
        self._last_changed: datetime | None = None
        self._own_cancellations: set[str] = set()
        self.status = LoopStatus(State.STARTING, "No run yet.")

    def wake(self) -> None:
        """Something has changed: run at the next step. May be called from any thread."""
        if not self._woken.is_set():
            self._woken_at = time.perf_counter()
        self._woken.set()

    def heed(self, events: Sequence[Event]) -> None:
        """Wake if any of the news is not the loop's own doing."""
        if any(self._matters(event) for event in events):
            self.wake()

    def step(self) -> datetime:
        """Run if something has changed or the time for a run has come.

        Returns:
            When there is something to do again, unless :meth:`wake` is called before.
        """
        now = clock.now()
        if self._is_due(now):
            self._woken.clear()
            self._run(now)
            self._next_run = clock.now() + self._pause()
        return self._next_run or now

    def run(self, stop: threading.Event, feeds: Sequence[ChangeFeed] | None = None) -> None:
        """Step until told to stop, awake to the news of the feeds.

        Args:
            stop: Set it to end.
            feeds: Where news come from; default: the change feeds of portal, configuration and downtime databases.
        """
        with ExitStack() as listening:
            for feed in self._subscribe() if feeds is None else feeds:
                listening.callback(feed.close)
                thread = threading.Thread(target=self._listen, args=(feed, stop), name="scheduler-feed", daemon=True)
                thread.start()
            while not stop.is_set():
                self._stopping = stop
                wanted = self.step()
                while not (stop.is_set() or self._woken.is_set() or clock.now() >= wanted):
                    clock.sleep_until(wanted, at_most_real_s=_COALESCE_REAL_S / 2)
                if self._woken.is_set():
                    stop.wait(_COALESCE_REAL_S)  # a burst of submissions becomes one run

    def _subscribe(self) -> list[ChangeFeed]:
        """Follow the services' feeds, from before the first reading, so that nothing falls between."""
        portal = Subscription("portal", token=self._token, kinds=_PORTAL_NEWS)
        feeds = [portal, Subscription("configdb", token=self._token), Subscription("downtime", token=self._token)]
        for feed in feeds:
            if not feed.wait_until_connected(_CONNECT_REAL_S):
                _log.warning("feed_not_connected", consequence="until it is, runs are made by the timer")
        return list(feeds)

    def _listen(self, feed: ChangeFeed, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.heed(feed.wait(_LISTEN_REAL_S))
            except ClientError as error:
                _log.error("feed_refused", reason=str(error), consequence="runs are made by the timer only")
                return

    def _matters(self, event: Event) -> bool:
        if event.kind == FEED_RESET:
            return True
        if event.kind == "observation.changed":
            if event.key in self._own_cancellations:
                self._own_cancellations.discard(event.key)
                return False
            return event.payload.get("state") not in {"PENDING", "IN_PROGRESS"}
        return event.kind not in _OWN_DOING

    def _is_due(self, now: datetime) -> bool:
        return self._woken.is_set() or self._next_run is None or now >= self._next_run or self._portal_has_changed()

    def _portal_has_changed(self) -> bool:
        """Ask the portal's own clock of changes, which works where there is no change feed."""
        try:
            return self._portal.last_changed() != self._last_changed
        except ClientError as error:
            _log.warning("portal_not_asked", reason=str(error))
            return False

    def _pause(self) -> timedelta:
        """Observatory time until the next run, if nothing wakes the loop."""
        speed = max(clock.speed(), 1.0)
        if self._failures:
            wait_s = 0.0 if self.status.state is State.STALE and self._failures <= _FREE_RETRIES else _RETRY_REAL_S
            return timedelta(seconds=min(wait_s * 2 ** (self._failures - 1), _LONGEST_RETRY_REAL_S) * speed)
        fastest_s = _LEAST_REAL_INTERVAL_S * speed if speed > 1 else 0.0
        return timedelta(seconds=max(self._settings.interval_s, fastest_s))

    # One run

    def _run(self, now: datetime) -> None:
        began = time.perf_counter()
        try:
            self._cycle(now)
        except ClientError as error:
            metrics.SOURCE_UP.set(0)
            self._conclude(State.SOURCE_UNAVAILABLE, f"Nothing was published: {error}.", now)
        except SourceImplausible as error:
            metrics.SOURCE_UP.set(0)
            self._conclude(State.SOURCE_UNAVAILABLE, f"Nothing was published: {error}.", now)
        else:
            metrics.SOURCE_UP.set(1)
            self._cycle_real_s = 0.5 * self._cycle_real_s + 0.5 * (time.perf_counter() - began)

    def _cycle(self, now: datetime) -> None:
        changed = self._portal.last_changed()
        with metrics.STAGE_SECONDS.labels("fetch").time():
            snapshot = read_snapshot(
                self._portal,
                self._configdb,
                self._downtime,
                now=now,
                end=now + self._settings.horizon,
                time_overuse_allowance=self._settings.time_overuse_allowance,
            )
        _refuse_implausible(snapshot)
        horizon = horizon_of(now, lead=self._lead(), length=self._settings.horizon)
        limits = self._limits()
        run = plan_run(snapshot, horizon, self._sky, limits, prices=self._prices, should_stop=self._stopping.is_set)
        for stage, seconds in run.stage_s.items():
            metrics.STAGE_SECONDS.labels(stage).observe(seconds)
        self._prices = run.normal.plan.prices
        publication = None
        if run.preempted:
            self._preempt(run)
        else:
            with metrics.STAGE_SECONDS.labels("publish").time():
                publication = self._publish(run, snapshot)
            self._last_changed = changed
        reasons = reasons_of(run)
        document = save(document_of(run, limits, reasons, publication), self._directory, keep=self._settings.runs_kept)
        _measure(run, reasons, publication)
        self._judge(publication, run, now, document, reasons)

    def _lead(self) -> timedelta:
        """How long after the reading of the clock the plan will be published, with a margin."""
        return timedelta(seconds=max(_SHORTEST_LEAD_S, _LEAD_MARGIN * self._cycle_real_s * clock.speed()))

    def _limits(self) -> SolverLimits:
        """Solve for no longer than the sky allows: a fast clock leaves less real time."""
        given = self._settings
        speed = clock.speed()
        limit_s = given.time_limit_s if speed <= 0 else min(given.time_limit_s, _SOLVE_LIMIT_OBSERVATORY_S / speed)
        return SolverLimits(limit_s, given.iteration_limit, given.target_gap, given.seed)

    def _preempt(self, run: Run) -> None:
        """Abort what rapid-response work pushes aside; the plan follows in the next run, which sees the free time."""
        identities = [each.id for each in run.preempted]
        _log.warning("observations_preempted", observations=identities)
        self._own_cancellations.update(str(identity) for identity in identities)
        self._portal.cancel_observations(ids=identities, preemption_enabled=True)

    def _publish(self, run: Run, snapshot: Snapshot) -> Publication:
        changes = differences(run.by_telescope(), snapshot, run.horizon.start, run.horizon.end)
        self._own_cancellations = {str(each.id) for change in changes for each in change.cancel}
        return publish(self._portal, changes, snapshot.versions, run.horizon.start, run.horizon.end)

    def _judge(
        self, publication: Publication | None, run: Run, now: datetime, document: Path, reasons: Sequence[Reason]
    ) -> None:
        if publication is None:
            sentence = f"{len(run.preempted)} running observations were stopped for rapid-response work."
            self._conclude(State.STALE, sentence, now, document, reasons)
        elif publication.refused:
            where = "; ".join(f"{telescope}: {reason}" for telescope, reason in publication.refused.items())
            self._conclude(State.REFUSED, f"The portal refused a part of the plan: {where}.", now, document, reasons)
        elif publication.stale:
            where = ", ".join(publication.stale)
            self._conclude(State.STALE, f"The schedule of {where} changed meanwhile.", now, document, reasons)
        else:
            plan = run.normal.plan
            sentence = (
                f"{sum(len(each.plan.entries) for each in run.solutions)} observations planned, "
                f"{len(publication.created)} new, {len(publication.cancelled)} withdrawn; "
                f"at most {100 * plan.gap:.2g} % below the best plan there is."
            )
            self._conclude(State.PUBLISHED, sentence, now, document, reasons)

    def _conclude(
        self,
        state: State,
        sentence: str,
        now: datetime,
        document: Path | None = None,
        reasons: Sequence[Reason] = (),
    ) -> None:
        metrics.RUNS.labels(state.value).inc()
        self._failures = 0 if state is State.PUBLISHED else self._failures + 1
        self.status = LoopStatus(state, sentence, now, document, tuple(reasons))
        if state is State.PUBLISHED and self._woken_at is not None:
            metrics.REACTION_SECONDS.observe(time.perf_counter() - self._woken_at)
            self._woken_at = None
        level = _log.info if state in (State.PUBLISHED, State.STALE) else _log.error
        level("run_ended", state=state.value, sentence=sentence)


def _refuse_implausible(snapshot: Snapshot) -> None:
    """An observatory without a telescope would empty every schedule: more likely a mistake than the truth."""
    if not snapshot.observatory.telescopes():
        raise SourceImplausible("the configuration database lists no telescope at all")


def _measure(run: Run, reasons: Sequence[Reason], publication: Publication | None) -> None:
    plan = run.normal.plan
    metrics.GAP.set(plan.gap)
    metrics.VALUE.set(sum(each.plan.value for each in run.solutions))
    for telescope, share in plan.statistics.utilisation.items():
        metrics.UTILISATION.labels(telescope).set(share)
    counts: dict[str, int] = {}
    for reason in reasons:
        counts[reason.status] = counts.get(reason.status, 0) + 1
    metrics.REQUESTS.clear()
    for status, count in counts.items():
        metrics.REQUESTS.labels(status).set(count)
    if publication is not None:
        metrics.CHANGED.labels("created").inc(len(publication.created))
        metrics.CHANGED.labels("kept").inc(publication.kept)
        metrics.CHANGED.labels("cancelled").inc(len(publication.cancelled))
