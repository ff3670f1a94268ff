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
from armillary.scheduler.monitors.model import Conditions, Monitor, read_all
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
    monitors: Sequence[Monitor] = (),
) -> Snapshot:
    """What a run needs to know.

    Args:
        portal: Requests, proposals and the schedule in force.
        configdb: What stands where.
        downtime: When it cannot observe.
        now: The time.
        end: End of the horizon.
        time_overuse_allowance: See :class:`Snapshot`.
        monitors: What tells the weather, the telescopes' availability and the seeing.

    Raises:
        armillary.clients.errors.ClientError: A service could not be reached, refused, or answered nonsense.
        armillary.scheduler.monitors.MonitorUnavailable: A monitor could not be read.
    """
    observatory = configdb.observatory()
    conditions = read_all(monitors, now)
    versions = read_versions(portal, observatory)
    live = read_live(portal, now)
    semesters = tuple(Semester(each.id, each.start, each.end) for each in portal.semesters())
    groups = portal.schedulable_request_groups(start=_earliest_window(semesters, now), end=end)
    return Snapshot(
        at=now,
        groups=tuple(groups),
        proposals=read_standings(portal),
        observatory=observatory,
        downtimes=read_downtimes(downtime, observatory, conditions, now, end),
        live=live,
        semesters=semesters,
        time_overuse_allowance=time_overuse_allowance,
        versions=versions,
        conditions=conditions,
    )


def read_downtimes(
    downtime: DowntimeClient, observatory: Observatory, conditions: Conditions, now: datetime, end: datetime
) -> tuple[Downtime, ...]:
    """What is declared, and what the monitors say is closed now."""
    declared = (
        Downtime(each.start, each.end, each.site, each.enclosure, each.telescope, each.instrument_type)
        for each in downtime.list(ends_after=now, starts_before=end)
    )
    return (*declared, *conditions.downtimes((each.key for each in observatory.telescopes()), now))


def read_versions(portal: PortalClient, observatory: Observatory) -> dict[str, str] | None:
    """The version of every telescope's schedule; None if the portal does not know such a thing."""
    try:
        versions = portal.schedule_versions()
    except RequestRefused as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    return {telescope.key: "0" for telescope in observatory.telescopes()} | versions


def read_live(
    portal: PortalClient, now: datetime, start_before: datetime | None = None
) -> tuple[ScheduledObservation, ...]:
    """What is pending, and what runs, perhaps a little late; a pending one whose time is over blocks nobody."""
    states = sorted(state.value for state in LIVE)
    found = portal.schedule(states=states, end_after=now - _LATE, start_before=start_before)
    return tuple(each for each in found if each.state == ObservationState.IN_PROGRESS or each.end > now)


def _earliest_window(semesters: Sequence[Semester], now: datetime) -> datetime | None:
    """The feed selects requests by the start of a window, so the past of the semester counts, too."""
    current = semester_of(semesters, now, now)
    return None if current is None else current.start


def read_standings(portal: PortalClient) -> dict[str, ProposalStanding]:
    """Priority and time of every active proposal."""
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
