"""From candidates to the kernel's problem, and from its plan back to observations. Pure.

The kernel's seconds count from the run's time, rounded down to a whole second, which is the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

import numpy as np

from armillary.core.observations.model import PlannedObservation, ScheduledObservation
from armillary.core.observatory import Telescope
from armillary.core.requests.facts import Downtime, semester_of
from armillary.core.requests.model import Request
from armillary.core.requests.visibility import instrument_types_of
from armillary.scheduler.candidates import Candidate
from armillary.scheduler.kernel import (
    Allocation,
    Entry,
    Fixed,
    Preference,
    Problem,
    Reservation,
    Resource,
    Windows,
)
from armillary.scheduler.monitors.model import SEEING_VALID, Seeing
from armillary.scheduler.snapshot import Snapshot
from armillary.scheduler.visibility import (
    NOTHING,
    SkyWindows,
    Spans,
    airmass_samples,
    clip,
    darkness,
    each_whole,
    subtract,
    whole_seconds,
)

OBSERVATION_PRIORITY: Final = 10  # the wire's default; telescopes that sort by it see scheduled work alike
_OVERRUN_S: Final = 60.0
_BUCKETS: Final = ("NORMAL", "TIME_CRITICAL", "RAPID_RESPONSE")


@dataclass(frozen=True, slots=True)
class Horizon:
    """The span that a run plans."""

    epoch: datetime
    """Zero of the kernel's seconds."""
    start: datetime
    """First moment at which an observation may begin; what begins before stays as it is."""
    end: datetime

    def seconds(self, at: datetime) -> float:
        """The kernel's seconds of a time."""
        return (at - self.epoch).total_seconds()

    def spans(self, unix: Spans) -> Spans:
        """The kernel's seconds of spans, cut to the horizon and to whole seconds."""
        inside = clip(unix, self.start.timestamp(), self.end.timestamp())
        return whole_seconds(inside - self.epoch.timestamp())

    def time(self, seconds: float) -> datetime:
        """The time of the kernel's seconds, rounded up to a whole one.

        Rounding up keeps every rule: durations and the edges of windows are whole seconds.
        """
        return self.epoch + timedelta(seconds=ceil(seconds - 1e-6))


def horizon_of(now: datetime, *, lead: timedelta, length: timedelta) -> Horizon:
    """The horizon of a run that begins now and publishes after at most ``lead``."""
    epoch = now.astimezone(UTC).replace(microsecond=0)
    return Horizon(epoch, epoch + timedelta(seconds=ceil(lead.total_seconds())), epoch + length)


def windows_of(
    candidates: Sequence[Candidate], snapshot: Snapshot, horizon: Horizon, sky: SkyWindows
) -> list[dict[str, Spans]]:
    """For each candidate, by telescope key, when it could be observed, in the kernel's seconds.

    The sky's windows within the request's own, without the downtimes of the instrument types it needs and without the
    time in which the seeing is too bad for it.
    """
    telescopes = [[place.telescope for place in candidate.places.values()] for candidate in candidates]
    requests = [candidate.request for candidate in candidates]
    seen = sky.of(requests, telescopes, horizon.start, horizon.end)
    special = _special_downtimes(snapshot)
    seeing = _seeing(snapshot)
    found = []
    for candidate, own in zip(candidates, seen, strict=True):
        limit = _seeing_limit(candidate.request) if seeing else None
        if limit is None and special.keys().isdisjoint(own):
            found.append(own)  # telescopes of one site share their spans
            continue
        holes = {key: _holes(candidate, key, special, seeing, limit, snapshot.at) for key in own}
        found.append({key: subtract(spans, holes[key]) for key, spans in own.items()})
    return _in_seconds(found, horizon)


def _in_seconds(windows: Sequence[Mapping[str, Spans]], horizon: Horizon) -> list[dict[str, Spans]]:
    """The kernel's whole seconds, of all at once; what is empty is left out."""
    distinct = {id(spans): spans for own in windows for spans in own.values()}
    whole = each_whole(list(distinct.values()), horizon.epoch.timestamp())
    counted = dict(zip(distinct, whole, strict=True))
    return [{key: counted[id(spans)] for key, spans in own.items() if len(counted[id(spans)])} for own in windows]


