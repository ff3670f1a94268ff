"""How long a request takes, to the second, and what every second is for.

A duration is a promise made at submission: it is charged against, scheduled and shown, so it must be one number,
whichever telescope will do the work. Overheads that belong to a telescope (slewing, changing instruments) are
therefore those of the reference telescope of the instrument type, the first in the configuration database that has
one.

All seconds are floats until the very end; the duration of a request is rounded up to a whole second once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from armillary.core.observatory import InstrumentType, Observatory, Telescope
from armillary.core.requests.facts import Semester, semester_of
from armillary.core.requests.model import (
    AcquisitionConfig,
    Configuration,
    GuidingConfig,
    InstrumentConfig,
    Request,
    RequestGroup,
    Target,
)

Kind = Literal[
    "exposure",
    "readout",
    "fixed_overhead",
    "repeat",
    "config_front_padding",
    "instrument_change",
    "optical_change",
    "slew",
    "acquisition",
    "guiding",
    "config_change",
    "front_padding",
]
GroupKey = tuple[str, str]
"""Semester id and instrument type: what one time allocation pays for."""

_MICROSECOND: Final = 6
_ARCSEC_PER_RADIAN: Final = math.degrees(1.0) * 3600.0
_MAS_PER_DEGREE: Final = 3.6e6
_DAYS_PER_JULIAN_YEAR: Final = 365.25
_J2000: Final = datetime(2000, 1, 1, 12, tzinfo=UTC)


class UnknownInstrumentType(LookupError):
    """A duration was asked for an instrument type that the observatory does not have."""

    def __init__(self, code: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown instrument type {code!r}; the observatory has {', '.join(sorted(known)) or 'none'}")


@dataclass(frozen=True, slots=True)
class Item:
    """Seconds and what they are for."""

    kind: Kind
    seconds: float
    label: str
    """A phrase for people: "2 x 30 s exposure"."""


@dataclass(frozen=True, slots=True)
class InstrumentConfigDuration:
    """A series of exposures."""

    seconds: float
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class ConfigurationDuration:
    """A configuration at its place in the sequence."""

    instrument_type: str
    seconds: float
    """Exposures and padding, or the time it repeats for; what a telescope needs to get there is in
    :attr:`overhead_s`."""
    overhead_s: float
    instrument_configs: tuple[InstrumentConfigDuration, ...]
    items: tuple[Item, ...]
    """Everything, the overheads first; they add up to `seconds + overhead_s`."""


@dataclass(frozen=True, slots=True)
class RequestDuration:
    """A request, all repeats of its configurations included."""

    seconds: int
    """The duration on the wire."""
    exact_s: float
    by_instrument_type: Mapping[str, float]
    """Unrounded seconds; they add up to :attr:`exact_s`."""
    configurations: tuple[ConfigurationDuration, ...]
    """One pass through the sequence, in the order of observation."""
    repeats: int
    front_padding: tuple[Item, ...]
    """Set-up, once for the whole request."""

    def breakdown(self) -> dict[Kind, float]:
        """Seconds of each kind over all repeats; they add up to :attr:`exact_s`."""
        total: dict[Kind, float] = {}
        for configuration in self.configurations:
            for item in configuration.items:
                total[item.kind] = total.get(item.kind, 0.0) + item.seconds * self.repeats
        for item in self.front_padding:
            total[item.kind] = total.get(item.kind, 0.0) + item.seconds
        return total


# --- exposures and configurations, each for itself ---


def instrument_config_duration(config: InstrumentConfig, instrument_type: InstrumentType) -> InstrumentConfigDuration:
    """A series of exposures: each with the overhead of its readout mode and the type's fixed overhead."""
    count = config.exposure_count
    exposure_s, readout_s = config.exposure_time, instrument_type.readout_overhead_s(config.mode)
    fixed_s = instrument_type.fixed_overhead_per_exposure_s
    return InstrumentConfigDuration(
        seconds=count * (exposure_s + readout_s + fixed_s),
        items=(
            Item("exposure", count * exposure_s, f"{count} x {exposure_s:g} s exposure"),
            Item("readout", count * readout_s, f"{count} x {readout_s:g} s readout"),
            Item("fixed_overhead", count * fixed_s, f"{count} x {fixed_s:g} s overhead of an exposure"),
        ),
    )


