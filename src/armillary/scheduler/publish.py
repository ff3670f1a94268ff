"""Making a plan the schedule in force: only what differs is touched, and a stale plan never wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
    """Ids, where the portal tells them."""
    posted: int = 0
    """How many were posted to a portal that does not tell ids."""
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
    preempt: tuple[int, ...] = ()
    """Live observations, beyond those to cancel, that rapid-response work pushes aside."""

    @property
    def is_empty(self) -> bool:
        """Whether the schedule in force is the plan already."""
        return not self.create and not self.cancel and not self.preempt


def difference(
    telescope: str,
    wanted: Sequence[PlannedObservation],
    in_force: Iterable[ScheduledObservation],
    preempt: Sequence[int] = (),
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
        preempt=tuple(preempt),
    )


def differences(
    plan: Mapping[str, Sequence[PlannedObservation]],
    snapshot: Snapshot,
    start: datetime,
    end: datetime,
    preempted: Sequence[ScheduledObservation] = (),
) -> list[Difference]:
    """The differences of all telescopes.

    Those that only lose observations come first, so that a request that moves is taken off one telescope before it is
    put on another wherever possible.

    Args:
        plan: Planned observations by telescope key; telescopes that are missing are to be empty.
        snapshot: With the schedule in force.
        start: Begin of the span the plan covers; what begins earlier is not touched.
        end: End of that span.
        preempted: Live observations that the plan's rapid-response work pushes aside.
    """
    up_for_decision: dict[str, list[ScheduledObservation]] = {key: [] for key in plan}
    for each in snapshot.live:
        if each.state == "PENDING" and start <= each.start < end and each.observation_type not in UNSCHEDULED:
            up_for_decision.setdefault(each.telescope_key, []).append(each)
    found = [
        difference(key, plan.get(key, ()), in_force, [each.id for each in preempted if each.telescope_key == key])
        for key, in_force in sorted(up_for_decision.items())
    ]
    return sorted(found, key=lambda each: (len(each.create) > 0, len(each.create) - len(each.cancel)))


def publish(
    portal: PortalClient,
    changes: Sequence[Difference],
    versions: Mapping[str, str] | None,
    start: datetime,
    end: datetime,
    fence: int | None = None,
) -> Publication:
    """Publish every telescope's part of a plan, each in one transaction of the portal.

    Where the portal does not number its schedules (an OCS one: ``versions`` is None), what is not wanted any more is
    cancelled by id and what is new is posted; an unchanged observation keeps its id either way. The ``fence`` is that
    of the scheduler's lease.

    Raises:
        armillary.clients.errors.ServiceUnavailable: The portal went away; what was published so far is in force.
    """
    done = Publication()
    for change in changes:
        if change.is_empty:
            done.kept += len(change.keep)
            continue
        try:
            if versions is not None:
                place = Place(change.telescope, start, end, versions.get(change.telescope, "0"), fence)
                publish_atomically(portal, change, place, done)
            else:
                cancel_and_post(portal, change, done)
        except StaleSchedule as error:
            _log.info("plan_is_stale", telescope=change.telescope, reason=str(error.detail))
            done.stale.append(change.telescope)
        except RequestRefused as error:
            _log.error("plan_refused", telescope=change.telescope, status=error.status, reason=str(error.detail))
            done.refused[change.telescope] = str(error.detail)
    return done


@dataclass(frozen=True, slots=True)
class Place:
    """Where and from what a part of a plan is published."""

    telescope: str
    start: datetime
    end: datetime
    version: str
    fence: int | None


def publish_atomically(portal: PortalClient, change: Difference, place: Place, done: Publication) -> str:
    """Publish one telescope's part; the new version of its schedule."""
    site, enclosure, telescope = place.telescope.split(".")
    answer = portal.publish_schedule(
        site=site,
        enclosure=enclosure,
        telescope=telescope,
        start=place.start,
        end=place.end,
        version=place.version,
        observations=change.wanted,
        fence=place.fence,
        preempt=change.preempt,
    )
    done.created += answer.created
    done.kept += len(answer.kept)
    done.cancelled += answer.cancelled
    return answer.version


def cancel_and_post(portal: PortalClient, change: Difference, done: Publication) -> None:
    """Publish one telescope's part in the calls that every portal knows."""
    if change.cancel:
        identities = [each.id for each in change.cancel]
        portal.cancel_observations(ids=identities, include_rr=True)
        done.cancelled += identities
    if change.preempt:
        portal.cancel_observations(ids=change.preempt, preemption_enabled=True)
        done.cancelled += change.preempt
    if change.create:
        site, enclosure, telescope = change.telescope.split(".")
        place = {"site": site, "enclosure": enclosure, "telescope": telescope}
        answer = portal.create_observations([_on_the_wire(each) | place for each in change.create])
        done.posted += answer.num_created
        if answer.errors:
            done.refused[change.telescope] = str(answer.errors)
    done.kept += len(change.keep)


def _on_the_wire(planned: PlannedObservation) -> dict[str, Any]:
    """An observation to post; a guide camera is named only where there is one."""
    document = planned.model_dump(mode="json")
    for status in document["configuration_statuses"]:
        if not status["guide_camera_name"]:
            del status["guide_camera_name"]
    return document


def _identity_planned(each: PlannedObservation) -> _Identity:
    return each.request, each.start, each.end, tuple(item.instrument_name for item in each.configuration_statuses)


def _identity_in_force(each: ScheduledObservation) -> _Identity:
    instruments = tuple(item.instrument_name for item in each.request.configurations)
    return each.request.id or 0, each.start, each.end, instruments
