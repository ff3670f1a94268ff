"""Weather as chance: spells of open and closed sky, and a seeing that wanders; the same for the same seed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp, log, sqrt
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

_DAYS_PER_BLOCK: Final = 32
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_STEP_S: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Course:
    """The weather of one site over a span."""

    closed: npt.NDArray[np.float64]
    """When it is closed: unix seconds, sorted, disjoint, half-open; shape (n, 2)."""
    times: npt.NDArray[np.float64]
    """Unix seconds at which the seeing is given; linear in between."""
    seeing: npt.NDArray[np.float64]
    """Arc seconds."""

    def closed_until(self, at: datetime) -> datetime | None:
        """When the site opens again; None if it is open."""
        second = at.timestamp()
        for start, end in self.closed:
            if start <= second < end:
                return datetime.fromtimestamp(float(end), UTC)
        return None

    def seeing_arcsec(self, at: datetime) -> float:
        """Full width at half maximum, arc seconds."""
        return float(np.interp(at.timestamp(), self.times, self.seeing))

    def is_open(self, start_s: float, end_s: float) -> bool:
        """Whether the site is open over a whole span of unix seconds."""
        if not len(self.closed):
            return True
        return not bool(((self.closed[:, 0] < end_s) & (start_s < self.closed[:, 1])).any())


@dataclass(frozen=True, slots=True)
class Weather:
    """How often and for how long sites are closed, and how good the seeing is.

    Open and closed spells follow each other, exponentially distributed; the logarithm of the seeing is a
    stationary process that forgets itself over some hours.
    """

    closed_share: float = 0.25
    """Share of time that a site is closed, 0 to less than 1."""
    closed_hours: float = 8.0
    """Mean length of a closed spell."""
    seeing_median_arcsec: float = 1.2
    seeing_spread: float = 0.3
    """Standard deviation of the natural logarithm of the seeing."""
    seeing_memory_hours: float = 3.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.closed_share < 1.0:
            raise ValueError(f"closed_share is {self.closed_share}; it is a share: from 0 to less than 1")
        for name in ("closed_hours", "seeing_median_arcsec", "seeing_memory_hours"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")

    def course(self, site: str, start: datetime, end: datetime, seed: int) -> Course:
        """The weather of a site; every span of one seed is a part of the same endless course."""
        first, last = _block_of(start) - 1, _block_of(end)
        parts = [self._block(site, number, seed) for number in range(first, last + 1)]
        closed = np.concatenate([each.closed for each in parts])
        return Course(
            closed[(closed[:, 1] > start.timestamp()) & (closed[:, 0] < end.timestamp())],
            np.concatenate([each.times for each in parts]),
            np.concatenate([each.seeing for each in parts]),
        )

    def _block(self, site: str, number: int, seed: int) -> Course:
        """A month of it, by itself."""
        chance = np.random.default_rng([seed, *site.encode(), number + 100_000])
        begin = (_EPOCH + number * timedelta(days=_DAYS_PER_BLOCK)).timestamp()
        end = begin + _DAYS_PER_BLOCK * 86_400.0
        times = np.arange(begin, end, _STEP_S)
        return Course(self._spells(chance, begin, end), times, self._seeing(chance, len(times)))

    def _spells(self, chance: np.random.Generator, begin: float, end: float) -> npt.NDArray[np.float64]:
        if self.closed_share == 0.0:
            return np.empty((0, 2))
        mean_closed = 3600.0 * self.closed_hours
        mean_open = mean_closed * (1.0 - self.closed_share) / self.closed_share
        at, is_closed, spells = begin, bool(chance.random() < self.closed_share), []
        while at < end:
            until = min(end, at + chance.exponential(mean_closed if is_closed else mean_open))
            if is_closed and until > at:
                spells.append((at, until))
            at, is_closed = until, not is_closed
        return np.array(spells, dtype=np.float64).reshape(-1, 2)

    def _seeing(self, chance: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
        keep = exp(-_STEP_S / (3600.0 * self.seeing_memory_hours))
        noise = chance.normal(size=count)
        state = np.empty(count)
        state[0] = noise[0]
        for step in range(1, count):
            state[step] = keep * state[step - 1] + sqrt(1.0 - keep * keep) * noise[step]
        return np.asarray(np.exp(log(self.seeing_median_arcsec) + self.seeing_spread * state), dtype=np.float64)


def _block_of(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(days=_DAYS_PER_BLOCK)


class WeatherInvalid(ValueError):
    """A weather is not known, or its file is wrong."""


_NAMED: Final = {
    "clear": Weather(closed_share=0.0),
    "average": Weather(),
    "poor": Weather(closed_share=0.5, closed_hours=16.0, seeing_median_arcsec=1.8),
}


def weather_named(name: str) -> Weather:
    """``clear``, ``average`` or ``poor``; or what a JSON file with the fields of :class:`Weather` says.

    Raises:
        WeatherInvalid: It is neither.
    """
    if name in _NAMED:
        return _NAMED[name]
    try:
        content = json.loads(Path(name).read_text(encoding="utf-8"))
        return Weather(**content)
    except (OSError, ValueError, TypeError) as error:
        raise WeatherInvalid(
            f"the weather {name!r} is none of {', '.join(_NAMED)}, nor a JSON file with its parameters: {error}"
        ) from error
