"""Observations as they cross the wire: what telescopes execute, schedulers publish, and people look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from armillary.core.observations.states import ConfigurationState, ObservationState, is_live
from armillary.core.requests.model import Configuration, Request


class Summary(BaseModel):
    """A telescope's report on one executed configuration."""

    model_config = ConfigDict(extra="ignore")

    start: AwareDatetime
    end: AwareDatetime
    state: str
    time_completed: float
    """Seconds exposed."""
    reason: str = ""
    events: list[Any] | dict[str, Any] = Field(default_factory=list)


def _absent_if_empty(value: object) -> object:
    return value or None


OptionalSummary = Annotated[Summary | None, BeforeValidator(_absent_if_empty)]
"""A summary; the list flavour says ``{}`` and the detail flavour ``null`` when there is none."""


class ScheduledConfiguration(Configuration):
    """A configuration to execute, with what to report on."""

    configuration_status: int
    state: ConfigurationState = ConfigurationState.PENDING
    instrument_name: str = ""
    guide_camera_name: str = ""
    summary: OptionalSummary = None


class ScheduledRequest(Request):
    """A request inside an observation: its configurations come expanded, once for each repeat, in order."""

    configurations: Sequence[ScheduledConfiguration] = ()  # type: ignore[assignment]  # narrows what the wire holds


class ScheduledObservation(BaseModel):
    """An observation in the list flavour of the schedule."""

    model_config = ConfigDict(extra="allow")

    id: int
    request: ScheduledRequest
    site: str
    enclosure: str
    telescope: str
    start: AwareDatetime
    end: AwareDatetime
    priority: int = 10
    state: ObservationState
    proposal: str
    submitter: str
    name: str
    ipp_value: float
    observation_type: str
    request_group_id: int
    created: datetime | None = None
    modified: datetime | None = None

    @property
    def telescope_key(self) -> str:
        """Where: ``site.enclosure.telescope``."""
        return f"{self.site}.{self.enclosure}.{self.telescope}"

    @property
    def is_live(self) -> bool:
        """Whether the observation occupies its telescope."""
        return is_live(self.state)


class PlannedConfiguration(BaseModel):
    """Which instrument executes a configuration of a planned observation."""

    configuration: int
    instrument_name: str
    guide_camera_name: str = ""


class PlannedObservation(BaseModel):
    """An observation that a scheduler wants on a telescope."""

    request: int
    start: AwareDatetime
    end: AwareDatetime
    priority: int = 10
    configuration_statuses: Sequence[PlannedConfiguration]
