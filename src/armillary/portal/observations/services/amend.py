"""An observation turns out to take longer or shorter than planned."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from armillary.core.observations.states import LIVE, ObservationState, values
from armillary.platform.database import retry_conflicts
from armillary.platform.errors import Refusal
from armillary.platform.prepared import Prepared
from armillary.portal.cause import Cause
from armillary.portal.locks import lock_group, lock_telescopes
from armillary.portal.observations.models import Observation
from armillary.portal.observations.services.announce import announce, bump_schedules, place_of
from armillary.portal.observations.services.cancel import cancel_observations
from armillary.portal.requestgroups.services.activity import note_activity_of

_with_request: Final = Prepared[Observation](
    lambda key: Observation.objects.select_related("request").filter(pk=key), key=int
)


def read_locked(observation_id: int, group_id: int | None = None) -> Observation:
    """Read an observation with its request and group, after locking the group, whose id who knows it may give."""
    if group_id is None:
        columns = Observation.objects.filter(pk=observation_id).values_list("request__request_group_id", flat=True)
        group_id = columns.get()
    group = lock_group(group_id)
    observation = _with_request.first(key=observation_id)
    if observation is None:
        raise Observation.DoesNotExist(f"there is no observation {observation_id}")
    observation.request.request_group = group
    return observation


@retry_conflicts()
@transaction.atomic
def change_end(observation_id: int, end: datetime, cause: Cause) -> Observation:
    """Set when an observation will end; what is planned after it makes room.

    An end before its start changes nothing.

    Raises:
        Refusal: The end has passed.
    """
    if end <= cause.at:
        raise Refusal({"end": ["Updated end time must be in the future"]})
    observation = read_locked(observation_id)
    move_end(observation, end, cause)
    return observation


def move_end(observation: Observation, end: datetime, cause: Cause) -> None:
    """Move the end of an observation of a locked group, in the caller's transaction.

    Pending observations that start in the time that is added are cancelled; a rapid response gives way to another
    rapid response only. What does not give way ends the added time: two observations never overlap.
    """
    if end <= observation.start or end == observation.end:
        return
    lock_telescopes([place_of(observation)])
    if end > observation.end and observation.state in LIVE:
        end = _make_room(observation, end, cause)
    observation.end, observation.modified = end, cause.at
    observation.save(update_fields=["end", "modified"])
    note_activity_of([observation.request], cause.at)
    announce("observation.changed", [observation])
    bump_schedules([place_of(observation)], cause.at, rescheduled=False)


def _make_room(observation: Observation, end: datetime, cause: Cause) -> datetime:
    others = Observation.objects.filter(
        site=observation.site,
        enclosure=observation.enclosure,
        telescope=observation.telescope,
        state__in=values(LIVE),
        start__lt=end,
        start__gte=observation.start,
    ).exclude(pk=observation.pk)
    rapid = observation.request.request_group.observation_type == "RAPID_RESPONSE"
    giving_way = []
    for other in others.select_related("request__request_group").order_by("start"):
        kind = other.request.request_group.observation_type
        if other.state != ObservationState.PENDING or (kind == "RAPID_RESPONSE" and not rapid):
            end = max(min(end, other.start), observation.end)
            break
        giving_way.append(other.pk)
    cancel_observations(giving_way, Cause(f"observation {observation.pk} takes longer", cause.at, cause.actor))
    return end
