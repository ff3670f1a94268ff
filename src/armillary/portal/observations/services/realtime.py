"""People take a telescope for themselves for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import structlog
from django.db import transaction
from django.db.models import Sum
from pydantic import Field

from armillary.accounts.models import User
from armillary.accounts.services.tokens import api_token
from armillary.clients.errors import ClientError
from armillary.core.observations.states import LIVE, ObservationState, values
from armillary.core.observatory import Observatory, Telescope
from armillary.core.proposals.ledger import Account, Entry, Kind, microseconds
from armillary.core.requests.durations import RequestDuration
from armillary.core.requests.model import Instant, Integer, RequestGroup, Text, WireObject
from armillary.core.requests.states import State
from armillary.core.requests.submission import read
from armillary.platform.database import retry_conflicts
from armillary.platform.errors import Refusal
from armillary.portal import surroundings
from armillary.portal.cause import Cause
from armillary.portal.locks import Place, lock_telescopes
from armillary.portal.observations import availability
from armillary.portal.observations.models import Observation
from armillary.portal.observations.services.amend import read_locked
from armillary.portal.observations.services.cancel import cancel_observations
from armillary.portal.observations.services.create import occupations, store
from armillary.portal.observations.services.direct import make_way
from armillary.portal.observations.services.judge import Wish
from armillary.portal.proposals.models import LedgerEntry, Membership, Proposal, TimeAllocation
from armillary.portal.proposals.queries import AccountedAllocation, accounted_allocations
from armillary.portal.proposals.services import append_entries
from armillary.portal.requestgroups.services.submit import Submission, store_request_group
from armillary.portal.requestgroups.services.transition import move_group, move_requests

logger = structlog.get_logger(__name__)
_NO_DOWNTIME = "Failed to create downtime for Realtime observation. Please try again later"
_NEAR = timedelta(hours=8)


class SubmittedSession(WireObject):
    """A span of a telescope's time for a person."""

    site: Text
    enclosure: Text
    telescope: Text
    start: Instant
    end: Instant
    proposal: Annotated[Text, Field(min_length=1)]
    name: Annotated[Text, Field(min_length=1, max_length=50)]
    priority: Annotated[Integer, Field(ge=0, le=2_147_483_647)] = 10


@dataclass(frozen=True, slots=True)
class Session:
    """A session that somebody wants."""

    user: User
    place: Place
    start: datetime
    end: datetime
    proposal: str
    name: str
    priority: int

    @property
    def length_us(self) -> int:
        """How long it is, in microseconds."""
        return microseconds(seconds=(self.end - self.start).total_seconds())


def book_session(user: User, body: object, now: datetime) -> Observation:
    """Take a telescope for a person, if it is dark, free and paid for; and keep the scheduler away by a downtime.

    Raises:
        Refusal: It breaks rules, or the downtime cannot be made.
        ServiceUnavailable: What is needed to judge it cannot be read.
    """
    snapshot = surroundings.observatory()
    session = _read(user, body, snapshot)
    telescope = snapshot.telescope(".".join(session.place))
    instruments = [] if telescope is None else [item for item in telescope.instruments if item.is_schedulable]
    _check_proposal(session)
    if session.end <= now:
        raise Refusal(f"The session is over already: it ends at {session.end}, and now it is {now}")
    if telescope is None or not instruments:
        raise Refusal(f"No instruments found at {'.'.join(session.place)}")
    types = {item.type.code for item in instruments}
    _check_sky(session, telescope)
    observation = _store(session, types, Cause("session booked", now, user))
    try:
        surroundings.create_downtime(
            session.place, session.start, session.end, reason=str(observation.pk), token=api_token(user)
        )
    except ClientError as error:
        logger.warning("session_without_downtime", observation=observation.pk, error=str(error))
        _release(observation.pk, Cause("no downtime could be made", now, user))
        raise Refusal([_NO_DOWNTIME]) from error
    return observation


def _read(user: User, body: object, snapshot: Observatory) -> Session:
    reading = read(SubmittedSession, body)
    errors = dict(reading.errors)
    choices = {
        "site": snapshot.site_codes(),
        "enclosure": snapshot.enclosure_codes(),
        "telescope": snapshot.telescope_codes(),
    }
    for name, codes in choices.items():
        value = body.get(name) if isinstance(body, dict) else None
        if value is not None and value not in codes:
            errors[name] = [f'"{value}" is not a valid choice.']
    if errors or reading.document is None:
        raise Refusal(errors)
    document = reading.document
    if document["end"] <= document["start"]:
        raise Refusal("End time must be after start time")
    place = (document["site"], document["enclosure"], document["telescope"])
    return Session(
        user,
        place,
        document["start"],
        document["end"],
        document["proposal"],
        document["name"],
        document.get("priority", 10),
    )


def _check_proposal(session: Session) -> None:
    proposal = Proposal.objects.filter(pk=session.proposal).first()
    if proposal is None:
        raise Refusal(f"Proposal {session.proposal} does not exist")
    if not proposal.active:
        raise Refusal(f"Proposal {session.proposal} is not active")
    if not Membership.objects.filter(proposal=proposal, user=session.user).exists():
        raise Refusal(f"User {session.user.username} is not a member of proposal {session.proposal}")


