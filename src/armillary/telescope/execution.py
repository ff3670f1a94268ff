"""One observation on the telescope: begin it, go through its configurations, report, end it."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from armillary.core.observations.model import ScheduledConfiguration, ScheduledObservation
from armillary.core.observations.states import ConfigurationState
from armillary.core.observatory import Instrument, Telescope
from armillary.core.requests.instants import format_time
from armillary.telescope.conditions import observing_night
from armillary.telescope.drivers import Action, ActionKind, CameraImage, Driver, Outcome
from armillary.telescope.frames import write_frame
from armillary.telescope.headers import Shot, file_name
from armillary.telescope.journal import ExposureRecord, Journal
from armillary.telescope.sequence import (
    Done,
    OutOfTime,
    Progress,
    exposure_cycle,
    exposure_duration_s,
    next_action,
    preparation,
    shortest_useful_s,
)

_log = structlog.get_logger(__name__)
GRACE_S: Final = 30.0
"""An observation may end this much later than planned; the next one's own margins take it up."""


class Execution:
    """The running observation; everything it must not forget is in the journal."""

    def __init__(
        self,
        observation: ScheduledObservation,
        *,
        telescope: Telescope,
        driver: Driver,
        journal: Journal,
        frames_directory: Path,
        free_at: datetime,
    ) -> None:
        self.observation = observation
        self._telescope = telescope
        self._driver = driver
        self._journal = journal
        self._directory = frames_directory
        self._free_at = free_at
        self._limit = observation.end + timedelta(seconds=GRACE_S)
        self._underway: Action | None = None
        self._underway_until: datetime | None = None
        self._preparation: deque[Action] = deque()
        self._optics: Any = None
        self._configuration = self._first_open()
        self.is_over = self._configuration is None
        if self._configuration is not None:
            self._recover(self._configuration)

    @property
    def next_time(self) -> datetime | None:
        """When the running action should be over."""
        return self._underway_until

    def extend(self, end: datetime) -> None:
        """The portal moved the observation's end; it is never taken away below what was promised at its start."""
        self._limit = max(self._limit, end + timedelta(seconds=GRACE_S))

    def advance(self, now: datetime, *, catch_up: timedelta) -> None:
        """Do everything that is due.

        Args:
            now: The time.
            catch_up: How long ago an action may have ended for the next one to count from its end and not from now.
        """
        while not self.is_over:
            if self._underway is not None and not self._collect(now):
                return
            if not self.is_over:
                self._free_at = max(self._free_at, now - catch_up)
                self._begin_next()

    def stop(self, now: datetime, reason: str) -> None:
        """Break off; what was done so far is reported with the reason."""
        self._driver.stop(now)
        self._underway = self._underway_until = None
        self._free_at = now
        self._fail(reason)

    # Going through configurations

    def _first_open(self) -> ScheduledConfiguration | None:
        """The first configuration that the journal does not know to be closed."""
        for configuration in self.observation.request.configurations:
            record = self._journal.configuration(configuration.configuration_status)
            if record is None or not record.closed:
                return configuration
        return None

    def _recover(self, configuration: ScheduledConfiguration) -> None:
        """Enter a configuration, perhaps in its middle: complete files whose exposure was not yet noted count."""
        status = configuration.configuration_status
        for exposure in self._journal.exposures(status):
            if not exposure.made and all(path.exists() for path in exposure.files):
                with self._journal.together():
                    self._journal.finish_exposure(status, exposure.number, exposure.files)
        instrument = self._instrument(configuration)
        if instrument is None:
            self._fail(f"there is no instrument {configuration.instrument_name!r} at {self._telescope.key}")
            return
        self._preparation = deque(preparation(self.observation.id, configuration, instrument))
        self._optics = None

    def _begin_next(self) -> None:
        configuration = self._configuration
        instrument = None if configuration is None else self._instrument(configuration)
        if configuration is None or instrument is None:
            raise RuntimeError("an observation that is not over has a configuration with an instrument")
        self._note_beginning(configuration)
        if self._preparation:
            useful = timedelta(seconds=shortest_useful_s(configuration, instrument))
            if self._free_at + useful > self._limit:
                self._fail("the observation's time was over before its configuration could begin")
                return
            self._begin(self._preparation.popleft())
            return
        following = next_action(self.observation.id, configuration, instrument, self._progress(configuration))
        if isinstance(following, Done):
            self._complete(configuration)
        elif isinstance(following, OutOfTime):
            self._fail(following.reason)
        else:
            self._begin(following)

    def _progress(self, configuration: ScheduledConfiguration) -> Progress:
        status = configuration.configuration_status
        record = self._journal.configuration(status)
        return Progress(
            at=self._free_at,
            limit=self._limit,
            exposures_made=sum(exposure.made for exposure in self._journal.exposures(status)),
            exposures_began=None if record is None else record.exposures_began,
            optics=self._optics,
        )

    def _note_beginning(self, configuration: ScheduledConfiguration) -> None:
        status = configuration.configuration_status
        if self._journal.configuration(status) is not None:
            return
        with self._journal.together():
            self._journal.begin_configuration(status, self._free_at)
            self._journal.queue_report(status, {"state": ConfigurationState.ATTEMPTED.value})

    # One action

    def _begin(self, action: Action) -> None:
        if action.kind is ActionKind.EXPOSE:
            self._note_exposure(action)
        self._underway = action
        self._underway_until = self._driver.begin(action, self._free_at)

    def _collect(self, now: datetime) -> bool:
        """Take the outcome of the running action, if there is one."""
        action, outcome = self._underway, self._driver.outcome(now)
        if action is None or outcome is None:
            return False
        self._underway = self._underway_until = None
        self._free_at = outcome.end
        self._keep(action, outcome)
        return True

    def _keep(self, action: Action, outcome: Outcome) -> None:
        status = action.configuration.configuration_status
        event = {"time": format_time(outcome.end), "event": _described(action), "duration_s": _seconds(outcome)}
        if outcome.fault is not None:
            self._journal.add_event(status, {**event, "fault": outcome.fault})
            self._fail(outcome.fault)
            return
        if action.kind is ActionKind.EXPOSE:
            self._keep_exposure(action, outcome, event)
            return
        if action.kind is ActionKind.CHANGE_OPTICS:
            self._optics = action.instrument_config
        if outcome.end > outcome.start:
            self._journal.add_event(status, event)

    # Exposures

    def _note_exposure(self, action: Action) -> None:
        status, number = action.configuration.configuration_status, action.exposure_number
        night = observing_night(self._free_at, self._telescope.longitude_deg)
        with self._journal.together():
            files = tuple(
                self._directory
                / night
                / file_name(
                    self._telescope,
                    camera,
                    night,
                    self._journal.next_file_number(camera.code, night),
                    action.configuration.type,
                )
                for camera in action.instrument.science_cameras
            )
            self._journal.begin_exposure(
                ExposureRecord(status, number, self._free_at, action.exposure_time_s, files, made=False)
            )
            self._journal.begin_exposures(status, self._free_at)
            if number == 0 and action.configuration is self.observation.request.configurations[0]:
                start = max(self._free_at, self.observation.start)
                self._journal.queue_report(status, {"exposures_start_at": start.isoformat()})

    def _keep_exposure(self, action: Action, outcome: Outcome, event: dict[str, Any]) -> None:
        """Put the images on the disk, then note that they are there."""
        status, number = action.configuration.configuration_status, action.exposure_number
        planned = next(record for record in self._journal.exposures(status) if record.number == number)
        by_camera = {image.camera.code: image for image in outcome.images}
        for path, camera in zip(planned.files, action.instrument.science_cameras, strict=True):
            image = by_camera[camera.code]
            write_frame(path, self._shot(action, outcome, image, path), image)
        with self._journal.together():
            self._journal.finish_exposure(status, number, planned.files)
            self._journal.add_event(status, {**event, "files": [path.name for path in planned.files]})

    def _shot(self, action: Action, outcome: Outcome, image: CameraImage, path: Path) -> Shot:
        return Shot(
            observation=self.observation,
            action=action,
            telescope=self._telescope,
            camera=image.camera,
            start=outcome.exposure_start or outcome.start,
            exposure_time_s=image.exposure_time_s,
            file_number=int(path.name.split("-")[-2]),
        )

    # The end

    def _complete(self, configuration: ScheduledConfiguration) -> None:
        status = configuration.configuration_status
        summary = self._summary(configuration, ConfigurationState.COMPLETED, "")
        with self._journal.together():
            self._journal.close_configuration(status)
            self._journal.queue_report(status, {"state": ConfigurationState.COMPLETED.value, "summary": summary})
            self._configuration = self._first_open()
            if self._configuration is None:
                self._journal.remember_observed(int(self.observation.request.id or 0))
                self._close(ConfigurationState.COMPLETED.value)
        if self._configuration is not None:
            self._recover(self._configuration)

    def _fail(self, reason: str) -> None:
        """Close the running configuration as failed and the rest as not attempted."""
        _log.warning("observation_failed", observation=self.observation.id, reason=reason)
        with self._journal.together():
            for configuration in self.observation.request.configurations:
                record = self._journal.configuration(configuration.configuration_status)
                if record is not None and record.closed:
                    continue
                state = ConfigurationState.NOT_ATTEMPTED if record is None else ConfigurationState.FAILED
                summary = self._summary(configuration, state, reason)
                self._journal.queue_report(
                    configuration.configuration_status, {"state": state.value, "summary": summary}
                )
            self._close(reason)

    def _close(self, outcome: str) -> None:
        self._journal.close_observation(self.observation.id, self._free_at, outcome)
        self._configuration = None
        self.is_over = True
        _log.info("observation_ended", observation=self.observation.id, outcome=outcome)

    def _summary(self, configuration: ScheduledConfiguration, state: ConfigurationState, reason: str) -> dict[str, Any]:
        status = configuration.configuration_status
        record = self._journal.configuration(status)
        made = [exposure for exposure in self._journal.exposures(status) if exposure.made]
        return {
            "start": format_time(self._free_at if record is None else record.began),
            "end": format_time(self._free_at),
            "state": state.value,
            "reason": reason,
            "time_completed": sum(exposure.exposure_time_s for exposure in made),
            "events": [] if record is None else list(record.events),
        }

    def _instrument(self, configuration: ScheduledConfiguration) -> Instrument | None:
        wanted = configuration.instrument_name.casefold()
        return next((each for each in self._telescope.instruments if each.code.casefold() == wanted), None)


