"""From requests to what may be scheduled in this run, and the reasons of those that may not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from armillary.core.observations.model import PlannedConfiguration, ScheduledObservation
from armillary.core.requests.model import UNSCHEDULED, Request, RequestGroup
from armillary.scheduler.eligibility import Place, eligibility
from armillary.scheduler.priorities import effective_value
from armillary.scheduler.snapshot import Snapshot

RAPID_RESPONSE: Final = "RAPID_RESPONSE"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request that may be scheduled."""

    request: Request
    request_id: int
    group_id: int
    proposal: str
    observation_type: str
    tac_priority: float
    duration_s: int
    value: float
    places: Mapping[str, Place]
    """By telescope key."""

    @property
    def is_rapid_response(self) -> bool:
        """Whether it goes before everything else."""
        return self.observation_type == RAPID_RESPONSE

    def configurations_at(self, telescope: str) -> tuple[PlannedConfiguration, ...]:
        """Which instruments would execute it there, all repeats in order."""
        return self.places[telescope].configurations * self.request.configuration_repeats


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A request that cannot be scheduled in this run, and why."""

    request_id: int
    group_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """All requests of a snapshot, sorted out."""

    candidates: tuple[Candidate, ...]
    exclusions: tuple[Exclusion, ...]


def select(snapshot: Snapshot, *, frozen_before: datetime) -> Selection:
    """Sort the snapshot's requests out.

    Args:
        snapshot: What is known.
        frozen_before: Observations that begin before are not touched any more, so their requests are not either.
    """
    engaged = {each.request.id: each for each in snapshot.live if each.start < frozen_before or not _is_ours(each)}
    candidates: list[Candidate] = []
    exclusions: list[Exclusion] = []
    for group, request in _children(snapshot):
        observation = engaged.get(request.id)
        verdict = _engaged(observation) if observation is not None else _judge(group, request, snapshot)
        if isinstance(verdict, str):
            exclusions.append(Exclusion(request.id or 0, group.id or 0, verdict))
        else:
            candidates.append(verdict)
    return Selection(tuple(candidates), tuple(exclusions))


def _children(snapshot: Snapshot) -> Iterator[tuple[RequestGroup, Request]]:
    """The requests that still want to be observed."""
    for group in snapshot.groups:
        for request in group.requests:
            if request.state == "PENDING":
                yield group, request


def _is_ours(observation: ScheduledObservation) -> bool:
    """Whether the scheduler may move it: direct submissions and real-time sessions are their makers'."""
    return observation.observation_type not in UNSCHEDULED


def _engaged(observation: ScheduledObservation) -> str:
    how = "is being observed" if observation.state == "IN_PROGRESS" else "is about to be observed"
    when = f"observation {observation.id}, from {observation.start:%H:%M:%S} UTC"
    return f"It {how} on {observation.telescope_key} ({when})."


def _judge(group: RequestGroup, request: Request, snapshot: Snapshot) -> Candidate | str:
    refusal = _refusal(group, request, snapshot)
    if refusal:
        return refusal
    standing = snapshot.proposals[group.proposal]
    duration_s = request.duration or 0
    value = effective_value(
        observation_type=group.observation_type,
        tac_priority=standing.tac_priority,
        ipp_value=group.ipp_value,
        duration_s=duration_s,
        request_id=request.id or 0,
    )
    if value <= 0:
        return f"Its value is 0: the priority of proposal {group.proposal} is {standing.tac_priority:g}."
    where = eligibility(request, snapshot.observatory, is_staff=bool(group.is_staff))
    if not where.places:
        return f"No telescope can execute it: {where.reason}."
    return Candidate(
        request=request,
        request_id=request.id or 0,
        group_id=group.id or 0,
        proposal=group.proposal,
        observation_type=group.observation_type,
        tac_priority=standing.tac_priority,
        duration_s=duration_s,
        value=value,
        places=where.places,
    )


def _refusal(group: RequestGroup, request: Request, snapshot: Snapshot) -> str:
    """Why a request is not the scheduler's business now; empty if it is."""
    if group.observation_type in UNSCHEDULED:
        return f"Requests of type {group.observation_type} are placed by whoever makes them."
    if request.suspend_until is not None and request.suspend_until > snapshot.at:
        return f"It is suspended until {request.suspend_until:%Y-%m-%d %H:%M} UTC."
    if group.proposal not in snapshot.proposals:
        return f"Proposal {group.proposal} is not active."
    return "" if request.duration else "It has no duration."