def _special_downtimes(snapshot: Snapshot) -> dict[str, list[Downtime]]:
    """Downtimes of single instrument types, by telescope key."""
    found: dict[str, list[Downtime]] = {}
    for telescope in snapshot.observatory.telescopes():
        own = [each for each in snapshot.downtimes if each.instrument_type and _is_at(each, telescope.key)]
        if own:
            found[telescope.key] = own
    return found


def _is_at(downtime: Downtime, telescope: str) -> bool:
    return downtime.telescope_key.casefold() == telescope.casefold()


def _holes(
    candidate: Candidate,
    telescope: str,
    special: Mapping[str, Sequence[Downtime]],
    seeing: Mapping[str, Seeing],
    limit_arcsec: float | None,
    now: datetime,
) -> list[tuple[float, float]]:
    """When a telescope could see a request and yet not take it."""
    types = instrument_types_of(candidate.request)
    holes = [
        (each.start.timestamp(), each.end.timestamp())
        for each in special.get(telescope, ())
        if each.stops(telescope, types)
    ]
    measured = seeing.get(telescope)
    if measured is not None and measured.blocks(limit_arcsec, now):
        holes.append((now.timestamp(), (measured.at + SEEING_VALID).timestamp()))
    return holes


def _seeing(snapshot: Snapshot) -> dict[str, Seeing]:
    """What is known of the seeing, by telescope key."""
    found = ((each.key, snapshot.conditions.seeing_at(each.key)) for each in snapshot.observatory.telescopes())
    return {key: seeing for key, seeing in found if seeing is not None}


def _seeing_limit(request: Request) -> float | None:
    """The best seeing that one of the configurations asks for, arc seconds."""
    limits = [each.constraints.max_seeing for each in request.configurations if each.constraints.max_seeing is not None]
    return min(limits, default=None)


def resources_of(snapshot: Snapshot, horizon: Horizon) -> list[Resource]:
    """The telescopes in service, when it is dark and nothing keeps the whole of them from work."""
    return [
        Resource(telescope.key, horizon.spans(_open(telescope, snapshot, horizon)))
        for telescope in snapshot.observatory.telescopes()
        if telescope.in_service
    ]


def fixed_of(
    observations: Iterable[ScheduledObservation], resources: Sequence[Resource], horizon: Horizon
) -> list[Fixed]:
    """What may not be moved; an observation that runs late keeps its telescope a little longer."""
    known = {resource.id for resource in resources}
    begin = horizon.seconds(horizon.start)
    found = []
    for each in observations:
        if each.telescope_key not in known:
            continue
        start, end = horizon.seconds(each.start), ceil(horizon.seconds(each.end))
        if each.state == "IN_PROGRESS":
            end = max(end, ceil(begin + _OVERRUN_S)) if end <= begin else end
        if start < end:
            found.append(Fixed(each.telescope_key, start, float(end)))
    return found


def assemble(
    candidates: Sequence[Candidate],
    windows: Sequence[Mapping[str, Spans]],
    resources: Sequence[Resource],
    *,
    fixed: Sequence[Fixed],
    snapshot: Snapshot,
    horizon: Horizon,
) -> Problem:
    """The kernel's problem.

    Requests of one group are independent of each other on this wire (SINGLE has one, MANY says so), so there are no
    groups for the kernel.
    """
    allocations, charges = _allocations(candidates, snapshot, horizon)
    return Problem(
        resources=resources,
        reservations=[
            Reservation(
                id=candidate.request_id,
                duration_s=float(candidate.duration_s),
                value=candidate.value,
                charges=charges.get(candidate.request_id, {}),
                party=candidate.proposal,
                rank=candidate.tac_priority,
            )
            for candidate in candidates
        ],
        windows=Windows.from_mappings(windows, resources),
        fixed=fixed,
        allocations=allocations,
        preferences=_preferences(candidates, windows, horizon),
        published=_published(candidates, snapshot, horizon),
    )


def planned(entry: Entry, candidate: Candidate, horizon: Horizon) -> PlannedObservation:
    """The observation that a plan's entry means."""
    start = horizon.time(entry.start_s)
    return PlannedObservation(
        request=candidate.request_id,
        start=start,
        end=start + timedelta(seconds=candidate.duration_s),
        priority=OBSERVATION_PRIORITY,
        configuration_statuses=list(candidate.configurations_at(entry.resource)),
    )