def exposures_duration_s(configuration: Configuration, instrument_type: InstrumentType) -> float:
    """All exposures of a configuration once, with their overheads."""
    configs = configuration.instrument_configs
    return sum(instrument_config_duration(config, instrument_type).seconds for config in configs)


def requested_exposure_s(configuration: Configuration) -> float:
    """What a configuration wants done, as its completion is measured: time repeated, or seconds of open shutter."""
    if configuration.repeats and configuration.repeat_duration is not None:
        return configuration.repeat_duration
    return sum(config.exposure_count * config.exposure_time for config in configuration.instrument_configs)


def configuration_duration(configuration: Configuration, observatory: Observatory) -> ConfigurationDuration:
    """A configuration by itself, without what it takes to get there.

    Raises:
        UnknownInstrumentType: The observatory has no such instruments.
    """
    return _configuration(configuration, _type(configuration, observatory), overheads=())


def _configuration(
    configuration: Configuration, instrument_type: InstrumentType, overheads: tuple[Item, ...]
) -> ConfigurationDuration:
    configs = tuple(instrument_config_duration(config, instrument_type) for config in configuration.instrument_configs)
    if configuration.repeats and configuration.repeat_duration is not None:
        seconds = configuration.repeat_duration
        own: tuple[Item, ...] = (Item("repeat", seconds, f"repeated for {seconds:g} s"),)
    else:
        padding_s = instrument_type.config_front_padding_s
        seconds = sum(config.seconds for config in configs) + padding_s
        padding = Item("config_front_padding", padding_s, "set-up of the configuration")
        own = (padding, *(item for config in configs for item in config.items))
    return ConfigurationDuration(
        instrument_type=instrument_type.code,
        seconds=seconds,
        overhead_s=sum(item.seconds for item in overheads),
        instrument_configs=configs,
        items=overheads + own,
    )


def _type(configuration: Configuration, observatory: Observatory) -> InstrumentType:
    found = observatory.instrument_type(configuration.instrument_type)
    if found is None:
        known = observatory.instrument_types(include_unschedulable=True)
        raise UnknownInstrumentType(configuration.instrument_type, known)
    return found


def _telescope(configuration: Configuration, observatory: Observatory) -> Telescope:
    found = observatory.reference_telescope(configuration.instrument_type)
    if found is None:
        known = observatory.instrument_types(include_unschedulable=True)
        raise UnknownInstrumentType(configuration.instrument_type, known)
    return found


# --- what it takes to get from one configuration to the next ---


class _Sequence:
    """Walks through configurations in order and knows what the telescope was doing before."""

    def __init__(self, observatory: Observatory, at: datetime) -> None:
        self._observatory = observatory
        self._at = at
        self._previous: Configuration | None = None
        self._elements: Mapping[str, object] = {}

    def step(self, configuration: Configuration) -> ConfigurationDuration:
        """The configuration with its overheads, after all that came before it."""
        instrument_type = _type(configuration, self._observatory)
        telescope = _telescope(configuration, self._observatory)
        items = (
            self._instrument_change(configuration, telescope),
            Item("optical_change", self.optical_change_s(configuration), "changes of optical elements"),
            Item("slew", self._slew_s(configuration, telescope), "slew to the target"),
            Item("acquisition", _acquisition_s(configuration.acquisition_config, instrument_type), "acquisition"),
            Item("guiding", _guiding_s(configuration.guiding_config, instrument_type), "start of guiding"),
            self._config_change(configuration, instrument_type),
        )
        self._previous = configuration
        return _configuration(configuration, instrument_type, tuple(item for item in items if item.seconds))

    def optical_change_s(self, configuration: Configuration) -> float:
        """Seconds to bring the elements of each instrument config in, the slowest group of each; remembers the last."""
        groups = self._observatory.optical_element_groups(configuration.instrument_type)
        total = 0.0
        for config in configuration.instrument_configs:
            changed = [key for key, code in config.optical_elements.items() if self._elements.get(key) != code]
            found = [group.element_change_overhead_s for key in changed if (group := groups.get(f"{key}s"))]
            total += max(found, default=0.0)
            self._elements = config.optical_elements
        return total

    def _instrument_change(self, configuration: Configuration, telescope: Telescope) -> Item:
        same = self._previous is not None and self._previous.instrument_type == configuration.instrument_type
        seconds = 0.0 if same else telescope.instrument_change_overhead_s
        return Item("instrument_change", seconds, f"change to {configuration.instrument_type}")

    def _config_change(self, configuration: Configuration, instrument_type: InstrumentType) -> Item:
        kind = instrument_type.configuration_types.get(configuration.type)
        same = self._previous is not None and self._previous.type == configuration.type
        seconds = 0.0 if same or kind is None else kind.config_change_overhead_s
        return Item("config_change", seconds, f"change to {configuration.type}")

    def _slew_s(self, configuration: Configuration, telescope: Telescope) -> float:
        if self._previous is None:
            return telescope.maximum_slew_overhead_s
        before, after = self._previous.target, configuration.target
        if not (_is_sidereal(before) and _is_sidereal(after)):
            return telescope.maximum_slew_overhead_s
        if before == after:
            return 0.0
        wanted_s = separation_arcsec(before, after, self._at) * telescope.slew_rate_s_per_arcsec
        return min(max(wanted_s, telescope.minimum_slew_overhead_s), telescope.maximum_slew_overhead_s)


