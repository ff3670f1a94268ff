"""What the agent asks of a telescope, whatever it is made of.

A driver does one action at a time and never blocks: the agent begins an action, comes back later and asks for its
outcome. :mod:`armillary.telescope.drivers.simulator` is one; a driver of real hardware implements the same protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from armillary.core.observations.model import ScheduledConfiguration
from armillary.core.observatory import Camera, Instrument
from armillary.core.requests.model import InstrumentConfig

Card = tuple[str, Any, str]
"""A FITS header card: keyword, value, comment."""


class ActionKind(StrEnum):
    """What a telescope can be asked to do."""

    CHANGE_INSTRUMENT = "change instrument"
    SLEW = "slew"
    ACQUIRE = "acquire"
    GUIDE = "start guiding"
    CHANGE_OPTICS = "change optical elements"
    EXPOSE = "expose"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do for a configuration of an observation."""

    kind: ActionKind
    observation: int
    configuration: ScheduledConfiguration
    instrument: Instrument
    instrument_config: InstrumentConfig | None = None
    """Given for CHANGE_OPTICS and EXPOSE."""
    exposure_number: int = 0
    """Counts from 0 within the configuration; for EXPOSE."""
    exposure_time_s: float = 0.0
    """For EXPOSE."""
    duration_s: float = 0.0
    """For HOLD: how long the telescope stays on its target."""


@dataclass(frozen=True, slots=True)
class CameraImage:
    """What one camera of the instrument recorded in an exposure."""

    camera: Camera
    exposure_time_s: float
    pixels: npt.NDArray[np.uint16]
    """Rows of the detector as read out, in ADU; shape (y, x)."""
    cards: tuple[Card, ...]
    """What the driver knows better than anybody: detector, world coordinates, weather; replaces the agent's cards."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ended."""

    start: datetime
    end: datetime
    images: tuple[CameraImage, ...] = ()
    exposure_start: datetime | None = None
    """When the shutter opened."""
    fault: str | None = None
    """Why it failed; None if it did not."""


class Driver(Protocol):
    """A telescope with its instruments."""

    def hindrance(self, at: datetime) -> str | None:
        """Why nothing can be observed now (weather, a technical fault), in a sentence; None if it can."""

    def begin(self, action: Action, at: datetime) -> datetime:
        """Begin an action and return when it should be over.

        Args:
            action: What to do. The previous action is over.
            at: When the previous action ended. A simulator counts from here; hardware begins now.
        """

    def outcome(self, now: datetime) -> Outcome | None:
        """The outcome of the action that was begun; None while it goes on."""

    def stop(self, now: datetime) -> None:
        """Break off whatever is going on; what it would have brought is lost."""
