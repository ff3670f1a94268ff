"""A telescope made of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from armillary import riseset
from armillary.core.observatory import Instrument, Observatory, Telescope
from armillary.core.requests.visibility import riseset_target
from armillary.telescope.conditions import conditions_at
from armillary.telescope.drivers import Action, ActionKind, Outcome
from armillary.telescope.drivers.simulator.camera import exposure_time_of, record
from armillary.telescope.drivers.simulator.faults import Faults

_LARGEST_SIDE_PIXELS: Final = 512
_ARCSEC_PER_DEG: Final = 3600.0


@dataclass(frozen=True, slots=True)
class _Underway:
    action: Action
    start: datetime
    end: datetime


class Simulator:
    """Does what a telescope does, in the time it would take, and makes the pictures it would make.

    Args:
        observatory: What stands where, with all overheads.
        telescope: ``site.enclosure.telescope``.
        faults: What goes wrong, and how often; nothing by default.
        largest_side_pixels: Images are a centred window of the detector, at most this wide and high, so that a
            demonstration does not fill the disk. Spectra are twice as wide and half as high.

    Raises:
        ValueError: There is no such telescope.
    """

    def __init__(
        self,
        observatory: Observatory,
        telescope: str,
        *,
        faults: Faults | None = None,
        largest_side_pixels: int = _LARGEST_SIDE_PIXELS,
    ) -> None:
        found = observatory.telescope(telescope)
        if found is None:
            known = ", ".join(each.key for each in observatory.telescopes())
            raise ValueError(f"there is no telescope {telescope!r}; this observatory has: {known}")
        self._telescope: Telescope = found
        self._faults = faults or Faults()
        self._side = largest_side_pixels
        self._pointing: tuple[float, float] | None = None
        self._instrument: Instrument | None = None
        self._optics: dict[str, str] = {}
        self._underway: _Underway | None = None

    def hindrance(self, at: datetime) -> str | None:
        """Bad weather closes the enclosure."""
        return self._faults.weather(self._telescope.site, at)

    def begin(self, action: Action, at: datetime) -> datetime:
        """Begin an action; it takes as long as the observatory's configuration says."""
        end = at + timedelta(seconds=self._duration_s(action, at))
        self._underway = _Underway(action, at, end)
        return end

    def outcome(self, now: datetime) -> Outcome | None:
        """The outcome, once the action's time is over."""
        underway = self._underway
        if underway is None or now < underway.end:
            return None
        self._underway = None
        fault = self._fault(underway)
        if fault is not None:
            return Outcome(underway.start, underway.end, fault=fault)
        if underway.action.kind is ActionKind.EXPOSE:
            return self._exposed(underway)
        self._settle(underway)
        return Outcome(underway.start, underway.end)

    def stop(self, now: datetime) -> None:
        """Break off."""
        del now
        self._underway = None

    def _exposed(self, underway: _Underway) -> Outcome:
        action = underway.action
        opened = underway.start + timedelta(seconds=action.instrument.type.fixed_overhead_per_exposure_s)
        images = tuple(
            record(action, camera, self._telescope, opened, self._side) for camera in action.instrument.science_cameras
        )
        return Outcome(underway.start, underway.end, images=images, exposure_start=opened)

    def _fault(self, underway: _Underway) -> str | None:
        action = underway.action
        weather = self._faults.weather(self._telescope.site, underway.end)
        if weather is not None:
            return weather
        status = action.configuration.configuration_status
        if action.kind is ActionKind.ACQUIRE:
            return self._faults.acquisition(action.observation, status)
        if action.kind is ActionKind.EXPOSE:
            return self._faults.exposure(action.observation, status, action.exposure_number)
        return None

    def _settle(self, underway: _Underway) -> None:
        """Remember what the action left behind."""
        action = underway.action
        if action.kind is ActionKind.CHANGE_INSTRUMENT:
            self._instrument, self._optics = action.instrument, {}
        elif action.kind is ActionKind.SLEW:
            self._pointing = self._direction(action, underway.end)
        elif action.kind is ActionKind.CHANGE_OPTICS and action.instrument_config is not None:
            self._optics |= {kind: str(code) for kind, code in action.instrument_config.optical_elements.items()}

    def _duration_s(self, action: Action, at: datetime) -> float:
        how: dict[ActionKind, Callable[[], float]] = {
            ActionKind.CHANGE_INSTRUMENT: lambda: self._instrument_change_s(action),
            ActionKind.SLEW: lambda: self._slew_s(action, at),
            ActionKind.ACQUIRE: lambda: _acquisition_s(action),
            ActionKind.GUIDE: lambda: _mode_overhead_s(
                action.instrument, "guiding", action.configuration.guiding_config.mode
            ),
            ActionKind.CHANGE_OPTICS: lambda: self._optical_change_s(action),
            ActionKind.EXPOSE: lambda: _exposure_s(action),
            ActionKind.HOLD: lambda: action.duration_s,
        }
        return how[action.kind]()

    def _instrument_change_s(self, action: Action) -> float:
        change = self._instrument is not None and self._instrument.key != action.instrument.key
        return self._telescope.instrument_change_overhead_s if change else 0.0

    def _slew_s(self, action: Action, at: datetime) -> float:
        direction = self._direction(action, at)
        if direction is None:
            return 0.0
        parked = self._pointing is None
        distance = 90.0 if parked else float(riseset.icrs_separation_deg(*(self._pointing or direction), *direction))
        time_s = distance * _ARCSEC_PER_DEG * self._telescope.slew_rate_s_per_arcsec
        return max(time_s, self._telescope.minimum_slew_overhead_s) if distance > 0 else 0.0

    def _direction(self, action: Action, at: datetime) -> tuple[float, float] | None:
        target = action.configuration.target
        if target is None:
            return self._pointing
        conditions = conditions_at(riseset_target(target), self._telescope, at)
        return conditions.ra_deg, conditions.dec_deg

    def _optical_change_s(self, action: Action) -> float:
        """The slowest of the elements that have to move."""
        setting = action.instrument_config
        if setting is None:
            return 0.0
        moving = {kind for kind, code in setting.optical_elements.items() if self._optics.get(kind) != str(code)}
        groups = (group for camera in action.instrument.science_cameras for group in camera.optical_element_groups)
        return max((group.element_change_overhead_s for group in groups if group.request_key in moving), default=0.0)


def _exposure_s(action: Action) -> float:
    """Fixed overhead, the longest exposure of the instrument's cameras, readout."""
    setting = action.instrument_config
    if setting is None:
        raise ValueError("an exposure needs its instrument config")
    kind = action.instrument.type
    times = [exposure_time_of(camera, setting, action.exposure_time_s) for camera in action.instrument.science_cameras]
    open_s = max([action.exposure_time_s, *times])
    return kind.fixed_overhead_per_exposure_s + open_s + kind.readout_overhead_s(setting.mode)


def _acquisition_s(action: Action) -> float:
    acquisition = action.configuration.acquisition_config
    exposure_s = acquisition.exposure_time or action.instrument.type.acquire_exposure_time_s
    return _mode_overhead_s(action.instrument, "acquisition", acquisition.mode) + exposure_s


def _mode_overhead_s(instrument: Instrument, kind: str, code: str) -> float:
    group = instrument.type.mode_groups.get(kind)
    mode = group.mode(code) if group else None
    return mode.overhead_s if mode else 0.0