def _acquisition_s(acquisition: AcquisitionConfig, instrument_type: InstrumentType) -> float:
    group = instrument_type.mode_groups.get("acquisition")
    mode = group.mode(acquisition.mode) if group and acquisition.mode != "OFF" else None
    return mode.overhead_s + (acquisition.exposure_time or instrument_type.acquire_exposure_time_s) if mode else 0.0


def _guiding_s(guiding: GuidingConfig, instrument_type: InstrumentType) -> float:
    group = instrument_type.mode_groups.get("guiding")
    counts = group and guiding.mode != "OFF" and not guiding.optional
    mode = group.mode(guiding.mode) if group and counts else None
    return mode.overhead_s if mode else 0.0


def _is_sidereal(target: Target | None) -> bool:
    return target is not None and target.type == "ICRS"


def separation_arcsec(first: Target | None, second: Target | None, at: datetime) -> float:
    """Angle between two ICRS targets at a moment, proper motion included; 0 if one of them has no position.

    Aberration and precession turn the sky as a whole: what they change in a separation is less than 0.01 %, so less
    than a slew can be told apart.
    """
    if first is None or second is None or None in (first.ra, first.dec, second.ra, second.dec):
        return 0.0
    (x1, y1, z1), (x2, y2, z2) = _direction(first, at), _direction(second, at)
    cross = math.hypot(y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2)
    return math.atan2(cross, x1 * x2 + y1 * y2 + z1 * z2) * _ARCSEC_PER_RADIAN


def _direction(target: Target, at: datetime) -> tuple[float, float, float]:
    years = (at - _J2000).total_seconds() / 86400.0 / _DAYS_PER_JULIAN_YEAR - ((target.epoch or 2000.0) - 2000.0)
    dec_deg = (target.dec or 0.0) + (target.proper_motion_dec or 0.0) * years / _MAS_PER_DEGREE
    dec = math.radians(dec_deg)
    along = (target.proper_motion_ra or 0.0) * years / _MAS_PER_DEGREE
    ra = math.radians((target.ra or 0.0) + along / max(math.cos(dec), 1e-9))
    return math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)


# --- requests ---


def request_duration(request: Request, observatory: Observatory) -> RequestDuration:
    """How long a request takes.

    Every repeat of the sequence costs the same, the slew to its first target included; the front padding is spent once
    and divided among the instrument types by their shares.

    Raises:
        UnknownInstrumentType: The observatory has no such instruments.
    """
    sequence = _Sequence(observatory, _reference_time(request))
    steps = tuple(sequence.step(configuration) for configuration in request.in_sequence())
    repeats = request.configuration_repeats
    per_type: dict[str, float] = {}
    for step in steps:
        per_type[step.instrument_type] = per_type.get(step.instrument_type, 0.0) + step.seconds + step.overhead_s
    per_type = {code: seconds * repeats for code, seconds in per_type.items()}
    padding = _front_padding(per_type, observatory)
    by_type = {code: seconds + padding[code].seconds for code, seconds in per_type.items()}
    exact_s = sum(by_type.values())
    return RequestDuration(
        seconds=_whole_seconds(exact_s),
        exact_s=exact_s,
        by_instrument_type=by_type,
        configurations=steps,
        repeats=repeats,
        front_padding=tuple(padding.values()),
    )


