"""In which order a configuration's actions are done; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from armillary.core.observations.model import ScheduledConfiguration
from armillary.core.observatory import Instrument
from armillary.core.requests.model import InstrumentConfig
from armillary.telescope.drivers import Action, ActionKind
from armillary.telescope.headers import frame_type

_NO_POINTING: Final = frozenset({"BIAS", "DARK"})
_OFF: Final = frozenset({"", "OFF"})


@dataclass(frozen=True, slots=True)
class Done:
    """Everything that was asked for has been done."""


@dataclass(frozen=True, slots=True)
class OutOfTime:
    """The observation's time is over before the configuration is."""

    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a configuration has come."""

    at: datetime
    """When the telescope became free."""
    limit: datetime
    """When the telescope is needed by somebody else."""
    exposures_made: int
    exposures_began: datetime | None
    optics: InstrumentConfig | None
    """The setting that the instrument is in; None if it is not known."""


def preparation(observation: int, configuration: ScheduledConfiguration, instrument: Instrument) -> list[Action]:
    """What comes before the first exposure."""
    kinds = [ActionKind.CHANGE_INSTRUMENT]
    if frame_type(configuration.type) not in _NO_POINTING:
        kinds.append(ActionKind.SLEW)
        if configuration.acquisition_config.mode.upper() not in _OFF:
            kinds.append(ActionKind.ACQUIRE)
        if configuration.guiding_config.mode.upper() not in _OFF:
            kinds.append(ActionKind.GUIDE)
    return [Action(kind, observation, configuration, instrument) for kind in kinds]


def next_action(
    observation: int, configuration: ScheduledConfiguration, instrument: Instrument, progress: Progress
) -> Action | Done | OutOfTime:
    """What to do next in a prepared configuration.

    A configuration that repeats goes through its exposures again and again until its repeat duration is over, and stays
    on its target for whatever is left when no further exposure fits.
    """
    cycle = exposure_cycle(configuration)
    if configuration.repeats and configuration.repeat_duration:
        ended = _end_of_repetition(configuration, cycle, progress)
        if ended is not None:
            return _hold(observation, configuration, instrument, progress, ended)
    elif progress.exposures_made >= len(cycle):
        return Done()
    setting = cycle[progress.exposures_made % len(cycle)]
    if progress.at + timedelta(seconds=exposure_duration_s(setting, instrument)) > progress.limit:
        wanted = "" if configuration.repeats else f" of {len(cycle)}"
        return OutOfTime(f"the observation's time was over after {progress.exposures_made}{wanted} exposures")
    if progress.optics is not setting and setting.optical_elements:
        return Action(ActionKind.CHANGE_OPTICS, observation, configuration, instrument, setting)
    return Action(
        ActionKind.EXPOSE,
        observation,
        configuration,
        instrument,
        setting,
        exposure_number=progress.exposures_made,
        exposure_time_s=setting.exposure_time,
    )


def exposure_cycle(configuration: ScheduledConfiguration) -> list[InstrumentConfig]:
    """The setting of every exposure, in order; a repeating configuration goes through the list more than once."""
    return [setting for setting in configuration.instrument_configs for _ in range(setting.exposure_count)]


def exposure_duration_s(setting: InstrumentConfig, instrument: Instrument) -> float:
    """Seconds from one exposure to the next: fixed overhead, exposure, readout."""
    kind = instrument.type
    return kind.fixed_overhead_per_exposure_s + setting.exposure_time + kind.readout_overhead_s(setting.mode)


def shortest_useful_s(configuration: ScheduledConfiguration, instrument: Instrument) -> float:
    """Seconds below which it is not worth pointing the telescope: one exposure."""
    cycle = exposure_cycle(configuration)
    return exposure_duration_s(cycle[0], instrument) if cycle else 0.0


def _end_of_repetition(
    configuration: ScheduledConfiguration, cycle: list[InstrumentConfig], progress: Progress
) -> datetime | None:
    """When a repetition ends, once it is not worth beginning another exposure; None while it is."""
    if progress.exposures_began is None or progress.exposures_made == 0 or not configuration.repeat_duration:
        return None
    end = progress.exposures_began + timedelta(seconds=configuration.repeat_duration)
    following = cycle[progress.exposures_made % len(cycle)]
    return end if progress.at + timedelta(seconds=following.exposure_time) > end else None


def _hold(
    observation: int,
    configuration: ScheduledConfiguration,
    instrument: Instrument,
    progress: Progress,
    end: datetime,
) -> Action | Done | OutOfTime:
    if progress.at >= end:
        return Done()
    if end > progress.limit:
        return OutOfTime(f"the observation's time was over after {progress.exposures_made} exposures")
    left_s = (end - progress.at).total_seconds()
    return Action(ActionKind.HOLD, observation, configuration, instrument, duration_s=left_s)
