"""Request groups written as JSON text, for the answers that are asked for most: the feed, the lists, the details.

What was asked for never changes, so its JSON is made once for each document and kept; only the few values that change
are put around it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from armillary.core.requests import wire
from armillary.core.requests.instants import format_time
from armillary.platform.prepared import Prepared
from armillary.portal.requestgroups.models import Request

_KEPT_DOCUMENTS: Final = 8_192
"""About 25 MB in each process, for each flavour that is asked for."""


class Asked(NamedTuple):
    """The columns of a request that are written; named as the table names them."""

    request_group_id: int
    pk: int
    state: str
    suspend_until: datetime | None
    acceptability_threshold: float
    configuration_repeats: int
    duration_s: int
    created: datetime
    modified: datetime
    durations: Mapping[str, float]
    first_start: datetime | None
    last_end: datetime | None
    document__content: str


class Headed(NamedTuple):
    """The columns of a request group that are written in lists; named as the tables name them."""

    pk: int
    submitter__username: str
    submitter__is_staff: bool
    proposal_id: str
    name: str
    observation_type: str
    operator: str
    ipp_value: float
    state: str
    created: datetime
    modified: datetime


class _Fixed(NamedTuple):
    """The members of a request's JSON object that never change, without braces."""

    note: str
    """Its note and its optimisation."""
    extras: str
    """The value of its extra parameters."""
    first: str
    """What the flavour writes first (detail), or nothing (list)."""
    last: str
    """What the flavour writes last (list), or nothing (detail)."""


_of_one_group: Final = Prepared[tuple[Any, ...]](
    lambda group: Request.objects.filter(request_group_id=group).order_by("pk").values_list(*Asked._fields), group=int
)


def requests_of(groups: Collection[int]) -> dict[int, list[Asked]]:
    """The requests of groups, in order, by group: one query."""
    found: dict[int, list[Asked]] = {group: [] for group in groups}
    if len(found) == 1:
        (group,) = found
        return {group: [Asked._make(row) for row in _of_one_group.all(group=group)]}
    rows = Request.objects.filter(request_group__in=groups).order_by("pk")
    for row in map(Asked._make, rows.values_list(*Asked._fields)):
        found[row.request_group_id].append(row)
    return found


def dumps(value: Any) -> str:
    """A value as compact JSON, as every answer of the API writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# --- lists ---


def listed_group(group: Headed, requests: Iterable[Asked], extra: str = "") -> str:
    """A scheduled group in the list flavour.

    Args:
        group: The group.
        requests: Those of its requests that are to be listed.
        extra: Members to add at the end, each after a comma.
    """
    body = ",".join([listed_request(row) for row in requests])
    return (
        f'{{"id":{group.pk},"submitter":{_word(group.submitter__username)},"proposal":{_word(group.proposal_id)},'
        f'"name":{dumps(group.name)},"observation_type":{_word(group.observation_type)},"operator":{_word(group.operator)},'
        f'"ipp_value":{_number(group.ipp_value)},"state":{_word(group.state)},"created":{_moment(group.created)},'
        f'"modified":{_moment(group.modified)},"requests":[{body}]{extra}}}'
    )


def listed_request(row: Asked) -> str:
    """A scheduled request in the list flavour."""
    fixed = _listed(row.document__content)
    return (
        f'{{"id":{row.pk},{fixed.note},"state":"{row.state}","suspend_until":{_moment(row.suspend_until)},'
        f'"acceptability_threshold":{_number(row.acceptability_threshold)},'
        f'"configuration_repeats":{row.configuration_repeats},"extra_params":{fixed.extras},'
        f'"modified":{_moment(row.modified)},"duration":{row.duration_s},{fixed.last}}}'
    )


@lru_cache(maxsize=_KEPT_DOCUMENTS)
def _listed(content: str) -> _Fixed:
    listed = wire.listed_request(json.loads(content))
    return _Fixed(
        note=_members(listed, ("observation_note", "optimization_type")),
        extras=dumps(listed["extra_params"]),
        first="",
        last=_members(listed, ("configurations", "location", "windows")),
    )


# --- details ---


def detailed_group(group: Headed, requests: Iterable[Asked]) -> str:
    """A group in the detail flavour."""
    tail = {
        "submitter": group.submitter__username,
        "name": group.name,
        "observation_type": group.observation_type,
        "operator": group.operator,
        "ipp_value": group.ipp_value,
        "created": format_time(group.created),
        "state": group.state,
        "modified": format_time(group.modified),
        "proposal": group.proposal_id,
    }
    body = ",".join(detailed_request(row) for row in requests)
    return f'{{"id":{group.pk},"requests":[{body}],{dumps(tail)[1:]}'


def detailed_request(row: Asked) -> str:
    """A request in the detail flavour."""
    fixed = _detailed(row.document__content)
    return (
        f'{{"id":{row.pk},{fixed.first},"duration":{row.duration_s},{fixed.note},"state":"{row.state}",'
        f'"suspend_until":{_moment(row.suspend_until)},"modified":{_moment(row.modified)},'
        f'"created":{_moment(row.created)},"acceptability_threshold":{_number(row.acceptability_threshold)},'
        f'"configuration_repeats":{row.configuration_repeats},"extra_params":{fixed.extras}}}'
    )


@lru_cache(maxsize=_KEPT_DOCUMENTS)
def _detailed(content: str) -> _Fixed:
    detailed = wire.detailed_request(json.loads(content))
    return _Fixed(
        note=_members(detailed, ("observation_note", "optimization_type")),
        extras=dumps(detailed["extra_params"]),
        first=_members(detailed, ("location", "configurations", "windows")),
        last="",
    )


def _members(document: Mapping[str, Any], names: Iterable[str]) -> str:
    return dumps({name: document[name] for name in names if name in document})[1:-1]


@lru_cache(maxsize=1024)
def _word(text: str) -> str:
    """The JSON of a text that comes again and again."""
    return dumps(text)


@lru_cache(maxsize=1024)
def _number(number: float) -> str:
    return dumps(number)


def _moment(moment: datetime | None) -> str:
    return "null" if moment is None else f'"{format_time(moment)}"'