def _reference_time(request: Request) -> datetime:
    """The moment for which positions are compared: the start of the first window."""
    return request.windows[0].start if request.windows else _J2000


def _front_padding(per_type: Mapping[str, float], observatory: Observatory) -> dict[str, Item]:
    total = sum(per_type.values())
    padding: dict[str, Item] = {}
    for code, seconds in per_type.items():
        instrument_type = observatory.instrument_type(code)
        whole_s = instrument_type.observation_front_padding_s if instrument_type else 0.0
        share = seconds / total if total else 1.0 / len(per_type)
        padding[code] = Item("front_padding", whole_s * share, f"set-up of the observation with {code}")
    return padding


def _whole_seconds(seconds: float) -> int:
    """Rounded up; less than a microsecond is noise of the sum and must not cost a second."""
    return math.ceil(round(seconds, _MICROSECOND))


def remaining_duration(
    request: Request,
    observatory: Observatory,
    *,
    configuration_priority: int,
    repeat: int = 1,
    include_current: bool = False,
) -> float:
    """Seconds from the end of a configuration to the end of the observation; for moving the end of a running one.

    Args:
        request: The request that is observed.
        observatory: Where.
        configuration_priority: Which configuration is done, or at work.
        repeat: In which repeat of the sequence, from 1.
        include_current: Count from the first exposure of the configuration instead of from its end.

    Raises:
        UnknownInstrumentType: The observatory has no such instruments.
    """
    at = _reference_time(request)
    sequence, after_s, current_s = _Sequence(observatory, at), 0.0, 0.0
    for configuration in request.in_sequence():
        is_current = configuration.priority == configuration_priority
        if is_current and include_current:
            current_s = _current_s(request, configuration, observatory)
        step = sequence.step(configuration)
        if configuration.priority > configuration_priority:
            after_s += step.seconds + step.overhead_s
    whole = _Sequence(observatory, at)
    steps = [whole.step(configuration) for configuration in request.in_sequence()]
    per_repeat_s = sum(step.seconds + step.overhead_s for step in steps)
    return current_s + after_s + max(request.configuration_repeats - repeat, 0) * per_repeat_s


def _current_s(request: Request, current: Configuration, observatory: Observatory) -> float:
    """Exposures of the configuration at work, and its changes of elements after the configuration before it."""
    sequence = _Sequence(observatory, _reference_time(request))
    for configuration in request.in_sequence():
        if configuration.priority < current.priority:
            sequence.optical_change_s(configuration)
    if current.repeats and current.repeat_duration is not None:
        own_s = current.repeat_duration
    else:
        own_s = exposures_duration_s(current, _type(current, observatory))
    return own_s + sequence.optical_change_s(current)


# --- groups ---


def request_key(request: Request, semesters: Sequence[Semester]) -> str:
    """The semester that pays for a request: the one that holds all of its windows; "" if there is none."""
    if not request.windows:
        return ""
    start = min(window.start for window in request.windows)
    end = max(window.end for window in request.windows)
    semester = semester_of(semesters, start, end)
    return semester.id if semester else ""


def group_duration(
    group: RequestGroup, observatory: Observatory, semesters: Sequence[Semester]
) -> dict[GroupKey, float]:
    """Seconds that each allocation must be able to pay for at once, as submissions are checked.

    A single request counts as it is; of many, which are observed one by one, the longest counts.

    Raises:
        UnknownInstrumentType: The observatory has no such instruments.
    """
    largest: dict[GroupKey, float] = {}
    for request in group.requests:
        semester = request_key(request, semesters)
        for code, seconds in request_duration(request, observatory).by_instrument_type.items():
            counted = seconds if group.operator == "SINGLE" else float(_whole_seconds(seconds))
            largest[semester, code] = max(counted, largest.get((semester, code), 0.0))
    return largest


def total_group_duration(
    group: RequestGroup, observatory: Observatory, semesters: Sequence[Semester]
) -> dict[GroupKey, float]:
    """Seconds that each allocation pays for if every request of the group is observed.

    Raises:
        UnknownInstrumentType: The observatory has no such instruments.
    """
    total: dict[GroupKey, float] = {}
    for request in group.requests:
        semester = request_key(request, semesters)
        for code, seconds in request_duration(request, observatory).by_instrument_type.items():
            total[semester, code] = total.get((semester, code), 0.0) + seconds
    return total
