"""The short way for rapid-response work: onto a telescope's schedule at once, everything else afterwards.

It reads little (what is rapid and waits, and the schedule as far as that reaches), solves for the rapid work alone, and
exchanges only the observations that it displaces. The whole cycle that follows finds new places for those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from armillary.clients.portal import StaleSchedule
from armillary.core.observations.model import PlannedObservation, ScheduledObservation
from armillary.core.requests.model import RequestGroup
from armillary.scheduler.assembly import horizon_of
from armillary.scheduler.candidates import RAPID_RESPONSE
from armillary.scheduler.fetch import read_downtimes, read_live, read_standings, read_versions
from armillary.scheduler.monitors import read_all
from armillary.scheduler.publish import Difference, Place, Publication, cancel_and_post, publish_atomically
from armillary.scheduler.run import Displacement, SolverLimits, place_rapid
from armillary.scheduler.services import Services
from armillary.scheduler.snapshot import Snapshot
from armillary.scheduler.visibility import SkyWindows

_log = structlog.get_logger(__name__)
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class RapidOutcome:
    """What the short way has done."""

    placed: tuple[PlannedObservation, ...]
    displaced: tuple[int, ...]
    """Observations that had to give way."""
    is_stale: bool
    """Whether a schedule changed meanwhile, so that it should be tried again."""


def answer_rapid_response(
    services: Services,
    sky: SkyWindows,
    before: Snapshot,
    now: datetime,
    *,
    end: datetime,
    lead: timedelta,
    limits: SolverLimits,
    fence: int | None,
    announce: Callable[[Sequence[int]], None],
) -> RapidOutcome:
    """Place the rapid-response requests that wait.

    Args:
        services: Where to read and publish.
        sky: Cache of the sky's windows.
        before: The last snapshot: semesters and proposals are taken from it.
        now: The time.
        end: End of the horizon.
        lead: Until when the plan will be published.
        limits: When to stop.
        fence: Of the scheduler's lease.
        announce: Told the observations that are displaced, before they are.

    Raises:
        ClientError: A service could not be reached, or refused.
        MonitorUnavailable: A monitor could not be read.
    """
    snapshot = _read(services, before, now, end)
    if not snapshot.groups:
        return RapidOutcome((), (), is_stale=False)
    horizon = horizon_of(now, lead=lead, length=end - now)
    placed: list[PlannedObservation] = []
    displaced: list[int] = []
    versions = dict(snapshot.versions or {})
    for each in place_rapid(snapshot, horizon, sky, limits):
        announce(each.gives_way)
        try:
            _exchange(services, each, snapshot, versions, fence)
        except StaleSchedule as error:
            _log.info("rapid_plan_is_stale", telescope=each.telescope, reason=str(error.detail))
            return RapidOutcome(tuple(placed), tuple(displaced), is_stale=True)
        placed.append(each.observation)
        displaced += each.gives_way
    return RapidOutcome(tuple(placed), tuple(displaced), is_stale=False)


def _exchange(
    services: Services, each: Displacement, snapshot: Snapshot, versions: dict[str, str], fence: int | None
) -> None:
    change = Difference(each.telescope, (each.observation,), (each.observation,), (), (), each.gives_way)
    start = each.observation.start
    if snapshot.versions is None:
        cancel_and_post(services.portal, change, Publication())
        return
    place = Place(each.telescope, start, start + _SECOND, versions.get(each.telescope, "0"), fence)
    versions[each.telescope] = publish_atomically(services.portal, change, place, Publication())


def _read(services: Services, before: Snapshot, now: datetime, end: datetime) -> Snapshot:
    """A snapshot that holds of the requests only the rapid ones that are not scheduled yet."""
    groups = list(services.portal.request_groups(state="PENDING", observation_type=RAPID_RESPONSE))
    ends = (window.end for group in groups for request in group.requests for window in request.windows)
    last = max(ends, default=now)
    observatory = services.configdb.observatory()
    conditions = read_all(services.monitors, now)
    versions = read_versions(services.portal, observatory)
    live = read_live(services.portal, now, min(last, end)) if groups else ()
    known = all(group.proposal in before.proposals for group in groups)
    return replace(
        before,
        at=now,
        groups=tuple(_unscheduled(groups, live)),
        proposals=before.proposals if known else read_standings(services.portal),
        observatory=observatory,
        downtimes=read_downtimes(services.downtime, observatory, conditions, now, end),
        live=live,
        versions=versions,
        conditions=conditions,
    )


def _unscheduled(groups: Sequence[RequestGroup], live: Sequence[ScheduledObservation]) -> list[RequestGroup]:
    scheduled = {each.request.id for each in live}
    left = ((group, [each for each in group.requests if each.id not in scheduled]) for group in groups)
    return [group.model_copy(update={"requests": requests}) for group, requests in left if requests]
