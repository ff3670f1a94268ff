"""Bad luck on purpose: bad weather and broken instruments, the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

_WEATHER_SLOT_S: Final = 1800


@dataclass(frozen=True, slots=True)
class Faults:
    """How often a simulated telescope fails."""

    seed: int = 0
    weather_probability: float = 0.0
    """Share of the half hours of a night with the enclosure closed, per site."""
    exposure_fault_probability: float = 0.0
    """Share of exposures that the instrument loses."""
    acquisition_fault_probability: float = 0.0
    """Share of acquisitions that do not find their target."""

    def __post_init__(self) -> None:
        for name in ("weather_probability", "exposure_fault_probability", "acquisition_fault_probability"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a probability: it must lie between 0 and 1, not {getattr(self, name)}")

    def weather(self, site: str, at: datetime) -> str | None:
        """Why the enclosures of a site are closed; None if they are open."""
        slot = int(at.timestamp()) // _WEATHER_SLOT_S
        if self._draw(1, *site.encode(), slot) >= self.weather_probability:
            return None
        return "Weather: clouds" if self._draw(2, *site.encode(), slot) < 0.7 else "Weather: humidity above limit"

    def exposure(self, observation: int, configuration_status: int, number: int) -> str | None:
        """Why the instrument lost an exposure; None if it did not."""
        if self._draw(3, observation, configuration_status, number) < self.exposure_fault_probability:
            return "Instrument: the camera's readout timed out"
        return None

    def acquisition(self, observation: int, configuration_status: int) -> str | None:
        """Why the target was not acquired; None if it was."""
        if self._draw(4, observation, configuration_status) < self.acquisition_fault_probability:
            return "Acquisition: the target was not found in the field"
        return None

    def _draw(self, *key: int) -> float:
        """A number between 0 and 1 that belongs to the key."""
        return float(np.random.default_rng([self.seed, *key]).random())
