"""The agent at a telescope: it reads its schedule, observes it, and reports.

It is a client of the portal's public interface and of nothing else, so it works beside any portal that speaks the same
wire. It never sleeps inside a step, and never holds anything in memory alone that would be missed after ``kill -9``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from armillary import clock
from armillary.clients.errors import ClientError, RequestRefused, ServiceUnavailable
from armillary.clients.portal import PortalClient
from armillary.core.observations.model import ScheduledObservation
from armillary.core.observations.states import LIVE, ObservationState
from armillary.core.observatory import Observatory
from armillary.telescope.delivery import Delivery, Ingest
from armillary.telescope.drivers import Driver
from armillary.telescope.execution import GRACE_S, Execution, refuse, shortest_time_s
from armillary.telescope.journal import Journal

_log = structlog.get_logger(__name__)
_LOOK_BACK: Final = timedelta(days=2)
_LOOKS_PER_READING: Final = 6
"""A portal may change a schedule without saying so in last_scheduled; every so many looks it is read anyway."""
_FRESH_S: Final = 2.0
_CATCH_UP_S: Final = 60.0
_CATCH_UP_REAL_S: Final = 10.0
_EXECUTED_TYPES: Final = ("NORMAL", "RAPID_RESPONSE", "TIME_CRITICAL", "DIRECT")
"""A real-time session is a person at the telescope; the agent keeps out of it."""
_POLL_INTERVAL_S: Final = 10.0
_POLL_REAL_S: Final = 2.0
_NAP_REAL_S: Final = 5.0


class TelescopeAgent:
    """Observes what the portal schedules on one telescope.

    Args:
        portal: The portal, as an account that may see and update every observation.
        observatory: What stands where.
        telescope: ``site.enclosure.telescope``.
        driver: The telescope itself.
        ingest: Hands a finished file to the archive, see :data:`armillary.telescope.delivery.Ingest`.
        data_directory: Where the journal and the frames of this telescope lie; no other telescope may use it.
        poll_interval_s: Observatory seconds between two looks at the portal; by default ten, but never more often than
            every two real seconds when the clock runs fast.

    Raises:
        ValueError: There is no such telescope.
        armillary.telescope.journal.JournalInUse: Another agent of this telescope runs on this directory.
    """

    def __init__(
        self,
        *,
        portal: PortalClient,
        observatory: Observatory,
        telescope: str,
        driver: Driver,
        ingest: Ingest,
        data_directory: Path,
        poll_interval_s: float | None = None,
    ) -> None:
        found = observatory.telescope(telescope)
        if found is None:
            known = ", ".join(each.key for each in observatory.telescopes())
            raise ValueError(f"there is no telescope {telescope!r}; this observatory has: {known}")
        self.telescope = found
        self._portal = portal
        self._driver = driver
        self._frames_directory = data_directory / "frames"
        self._poll_interval_s = poll_interval_s
        self._journal = Journal(data_directory / "journal.sqlite3")
        self._delivery = Delivery(portal=portal, ingest=ingest, journal=self._journal)
        self._schedule = [ScheduledObservation.model_validate(document) for document in self._journal.schedule()]
        self._looks = 0
        self._next_look: datetime | None = None
        self._last_scheduled: datetime | None = None
        self._read_at: datetime | None = None
        self._execution: Execution | None = None
        self._woken = threading.Event()

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing is owed to the portal or the archive."""
        return self._journal.running() is None and self._delivery.is_empty

    @property
    def observing(self) -> int | None:
        """The observation that runs now."""
        running = self._journal.running()
        return None if running is None else running.observation

    def refresh(self) -> None:
        """Read the schedule at the next step, whatever ``last_scheduled`` says; may be called from any thread."""
        self._woken.set()

    def step(self) -> datetime:
        """Do everything that is due now.

        Returns:
            When there is something to do again, unless :meth:`refresh` is called before.
        """
        now = clock.now()
        self._look(now)
        self._observe(now)
        self._delivery.deliver(now)
        return self._next_time(now)

    def run(self, stop: threading.Event) -> None:
        """Step until told to stop; what runs then is taken up again by the next process."""
        while not stop.is_set():
            wanted = self.step()
            while not stop.is_set() and not self._woken.is_set() and clock.now() < wanted:
                clock.sleep_until(wanted, at_most_real_s=_NAP_REAL_S if clock.speed() == 0 else 0.25)

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()

    # The schedule

    def _look(self, now: datetime) -> None:
        """Ask the portal whether the schedule has changed, and read it if so."""
        woken = self._woken.is_set()
        if not woken and self._next_look is not None and now < self._next_look:
            return
        interval_s = self._poll_interval_s or max(_POLL_INTERVAL_S, _POLL_REAL_S * clock.speed())
        self._next_look = now + timedelta(seconds=interval_s)
        self._woken.clear()
        try:
            last_scheduled = self._portal.last_scheduled(self.telescope.site)
            due = self._looks % _LOOKS_PER_READING == 0
            if woken or due or last_scheduled != self._last_scheduled or self._read_at is None:
                self._read(now)
            self._last_scheduled = last_scheduled
            self._looks += 1
        except ClientError as error:
            _log.warning("schedule_not_read", telescope=self.telescope.key, reason=str(error))

    def _read(self, now: datetime) -> None:
        """Read the telescope's live observations, and act on what has changed for the running one.

        Raises:
            ClientError: The portal could not be asked.
        """
        observations = self._portal.schedule(
            site=self.telescope.site,
            enclosure=self.telescope.enclosure,
            telescope=self.telescope.code,
            start_after=now - _LOOK_BACK,
            states=sorted(state.value for state in LIVE),
            observation_types=_EXECUTED_TYPES,
        )
        self._schedule = sorted(observations, key=lambda observation: observation.start)
        self._read_at = now
        self._journal.remember_schedule(now, [each.model_dump(mode="json") for each in self._schedule])
        self._heed(now)

    def _heed(self, now: datetime) -> None:
        """Stop the running observation if it was taken away; let it run on if it was given more time."""
        execution = self._take_up(now)
        if execution is None:
            return
        identity = execution.observation.id
        listed = next((each for each in self._schedule if each.id == identity), None)
        if listed is not None:
            execution.extend(listed.end)
            return
        state = self._state_of(identity)
        if state not in LIVE:
            execution.stop(now, f"the observation was taken off the telescope ({state or 'deleted'})")
            self._execution = None

    def _state_of(self, observation: int) -> str | None:
        """State of an observation on the portal; None if it does not exist any more."""
        try:
            return str(self._portal.observation(observation)["state"])
        except RequestRefused as error:
            if error.status == 404:
                return None
            raise

    # Observing

    def _observe(self, now: datetime) -> None:
        """Advance the running observation and begin those that are due."""
        while True:
            execution = self._take_up(now)
            if execution is None:
                execution = self._begin_due(now)
            if execution is None:
                return
            execution.advance(now, catch_up=_catch_up())
            if not execution.is_over:
                return
            self._execution = None

    def _take_up(self, now: datetime) -> Execution | None:
        """The running observation; after a restart, from the journal."""
        if self._execution is None and (running := self._journal.running()) is not None:
            observation = ScheduledObservation.model_validate(running.document)
            _log.info("observation_resumed", observation=observation.id, telescope=self.telescope.key)
            execution = self._execute(observation, now)
            self._execution = None if execution.is_over else execution
        return self._execution

    def _begin_due(self, now: datetime) -> Execution | None:
        """Begin the first observation whose time has come; refuse those whose time is gone."""
        for due in self._due(now):
            observation = self._checked(due, now)
            if observation is None:
                continue
            reason = self._objection(observation, now)
            if reason is None:
                with self._journal.together():
                    self._journal.begin_observation(observation.id, now, observation.model_dump(mode="json"))
                _log.info("observation_begins", observation=observation.id, telescope=self.telescope.key)
                start = max(observation.start, now - _catch_up())
                execution = self._execute(observation, start)
                self._execution = None if execution.is_over else execution
                return execution
            if self._is_hopeless(observation, now):
                refuse(observation, self._journal, now, reason)
        return None

    def _due(self, now: datetime) -> Iterable[ScheduledObservation]:
        due = [each for each in self._schedule if each.start <= now and not self._journal.is_closed(each.id)]
        return sorted(due, key=lambda observation: observation.start)

    def _checked(self, observation: ScheduledObservation, now: datetime) -> ScheduledObservation | None:
        """The observation as the portal has it now, so that one just taken away is not begun.

        When the portal is away, the schedule as last read counts.
        """
        if self._read_at is not None and (now - self._read_at).total_seconds() <= _FRESH_S * max(clock.speed(), 1.0):
            return observation
        try:
            self._read(now)
        except ServiceUnavailable as error:
            _log.warning("schedule_not_read", telescope=self.telescope.key, reason=str(error))
            return observation
        except ClientError as error:
            _log.error("schedule_refused", telescope=self.telescope.key, reason=str(error))
            return None
        return next((each for each in self._schedule if each.id == observation.id), None)

    def _objection(self, observation: ScheduledObservation, now: datetime) -> str | None:
        """Why an observation cannot begin now; None if it can."""
        if observation.state is ObservationState.IN_PROGRESS:
            return "interrupted: it had been begun, and the telescope's journal does not know it"
        if self._journal.is_observed_after_reading(int(observation.request.id or 0)):
            return "this telescope has observed the request already; the portal made its schedule without that report"
        if self._is_hopeless(observation, now):
            hindrance = self._driver.hindrance(now)
            return hindrance or "not enough time was left when the telescope was ready"
        return self._driver.hindrance(now)

    def _is_hopeless(self, observation: ScheduledObservation, now: datetime) -> bool:
        """Whether waiting cannot help any more."""
        if observation.state is ObservationState.IN_PROGRESS:
            return True
        needed = timedelta(seconds=shortest_time_s(observation, self.telescope) - GRACE_S)
        return max(now - _catch_up(), observation.start) + needed > observation.end

    def _execute(self, observation: ScheduledObservation, free_at: datetime) -> Execution:
        return Execution(
            observation,
            telescope=self.telescope,
            driver=self._driver,
            journal=self._journal,
            frames_directory=self._frames_directory,
            free_at=free_at,
        )

    def _next_time(self, now: datetime) -> datetime:
        times = [self._next_look or now]
        owed = self._delivery.next_time(now)
        if owed is not None:
            times.append(owed)
        if self._execution is not None:
            times.append(self._execution.next_time or now)
        else:
            times += [each.start for each in self._schedule if each.start > now]
        return max(now, min(times))


def _catch_up() -> timedelta:
    """How far behind the clock the telescope may count: a fast clock must not lengthen a simulated night's pauses."""
    return timedelta(seconds=max(_CATCH_UP_S, _CATCH_UP_REAL_S * clock.speed()))
