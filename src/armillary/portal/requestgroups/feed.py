"""What waits to be scheduled: the feed that schedulers read, thousands of groups at a time.

It is the hottest answer of the portal, so it is written as text (see :mod:`texts`). The number of queries does not
depend on the number of groups.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import Exists, OuterRef, Q

from armillary.core.requests.facts import Semester
from armillary.core.requests.model import UNSCHEDULED
from armillary.core.requests.states import State
from armillary.portal.proposals.queries import AccountedAllocation, allocations_of, semester_facts
from armillary.portal.requestgroups.models import Request, RequestGroup
from armillary.portal.requestgroups.texts import Asked, Headed, listed_group, requests_of
from armillary.portal.surroundings import limits

_SECONDS_PER_HOUR: Final = 3600.0
_STAFF: Final = ',"is_staff":true'
_NO_STAFF: Final = ',"is_staff":false'


def schedulable_feed(start: datetime, end: datetime, telescope_classes: Collection[str], now: datetime) -> str:
    """JSON of the groups that wait to be scheduled, newest first, with their requests that are not suspended.

    A group is left out when its proposal has no time left for it on any of its instrument types.

    Args:
        start: Some request has a window that begins from this time on,
        end: and until this time.
        telescope_classes: Some request is for one of these; empty: any.
        now: Suspensions until then are over.
    """
    groups = _waiting_groups(start, end, telescope_classes)
    asked = requests_of([row.pk for row in groups])
    affordable = _affordable(groups, asked)
    texts = []
    for group in affordable:
        requests = [row for row in asked[group.pk] if row.suspend_until is None or row.suspend_until <= now]
        if requests:
            texts.append(listed_group(group, requests, _STAFF if group.submitter__is_staff else _NO_STAFF))
    return f"[{','.join(texts)}]"


def _waiting_groups(start: datetime, end: datetime, telescope_classes: Collection[str]) -> list[Headed]:
    own = Request.objects.filter(request_group=OuterRef("pk")).order_by()
    conditions = Q(Exists(own.filter(windows__start__gte=start, windows__start__lte=end)))
    if telescope_classes:
        conditions &= Q(Exists(own.filter(telescope_class__in=telescope_classes)))
    rows = RequestGroup.objects.filter(conditions, state=State.PENDING, proposal__active=True)
    rows = rows.exclude(observation_type__in=UNSCHEDULED).order_by("-created", "-pk")
    return [Headed._make(row) for row in rows.values_list(*Headed._fields)]


# --- whether there is time left ---


def _affordable(groups: Sequence[Headed], asked: Mapping[int, Sequence[Asked]]) -> list[Headed]:
    semesters, allowance = semester_facts(), limits().time_overuse_allowance
    left = {
        proposal: [_time_left(item) for item in allocations]
        for proposal, allocations in allocations_of({row.proposal_id for row in groups}).items()
    }
    return [
        row
        for row in groups
        if any(
            item.pays_for(semester, instrument_type) and item.hours[row.observation_type] * allowance >= hours
            for (semester, instrument_type), hours in _needed_hours(asked.get(row.pk, ()), semesters).items()
            for item in left[row.proposal_id]
        )
    ]


class _TimeLeft(NamedTuple):
    """What an allocation has left, by observation type."""

    semester: str
    instrument_types: frozenset[str]
    hours: Mapping[str, float]

    def pays_for(self, semester: str, instrument_type: str) -> bool:
        return self.semester == semester and instrument_type in self.instrument_types


def _time_left(allocation: AccountedAllocation) -> _TimeLeft:
    facts = allocation.facts()
    kinds = ("NORMAL", "TIME_CRITICAL", "RAPID_RESPONSE")
    return _TimeLeft(facts.semester, frozenset(facts.instrument_types), {kind: facts.left_h(kind) for kind in kinds})


def _needed_hours(requests: Iterable[Asked], semesters: Sequence[Semester]) -> dict[tuple[str, str], float]:
    """Hours by (semester, instrument type) that a group needs at most for one of its requests."""
    found: dict[tuple[str, str], float] = {}
    for row in requests:
        start, end = row.first_start, row.last_end
        if start is None or end is None:
            continue  # only direct and real-time requests have no windows
        semester = next((item.id for item in semesters if item.start <= start and end <= item.end), "")
        for instrument_type, seconds in row.durations.items():
            key = (semester, instrument_type)
            found[key] = max(found.get(key, 0.0), seconds / _SECONDS_PER_HOUR)
    return found
