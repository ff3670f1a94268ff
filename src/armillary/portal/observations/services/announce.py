"""Telling those who follow a telescope's schedule that it changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db.models import F

from armillary.platform.changes import record_changes
from armillary.portal.cause import Cause
from armillary.portal.history.models import StateTransition
from armillary.portal.history.services import Transition, transition
from armillary.portal.locks import Place
from armillary.portal.observations.models import Observation, TelescopeSchedule
from armillary.portal.requestgroups.models import Request


def place_of(observation: Observation) -> Place:
    """Where an observation happens."""
    return observation.site, observation.enclosure, observation.telescope


def bump_schedules(places: Iterable[Place], at: datetime, *, rescheduled: bool) -> None:
    """The schedules of telescopes have a new version.

    Args:
        places: Which telescopes; the caller has locked them.
        at: When.
        rescheduled: Whether telescopes should read their schedule anew; false when only they themselves reported.
    """
    for site, enclosure, telescope in sorted(set(places)):
        change = {"version": F("version") + 1} | ({"scheduled_at": at} if rescheduled else {})
        rows = TelescopeSchedule.objects.filter(site=site, enclosure=enclosure, telescope=telescope)
        if not rows.update(**change):
            TelescopeSchedule.objects.create(
                site=site, enclosure=enclosure, telescope=telescope, version=1, scheduled_at=at
            )


def version_of(place: Place) -> str:
    """The version of a telescope's schedule."""
    site, enclosure, telescope = place
    rows = TelescopeSchedule.objects.filter(site=site, enclosure=enclosure, telescope=telescope)
    return str(rows.values_list("version", flat=True).first() or 0)


def announce(kind: str, observations: Collection[Observation], proposals: Mapping[int, str] | None = None) -> None:
    """One line of the change feed for each observation: two queries for any number.

    Args:
        kind: What happened.
        observations: To which.
        proposals: The proposals of their requests; who does not know them leaves it out.
    """
    if proposals is None:
        requests = {row.request_id for row in observations}
        proposals = dict(Request.objects.filter(pk__in=requests).values_list("pk", "request_group__proposal_id"))
    record_changes(
        kind,
        (
            (
                str(row.pk),
                {
                    "id": row.pk,
                    "request": row.request_id,
                    "proposal": proposals[row.request_id],
                    "site": row.site,
                    "enclosure": row.enclosure,
                    "telescope": row.telescope,
                    "state": row.state,
                },
            )
            for row in observations
        ),
    )


def observation_transition(row: Observation, old: str, cause: Cause) -> Transition:
    """The line of history for the new state of an observation."""
    return transition(
        StateTransition.Subject.OBSERVATION,
        row.pk,
        old=old,
        new=row.state,
        at=cause.at,
        cause=cause.reason,
        actor_id=cause.actor_id,
    )