def refuse(observation: ScheduledObservation, journal: Journal, at: datetime, reason: str) -> None:
    """Close an observation that was not and will not be begun by this agent.

    Configurations that somebody began are closed as failed, the others as not attempted.
    """
    _log.warning("observation_not_attempted", observation=observation.id, reason=reason)
    stamp = format_time(at)
    with journal.together():
        for configuration in observation.request.configurations:
            if configuration.state not in (ConfigurationState.PENDING, ConfigurationState.ATTEMPTED):
                continue
            began = configuration.state is ConfigurationState.ATTEMPTED
            state = ConfigurationState.FAILED if began else ConfigurationState.NOT_ATTEMPTED
            summary: dict[str, Any] = {"start": stamp, "end": stamp, "state": state.value, "reason": reason}
            summary |= {"time_completed": 0.0, "events": []}
            journal.queue_report(configuration.configuration_status, {"state": state.value, "summary": summary})
        journal.close_observation(observation.id, at, reason)


def shortest_time_s(observation: ScheduledObservation, telescope: Telescope) -> float:
    """Seconds that the whole observation needs at least, once the telescope points at its target."""
    by_code = {instrument.code.casefold(): instrument for instrument in telescope.instruments}
    total = 0.0
    for configuration in observation.request.configurations:
        if configuration.repeats and configuration.repeat_duration:
            total += configuration.repeat_duration
            continue
        instrument = by_code.get(configuration.instrument_name.casefold())
        if instrument is not None:
            total += sum(exposure_duration_s(setting, instrument) for setting in exposure_cycle(configuration))
    return total


def _described(action: Action) -> str:
    if action.kind is ActionKind.EXPOSE:
        return f"exposure {action.exposure_number + 1}, {action.exposure_time_s:g} s"
    return action.kind.value


def _seconds(outcome: Outcome) -> float:
    return round((outcome.end - outcome.start).total_seconds(), 3)
