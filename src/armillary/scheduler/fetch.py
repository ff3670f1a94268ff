"""Reading the world. A source that cannot be read is an error, never an empty answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from armillary.clients.configdb import ConfigDBClient
from armillary.clients.downtime import DowntimeClient
from armillary.clients.errors import RequestRefused
from armillary.clients.portal import PortalClient
from armillary.clients.transport import expecting
from armillary.core.observations.model import ScheduledObservation
from armillary.core.observations.states import LIVE, ObservationState
from armillary.core.observatory import Observatory
from armillary.core.requests.facts import Allocation, Downtime, Semester, semester_of
from armillary.scheduler.snapshot import ProposalStanding, Snapshot

_NOT_FOUND: Final = 404
_LATE: Final = timedelta(hours=1)
_ALLOCATION_FIELDS: Final = (
    "std_allocation", "std_time_used", "rr_allocation", "rr_time_used", "tc_allocation", "tc_time_used",
)  # fmt: skip


def read_snapshot(
    portal: PortalClient,
    configdb: ConfigDBClient,
    downtime: DowntimeClient,
    *,
    now: datetime,
    end: datetime,
    time_overuse_allowance: float = 1.0,
) -> Snapshot:
    """What a run needs to know.

    Args:
        portal: Requests, proposals and the schedule in force.
        configdb: What stands where.
        downtime: When it cannot observe.
        now: The time.
        end: End of the horizon.
        time_overuse_allowance: See :class:`Snapshot`.

    Raises:
        armillary.clients.errors.ClientError: A service could not be reached, refused, or answered nonsense.
    """
    observatory = configdb.observatory()
    versions = read_versions(portal, observatory)
    live = _live(portal, now)
    semesters = tuple(Semester(each.id, each.start, each.end) for each in portal.semesters())
    groups = portal.schedulable_request_groups(start=_earliest_window(semesters, now), end=end)
    return Snapshot(
        at=now,
        groups=tuple(groups),
        proposals=_standings(portal),
        observatory=observatory,
        downtimes=tuple(
            Downtime(each.start, each.end, each.site, each.enclosure, each.telescope, each.instrument_type)
            for each in downtime.list(ends_after=now, starts_before=end)
        ),
        live=live,
        semesters=semesters,
        time_overuse_allowance=time_overuse_allowance,
        versions=versions,
    )


def read_versions(portal: PortalClient, observatory: Observatory) -> dict[str, str]:
    """The version of every telescope's schedule; empty if the portal does not know such a thing."""
    versions: dict[str, str] = {}
    for telescope in observatory.telescopes():
        try:
            versions[telescope.key] = portal.schedule_version(telescope.site, telescope.enclosure, telescope.code)
        except RequestRefused as error:
            if error.status == _NOT_FOUND:
                return {}
            raise
    return versions


def _live(portal: PortalClient, now: datetime) -> tuple[ScheduledObservation, ...]:
    """What is pending, and what runs, perhaps a little late; a pending one whose time is over blocks nobody."""
    found = portal.schedule(states=sorted(state.value for state in LIVE), end_after=now - _LATE)
    return tuple(each for each in found if each.state == ObservationState.IN_PROGRESS or each.end > now)


def _earliest_window(semesters: Sequence[Semester], now: datetime) -> datetime | None:
    """The feed selects requests by the start of a window, so the past of the semester counts, too."""
    current = semester_of(semesters, now, now)
    return None if current is None else current.start


def _standings(portal: PortalClient) -> dict[str, ProposalStanding]:
    return {
        proposal.id: ProposalStanding(
            tac_priority=float(proposal.tac_priority),
            allocations=tuple(_allocation(row) for row in (proposal.model_extra or {}).get("timeallocation_set", ())),
        )
        for proposal in portal.proposals(active=True)
    }


def _allocation(row: dict[str, Any]) -> Allocation:
    with expecting("portal"):
        hours = {f"{name}_h": float(row[name]) for name in _ALLOCATION_FIELDS}
        return Allocation(semester=row["semester"], instrument_types=tuple(row["instrument_types"]), **hours)
