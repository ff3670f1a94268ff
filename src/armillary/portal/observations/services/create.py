"""Observations are placed on telescopes, where these are free."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, connection, transaction

from armillary.accounts.models import User
from armillary.core.observations.states import LIVE, values
from armillary.core.requests.states import State
from armillary.platform.database import retry_conflicts
from armillary.platform.errors import Conflict, Refusal
from armillary.platform.insertion import Insertion
from armillary.portal.cause import Cause
from armillary.portal.history.services import append
from armillary.portal.locks import Place, lock_rows, lock_telescopes
from armillary.portal.observations.models import ConfigurationStatus, Observation, Summary
from armillary.portal.observations.services.announce import announce, bump_schedules, observation_transition
from armillary.portal.observations.services.judge import Judge, Wish, free_proposals, known, read_wish
from armillary.portal.requestgroups.models import Request, RequestGroup
from armillary.portal.surroundings import observatory

# fmt: off
_COLUMNS: Final = (
    "request_id", "site", "enclosure", "telescope", "start", "end", "priority", "state", "created", "modified",
)
# fmt: on
_OBSERVATIONS: Final = Insertion(Observation, *_COLUMNS)
_STATUSES: Final = Insertion(
    ConfigurationStatus,
    *("observation_id", "configuration_id", "instrument_name", "guide_camera_name", "state", "created", "modified"),
)


@dataclass(frozen=True, slots=True)
class Creation:
    """What became of wishes."""

    created: list[Observation]
    errors: dict[int, Any]
    """By position in what was asked for."""


def create_observation(user: User, body: object, now: datetime) -> Observation:
    """Place one observation.

    Raises:
        Refusal: It breaks rules, or the telescope is not free.
    """
    creation = create_observations(user, [body], now)
    if creation.errors:
        raise Refusal(creation.errors[0])
    return creation.created[0]


def create_observations(user: User, bodies: Sequence[object], now: datetime) -> Creation:
    """Place many observations; each is accepted or refused on its own."""
    wishes = [read_wish(body) for body in bodies]
    judge = Judge(observatory(), known(wishes), free_proposals(user))
    for wish in wishes:
        judge.judge(wish)
    good = [wish for wish in wishes if not wish.errors]
    proposals = {key: row.request_group.proposal_id for key, row in judge.known.requests.items()}
    created = _store_where_free(good, Cause("submitted", now, user), proposals)
    return Creation(created, {index: wish.errors for index, wish in enumerate(wishes) if wish.errors})


@retry_conflicts()
def _store_where_free(wishes: Sequence[Wish], cause: Cause, proposals: Mapping[int, str]) -> list[Observation]:
    """Store the wishes that find their telescope free; the others get an error."""
    if not wishes:
        return []
    try:
        with transaction.atomic():
            requests = lock_requests({wish.document["request"] for wish in wishes})
            lock_telescopes(wish.place for wish in wishes)
            free = _free(wishes, requests)
            rows = store(free, cause, proposals)
    except IntegrityError as error:
        raise Conflict("the telescope was taken by somebody else at the same moment; ask again") from error
    return rows


def lock_requests(ids: Collection[int]) -> dict[int, State]:
    """Lock the groups of requests, and read the states of the requests as they are then."""
    groups = RequestGroup.objects.filter(requests__in=ids).values("pk")
    lock_rows(RequestGroup.objects.filter(pk__in=groups))
    return {key: State(state) for key, state in Request.objects.filter(pk__in=ids).values_list("pk", "state")}


class Occupation:
    """When a telescope is taken: disjoint spans, in order."""

    def __init__(self, spans: Iterable[tuple[datetime, datetime, str]]) -> None:
        self._spans = sorted(spans)

    def conflict(self, start: datetime, end: datetime) -> str:
        """Who has the telescope at some time in a span; empty if nobody has."""
        index = bisect.bisect_left(self._spans, (end,)) - 1
        # Spans are disjoint, so only the last one that begins before the end can reach into the span.
        if index >= 0 and self._spans[index][1] > start:
            return self._spans[index][2]
        return ""

    def take(self, start: datetime, end: datetime, name: str) -> None:
        """Take the telescope for a span that is free."""
        bisect.insort(self._spans, (start, end, name))


def occupations(
    places: Collection[Place], start: datetime, end: datetime, *, without: Collection[int] = ()
) -> dict[Place, Occupation]:
    """When telescopes are taken by live observations, between two times: one query."""
    spans: dict[Place, list[tuple[datetime, datetime, str]]] = {place: [] for place in places}
    rows = Observation.objects.filter(
        state__in=values(LIVE), start__lt=end, end__gt=start, site__in={place[0] for place in places}
    ).values_list("pk", "site", "enclosure", "telescope", "start", "end")
    for key, site, enclosure, telescope, begin, finish in rows:
        place = (site, enclosure, telescope)
        if place in spans and key not in without:
            spans[place].append((begin, finish, f"observation {key}"))
    return {place: Occupation(items) for place, items in spans.items()}


def _free(wishes: Sequence[Wish], states: dict[int, State]) -> list[Wish]:
    taken = occupations(
        {wish.place for wish in wishes},
        min(wish.document["start"] for wish in wishes),
        max(wish.document["end"] for wish in wishes),
    )
    free = []
    for wish in wishes:
        request = wish.document["request"]
        state = states[request]
        start, end = wish.document["start"], wish.document["end"]
        live = wish.document.get("state", "PENDING") in LIVE
        if live and state in {State.CANCELED, State.WINDOW_EXPIRED, State.FAILURE_LIMIT_REACHED}:
            wish.errors["non_field_errors"] = [f"Request {request} is {state}: nothing is to be observed"]
        elif live and (other := taken[wish.place].conflict(start, end)):
            wish.errors["non_field_errors"] = [f"The observation overlaps {other} on {'.'.join(wish.place)}"]
        else:
            if live:
                taken[wish.place].take(start, end, f"another observation of request {request} in this submission")
            free.append(wish)
    return free


def store(wishes: Sequence[Wish], cause: Cause, proposals: Mapping[int, str] | None = None) -> list[Observation]:
    """Store observations that may be placed, in the caller's transaction: a constant number of queries.

    Args:
        wishes: The observations.
        cause: Why.
        proposals: The proposals of their requests; who does not know them leaves it out.
    """
    columns = [
        (
            wish.document["request"],
            wish.document["site"],
            wish.document["enclosure"],
            wish.document["telescope"],
            wish.document["start"],
            wish.document["end"],
            wish.document.get("priority", 10),
            wish.document.get("state", "PENDING"),
            cause.at,
            cause.at,
        )
        for wish in wishes
    ]
    rows = [
        Observation.from_db(connection.alias, ("id", *_COLUMNS), (key, *values))
        for key, values in zip(_OBSERVATIONS.numbered(columns), columns, strict=True)
    ]
    _store_statuses(rows, wishes, cause.at)
    append(observation_transition(row, "", cause) for row in rows)
    announce("observation.created", rows, proposals)
    places: dict[Place, None] = defaultdict(None, {wish.place: None for wish in wishes})
    bump_schedules(places, cause.at, rescheduled=True)
    return rows


def _store_statuses(rows: Sequence[Observation], wishes: Sequence[Wish], at: datetime) -> None:
    pairs = [(row, status) for row, wish in zip(rows, wishes, strict=True) for status in wish.statuses]
    keys = _STATUSES.numbered(
        (
            row.pk,
            status.get("configuration"),
            status["instrument_name"],
            status.get("guide_camera_name", ""),
            status.get("state", "PENDING"),
            at,
            at,
        )
        for row, status in pairs
    )
    Summary.objects.bulk_create(
        Summary(configuration_status_id=key, **status["summary"], created=at, modified=at)
        for key, (_, status) in zip(keys, pairs, strict=True)
        if status.get("summary")
    )
