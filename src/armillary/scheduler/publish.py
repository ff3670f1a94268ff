"""Making a plan the schedule in force: only what differs is touched, and a stale plan never wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from armillary.clients.errors import RequestRefused
from armillary.clients.portal import PortalClient, StaleSchedule
from armillary.core.observations.model import PlannedObservation, ScheduledObservation
from armillary.core.requests.model import UNSCHEDULED
from armillary.scheduler.snapshot import Snapshot

_log = structlog.get_logger(__name__)
_Identity = tuple[int, datetime, datetime, tuple[str, ...]]


@dataclass
class Publication:
    """What publishing one plan has done."""

    created: list[int] = field(default_factory=list)
    kept: int = 0
    cancelled: list[int] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    """Telescopes whose schedule had changed meanwhile; their part of the plan was not published."""
    refused: dict[str, str] = field(default_factory=dict)
    """Telescopes whose part the portal refused, with its reason."""

    @property
    def is_complete(self) -> bool:
        """Whether the whole plan is in force."""
        return not self.stale and not self.refused


@dataclass(frozen=True, slots=True)
class Difference:
    """What must change on one telescope."""

    telescope: str
    wanted: tuple[PlannedObservation, ...]
    """Everything that the telescope should have in the span."""
    create: tuple[PlannedObservation, ...]
    cancel: tuple[ScheduledObservation, ...]
    keep: tuple[ScheduledObservation, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the schedule in force is the plan already."""
        return not self.create and not self.cancel


def difference(
    telescope: str, wanted: Sequence[PlannedObservation], in_force: Iterable[ScheduledObservation]
) -> Difference:
    """Compare a plan with the schedule in force on one telescope.

    An observation is the same if request, times and instruments are.
    """
    existing = {_identity_in_force(each): each for each in in_force}
    planned = {_identity_planned(each): each for each in wanted}
    return Difference(
        telescope,
        tuple(wanted),
        create=tuple(each for identity, each in planned.items() if identity not in existing),
        cancel=tuple(each for identity, each in existing.items() if identity not in planned),
        keep=tuple(each for identity, each in existing.items() if identity in planned),
    )


def differences(
    plan: Mapping[str, Sequence[PlannedObservation]], snapshot: Snapshot, start: datetime, end: datetime
) -> list[Difference]:
    """The differences of all telescopes.

    Those that only lose observations come first, so that a request that moves is taken off one telescope before it is
    put on another wherever possible.

    Args:
        plan: Planned observations by telescope key; telescopes that are missing are to be empty.
        snapshot: With the schedule in force.
        start: Begin of the span the plan covers; what begins earlier is not touched.
        end: End of that span.
    """
    up_for_decision: dict[str, list[ScheduledObservation]] = {key: [] for key in plan}
    for each in snapshot.live:
        if each.state == "PENDING" and start <= each.start < end and each.observation_type not in UNSCHEDULED:
            up_for_decision.setdefault(each.telescope_key, []).append(each)
    found = [difference(key, plan.get(key, ()), in_force) for key, in_force in sorted(up_for_decision.items())]
    return sorted(found, key=lambda each: (len(each.create) > 0, len(each.create) - len(each.cancel)))


def publish(
    portal: PortalClient, changes: Sequence[Difference], versions: Mapping[str, str], start: datetime, end: datetime
) -> Publication:
    """Publish every telescope's part of a plan, each in one transaction of the portal.

    Where the portal does not number its schedules (an OCS one), what is not wanted any more is cancelled by id and what
    is new is posted; an unchanged observation keeps its id either way.

    Raises:
        armillary.clients.errors.ServiceUnavailable: The portal went away; what was published so far is in force.
    """
    done = Publication()
    for change in changes:
        if change.is_empty:
            done.kept += len(change.keep)
            continue
        try:
            if versions:
                _publish_atomically(portal, change, versions[change.telescope], start, end, done)
            else:
                _cancel_and_post(portal, change, done)
        except StaleSchedule as error:
            _log.info("plan_is_stale", telescope=change.telescope, reason=str(error.detail))
            done.stale.append(change.telescope)
        except RequestRefused as error:
            _log.error("plan_refused", telescope=change.telescope, status=error.status, reason=str(error.detail))
            done.refused[change.telescope] = str(error.detail)
    return done


def _publish_atomically(
    portal: PortalClient, change: Difference, version: str, start: datetime, end: datetime, done: Publication
) -> None:
    site, enclosure, telescope = change.telescope.split(".")
    answer = portal.publish_schedule(
        site=site,
        enclosure=enclosure,
        telescope=telescope,
        start=start,
        end=end,
        version=version,
        observations=change.wanted,
    )
    done.created += answer.created
    done.kept += len(answer.kept)
    done.cancelled += answer.cancelled


def _cancel_and_post(portal: PortalClient, change: Difference, done: Publication) -> None:
    if change.cancel:
        identities = [each.id for each in change.cancel]
        portal.cancel_observations(ids=identities, include_rr=True)
        done.cancelled += identities
    if change.create:
        site, enclosure, telescope = change.telescope.split(".")
        place = {"site": site, "enclosure": enclosure, "telescope": telescope}
        answer = portal.create_observations([each.model_dump(mode="json") | place for each in change.create])
        if answer.errors:
            done.refused[change.telescope] = str(answer.errors)
    done.kept += len(change.keep)


def _identity_planned(each: PlannedObservation) -> _Identity:
    return each.request, each.start, each.end, tuple(item.instrument_name for item in each.configuration_statuses)


def _identity_in_force(each: ScheduledObservation) -> _Identity:
    instruments = tuple(item.instrument_name for item in each.request.configurations)
    return each.request.id or 0, each.start, each.end, instruments