def _check_sky(session: Session, telescope: Telescope) -> None:
    stops = surroundings.downtimes(session.start)
    free = availability.dark_and_working(telescope, stops, session.start, session.end)
    if not any(start <= session.start and session.end <= end for start, end in free):
        raise Refusal(f"The desired interval of {session.start} to {session.end} is not available on the telescope")


def _paying(session: Session, types: set[str], now: datetime) -> AccountedAllocation:
    """The allocation with the most real-time hours left; nobody else changes it meanwhile."""
    rows = TimeAllocation.objects.filter(
        proposal_id=session.proposal, semester__start__lte=now, semester__end__gt=now
    ).select_for_update(of=("self",))
    paying = accounted_allocations(row for row in rows.order_by("pk") if types & set(row.instrument_types))
    best = max(paying, key=lambda item: item.accounts[Account.REALTIME].left_us, default=None)
    left = 0 if best is None else best.accounts[Account.REALTIME].left_us
    if best is None or left < session.length_us:
        hours, wanted = left / microseconds(hours=1), session.length_us / microseconds(hours=1)
        raise Refusal(
            f"Not enough realtime time allocation available on proposal {session.proposal}: {hours} hours available, "
            f"{wanted} requested"
        )
    return best


@retry_conflicts()
@transaction.atomic
def _store(session: Session, types: set[str], cause: Cause) -> Observation:
    allocation = _paying(session, types, cause.at)
    lock_telescopes([session.place])
    _check_others(session, cause.at)
    make_way(session.place, session.start, session.end, cause)
    taken = occupations({session.place}, session.start, session.end)[session.place]
    if other := taken.conflict(session.start, session.end):
        raise Refusal(f"The session overlaps {other}")
    model = RequestGroup.model_validate(
        {
            "proposal": session.proposal,
            "name": session.name,
            "observation_type": "REAL_TIME",
            "operator": "SINGLE",
            "ipp_value": 1.0,
            "requests": [{"configurations": []}],
        }
    )
    empty = RequestDuration(0, 0.0, {}, (), 1, ())
    group = store_request_group(Submission(model, [empty], ""), session.user, cause.at)
    (request,) = group.requests.all()
    site, enclosure, telescope = session.place
    document: dict[str, Any] = {
        "request": request.pk,
        "site": site,
        "enclosure": enclosure,
        "telescope": telescope,
        "start": session.start,
        "end": session.end,
        "priority": session.priority,
    }
    (observation,) = store([Wish(document, [{"configuration": None, "instrument_name": ""}])], cause)
    reserve = Entry(Account.REALTIME, Kind.RESERVE, session.length_us)
    append_entries(allocation.row, [reserve], reason=cause.reason, observation=observation.pk, actor=session.user)
    return observation


def _check_others(session: Session, now: datetime) -> None:
    live = Observation.objects.filter(state__in=values(LIVE), start__lt=session.end, end__gt=session.start)
    own = live.filter(
        request__request_group__observation_type="REAL_TIME", request__request_group__submitter=session.user
    )
    if own.exists():
        raise Refusal("You have another realtime session that overlaps with this one")
    site, enclosure, telescope = session.place
    here = live.filter(site=site, enclosure=enclosure, telescope=telescope)
    running = here.filter(state=ObservationState.IN_PROGRESS.value)
    if session.start < now + _NEAR and running.exists():
        raise Refusal(f"There is currently an observation in progress on {'.'.join(session.place)}")
    urgent = ("TIME_CRITICAL", "RAPID_RESPONSE", "DIRECT", "REAL_TIME")
    if here.filter(request__request_group__observation_type__in=urgent).exists():
        raise Refusal("This session overlaps a currently scheduled high priority observation")


def give_up_session(observation: Observation, user: User, now: datetime) -> None:
    """Give a telescope back: the time that was set aside is free again, and so is the telescope.

    The session is kept as cancelled; a downtime that cannot be removed is reported, and stays.
    """
    place = (observation.site, observation.enclosure, observation.telescope)
    try:
        removed = surroundings.cancel_downtime(place, reason=str(observation.pk), token=api_token(user))
    except ClientError as error:
        logger.warning("session_downtime_not_removed", observation=observation.pk, error=str(error))
    else:
        if not removed:
            logger.warning("session_downtime_not_found", observation=observation.pk)
    _release(observation.pk, Cause("session given up", now, user))


@retry_conflicts()
@transaction.atomic
def _release(observation_id: int, cause: Cause) -> None:
    observation = read_locked(observation_id)
    rows = LedgerEntry.objects.filter(observation=observation_id, account=Account.REALTIME.value)
    for allocation_id, reserved in rows.order_by().values_list("allocation_id").annotate(total=Sum("amount_us")):
        if reserved > 0:
            allocation = TimeAllocation.objects.select_for_update(of=("self",)).get(pk=allocation_id)
            refund = Entry(Account.REALTIME, Kind.REFUND, -reserved)
            append_entries(allocation, [refund], reason=cause.reason, observation=observation_id, actor=cause.actor)
    cancel_observations([observation_id], cause)
    group = observation.request.request_group
    if group.state == State.PENDING:
        move_group(group, State.CANCELED, cause)
        move_requests(group, [observation.request], State.CANCELED, cause)
