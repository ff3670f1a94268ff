"""What the rules need to know and do not fetch: semesters, downtimes, the proposal, the limits of the installation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from armillary.core.observatory import Observatory
from armillary.core.requests.model import RequestGroup

Errors = dict[str, Any]
"""Refusals in the shape of the wire: field → list of sentences, or the same again for nested objects; in a list of
objects `{}` stands for a good one. Empty means accepted."""

NON_FIELD: Final = "non_field_errors"
"""Key of the sentences about an object as a whole."""


@dataclass(frozen=True, slots=True)
class Semester:
    """A span for which time is allocated: from `start`, before `end`."""

    id: str
    start: datetime
    end: datetime

    def holds(self, start: datetime, end: datetime) -> bool:
        """Whether the whole interval lies in it."""
        return self.start <= start and end <= self.end


def semester_of(semesters: Sequence[Semester], start: datetime, end: datetime) -> Semester | None:
    """The semester in which the whole interval lies."""
    return next((semester for semester in semesters if semester.holds(start, end)), None)


@dataclass(frozen=True, slots=True)
class Downtime:
    """A span in which a telescope, or one instrument type on it, cannot observe."""

    start: datetime
    end: datetime
    site: str
    enclosure: str
    telescope: str
    instrument_type: str = ""
    """Empty: every instrument."""

    @property
    def telescope_key(self) -> str:
        """`site.enclosure.telescope`."""
        return f"{self.site}.{self.enclosure}.{self.telescope}"

    def stops(self, telescope_key: str, instrument_types: frozenset[str]) -> bool:
        """Whether it keeps that telescope from work with any of those instrument types."""
        if self.telescope_key.casefold() != telescope_key.casefold():
            return False
        return not self.instrument_type or self.instrument_type.upper() in instrument_types


@dataclass(frozen=True, slots=True)
class Allocation:
    """Hours that a proposal has in a semester on a set of instrument types, which share them."""

    semester: str
    instrument_types: tuple[str, ...]
    std_allocation_h: float = 0.0
    std_time_used_h: float = 0.0
    rr_allocation_h: float = 0.0
    rr_time_used_h: float = 0.0
    tc_allocation_h: float = 0.0
    tc_time_used_h: float = 0.0
    ipp_limit_h: float = 0.0
    ipp_time_available_h: float = 0.0

    def allocated_h(self, observation_type: str) -> float:
        """Hours that were given for an observation type."""
        return self._bucket(observation_type)[0]

    def used_h(self, observation_type: str) -> float:
        """Hours of them that are used."""
        return self._bucket(observation_type)[1]

    def left_h(self, observation_type: str) -> float:
        """Hours of them that are not used yet; negative when the allocation is overdrawn."""
        allocated, used = self._bucket(observation_type)
        return allocated - used

    def _bucket(self, observation_type: str) -> tuple[float, float]:
        return {
            "NORMAL": (self.std_allocation_h, self.std_time_used_h),
            "RAPID_RESPONSE": (self.rr_allocation_h, self.rr_time_used_h),
            "TIME_CRITICAL": (self.tc_allocation_h, self.tc_time_used_h),
        }[observation_type]


@dataclass(frozen=True, slots=True)
class ProposalFacts:
    """How the submitter and the proposal stand."""

    id: str
    active: bool
    is_member: bool
    allocations: tuple[Allocation, ...] = ()
    time_limit_s: float | None = None
    """Seconds that the member may request in the semester; none: no limit."""
    time_requested_s: float = 0.0
    """Seconds that the member has requested in the current semester already."""

    def allocation(self, semester: str, instrument_type: str) -> Allocation | None:
        """The allocation that pays for an instrument type in a semester."""
        return next(
            (
                item
                for item in self.allocations
                if item.semester == semester and instrument_type in item.instrument_types
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """What the installation allows."""

    min_ipp_value: float = 0.5
    max_ipp_value: float = 2.0
    time_overuse_allowance: float = 1.1
    """A request is accepted while it needs no more than this many times what is left."""


class RequestRule(Protocol):
    """A rule of an observatory's own, found by the portal through the entry point group `armillary.request_rules`.

    It sees a group that has passed all other rules and answers with refusals in the wire's shape, paths included:
    `{"requests": [{"non_field_errors": ["..."]}]}`. An empty dictionary accepts.
    """

    def __call__(self, group: RequestGroup, context: ValidationContext) -> Errors:
        """The refusals."""


@dataclass(frozen=True, slots=True)
class ValidationContext:
    """Everything that the rules are told."""

    observatory: Observatory
    now: datetime
    semesters: Sequence[Semester]
    is_staff: bool = False
    """Whether the submitter is staff: staff who name the full location may use instruments that are not schedulable."""
    proposal: ProposalFacts | None = None
    """None: the group names a proposal that does not exist."""
    downtimes: Sequence[Downtime] = ()
    limits: Limits = field(default_factory=Limits)
    extra_rules: Sequence[RequestRule] = ()