def _open(telescope: Telescope, snapshot: Snapshot, horizon: Horizon) -> Spans:
    dark = darkness(telescope, horizon.start, horizon.end) if horizon.start < horizon.end else NOTHING
    holes = [
        (each.start.timestamp(), each.end.timestamp())
        for each in snapshot.downtimes
        if not each.instrument_type and each.stops(telescope.key, frozenset())
    ]
    return subtract(dark, holes)


def _published(candidates: Sequence[Candidate], snapshot: Snapshot, horizon: Horizon) -> list[Entry]:
    """The part of the schedule in force that is up for decision."""
    wanted = {candidate.request_id for candidate in candidates}
    return [
        Entry(each.request.id or 0, each.telescope_key, horizon.seconds(each.start))
        for each in snapshot.live
        if each.request.id in wanted and each.state == "PENDING" and each.start >= horizon.start
    ]


def _preferences(
    candidates: Sequence[Candidate], windows: Sequence[Mapping[str, Spans]], horizon: Horizon
) -> list[Preference]:
    """Airmass at every possible start, half a duration later, for requests that want it low."""
    epoch = horizon.epoch.timestamp()
    found = []
    for candidate, own in zip(candidates, windows, strict=True):
        if candidate.request.optimization_type != "AIRMASS":
            continue
        for key, spans in own.items():
            samples = airmass_samples(candidate.request, candidate.places[key].telescope, spans + epoch)
            if samples is not None:
                times = samples[0] - epoch - candidate.duration_s / 2
                found.append(Preference(candidate.request_id, key, np.asarray(times), samples[1]))
    return found


def _allocations(
    candidates: Sequence[Candidate], snapshot: Snapshot, horizon: Horizon
) -> tuple[list[Allocation], dict[int, dict[str, float]]]:
    """The caps that could bind, and what each candidate would use of them.

    A proposal's time is not planned past what it has left; what runs now is not charged yet and counts as used.
    """
    demand: dict[str, float] = {}
    limits: dict[str, float] = {}
    charges: dict[int, dict[str, float]] = {}
    for candidate in candidates:
        for name, limit_s in _budgets(candidate.proposal, candidate.observation_type, candidate.request, snapshot):
            limits[name] = limit_s
            demand[name] = demand.get(name, 0.0) + candidate.duration_s
            charges.setdefault(candidate.request_id, {})[name] = float(candidate.duration_s)
    for each in snapshot.live:
        if each.start < horizon.start and each.observation_type in _BUCKETS:
            for name, _ in _budgets(each.proposal, each.observation_type, each.request, snapshot):
                if name in limits:
                    limits[name] -= (each.end - each.start).total_seconds()
    binding = {name for name, limit_s in limits.items() if demand[name] > limit_s}
    return (
        [Allocation(name, max(0.0, limits[name])) for name in sorted(binding)],
        {owner: {name: s for name, s in own.items() if name in binding} for owner, own in charges.items()},
    )


def _budgets(proposal: str, observation_type: str, request: Request, snapshot: Snapshot) -> Iterator[tuple[str, float]]:
    """The budgets that a request draws on: name and seconds left, the allowed overuse included."""
    standing = snapshot.proposals.get(proposal)
    types = instrument_types_of(request)
    semester = _semester_of(request, snapshot)
    for allocation in standing.allocations if standing else ():
        if allocation.semester == semester and types & set(allocation.instrument_types):
            name = f"{proposal} {allocation.semester} {'+'.join(allocation.instrument_types)} {observation_type}"
            yield name, 3600.0 * allocation.left_h(observation_type) * snapshot.time_overuse_allowance


def _semester_of(request: Request, snapshot: Snapshot) -> str | None:
    """Which semester pays; inside an observation a request has no windows, and then it is the current one's."""
    bounds = [(window.start, window.end) for window in request.windows] or [(snapshot.at, snapshot.at)]
    found = semester_of(snapshot.semesters, min(start for start, _ in bounds), max(end for _, end in bounds))
    return None if found is None else found.id
