"""What monitors say, whatever they are. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from armillary.core.requests.facts import Downtime

ASSUMED_CLOSED: Final = timedelta(hours=1)
"""A closure whose end nobody knows is believed to last so long from now; it is looked at again at every reading."""
SEEING_VALID: Final = timedelta(minutes=20)
"""So long is a measurement of the seeing believed."""


class MonitorUnavailable(Exception):
    """A monitor could not be read: nobody knows the weather, so nothing is published."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A site, an enclosure or a telescope cannot observe now."""

    place: str
    """``site``, ``site.enclosure`` or ``site.enclosure.telescope``; any case."""
    reason: str
    until: datetime | None = None
    """When it is expected to be over; None: nobody knows."""

    def covers(self, telescope: str) -> bool:
        """Whether a telescope (``site.enclosure.telescope``) is at the place."""
        mine, its = self.place.casefold().split("."), telescope.casefold().split(".")
        return its[: len(mine)] == mine

    def as_downtime(self, telescope: str, now: datetime) -> Downtime | None:
        """The time it takes from a telescope, from now on; None if it is over."""
        end = self.until or now + ASSUMED_CLOSED
        if end <= now:
            return None
        return Downtime(now, end, *telescope.split(".", 2))


@dataclass(frozen=True, slots=True)
class Seeing:
    """A measurement of the seeing."""

    place: str
    """Where it holds; as for :attr:`Closure.place`."""
    arcsec: float
    """Full width at half maximum at zenith."""
    at: datetime

    def covers(self, telescope: str) -> bool:
        """Whether it says something about a telescope."""
        return Closure(self.place, "").covers(telescope)

    def blocks(self, limit_arcsec: float | None, now: datetime) -> bool:
        """Whether it forbids, now, what asks for a seeing better than a limit."""
        return limit_arcsec is not None and self.arcsec >= limit_arcsec and now < self.at + SEEING_VALID


@dataclass(frozen=True, slots=True)
class Conditions:
    """Everything that the monitors say at one moment."""

    closures: tuple[Closure, ...] = ()
    seeing: tuple[Seeing, ...] = ()

    def downtimes(self, telescopes: Iterable[str], now: datetime) -> tuple[Downtime, ...]:
        """The closures as downtimes of telescopes."""
        found = (
            closure.as_downtime(telescope, now)
            for telescope in telescopes
            for closure in self.closures
            if closure.covers(telescope)
        )
        return tuple(each for each in found if each is not None)

    def seeing_at(self, telescope: str) -> Seeing | None:
        """The newest measurement that holds for a telescope."""
        return max((each for each in self.seeing if each.covers(telescope)), key=lambda each: each.at, default=None)

    def differs_from(self, other: Conditions) -> bool:
        """Whether a plan should be made anew: something closed, opened, or the seeing was measured otherwise."""
        return set(self.closures) != set(other.closures) or {(each.place, each.arcsec) for each in self.seeing} != {
            (each.place, each.arcsec) for each in other.seeing
        }


@dataclass(frozen=True, slots=True)
class Measurement:
    """One datum of a telescope's telemetry, as databases of telemetry keep it."""

    place: str
    value: object
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """How measurements become conditions; the same for every kind of source."""

    kind: str = "availability"
    """``availability`` (true: it can observe) or ``seeing`` (arc seconds)."""
    longest_age: timedelta = field(default=timedelta(minutes=15))
    """An availability that is older is not believed: the telescope counts as closed."""

    def __post_init__(self) -> None:
        if self.kind not in {"availability", "seeing"}:
            raise ValueError(f"kind is {self.kind!r}; accepted are 'availability' and 'seeing'")

    def conditions(self, measurements: Iterable[Measurement], now: datetime) -> Conditions:
        """What the newest measurement of each place says.

        Raises:
            MonitorUnavailable: A value is not what the kind says.
        """
        newest: dict[str, Measurement] = {}
        for each in measurements:
            known = newest.get(each.place.casefold())
            if known is None or known.at < each.at:
                newest[each.place.casefold()] = each
        if self.kind == "seeing":
            return Conditions(seeing=tuple(Seeing(each.place, _number(each), each.at) for each in newest.values()))
        closures = (self._closure(each, now) for each in newest.values())
        return Conditions(closures=tuple(each for each in closures if each is not None))

    def _closure(self, each: Measurement, now: datetime) -> Closure | None:
        if now - each.at > self.longest_age:
            return Closure(each.place, f"nothing has been heard since {each.at:%Y-%m-%d %H:%M:%S} UTC")
        return None if _truth(each) else Closure(each.place, each.reason or "not available for scheduling")


class Monitor(Protocol):
    """Whatever measures."""

    def read(self, now: datetime) -> Conditions:
        """What it is like now.

        Raises:
            MonitorUnavailable: It cannot be told.
        """


def read_all(monitors: Iterable[Monitor], now: datetime) -> Conditions:
    """What all monitors say together.

    Raises:
        MonitorUnavailable: One of them cannot be read.
    """
    found = [monitor.read(now) for monitor in monitors]
    return Conditions(
        tuple(closure for each in found for closure in each.closures),
        tuple(seeing for each in found for seeing in each.seeing),
    )


def _number(each: Measurement) -> float:
    try:
        return float(str(each.value))
    except ValueError as error:
        raise MonitorUnavailable(f"the seeing at {each.place} is {each.value!r}, which is no number") from error


_TRUE, _FALSE = frozenset({"true", "1", "yes", "open", "available"}), frozenset({"false", "0", "no", "closed", ""})


def _truth(each: Measurement) -> bool:
    text = str(each.value).casefold()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise MonitorUnavailable(
        f"the availability of {each.place} is {each.value!r}; accepted are {sorted(_TRUE)} and {sorted(_FALSE)}"
    )
