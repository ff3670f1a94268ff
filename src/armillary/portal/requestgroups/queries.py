"""Reading requests: rows laid over the documents that were asked for, in a constant number of queries."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from django.db.models import QuerySet
from pydantic import ValidationError

from armillary.core.requests import wire
from armillary.core.requests.model import UNSCHEDULED
from armillary.core.requests.model import Request as RequestModel
from armillary.platform.prepared import Prepared
from armillary.portal.observations.models import Observation
from armillary.portal.requestgroups import texts
from armillary.portal.requestgroups.models import Request, RequestGroup
from armillary.portal.requestgroups.texts import Headed
from armillary.portal.requestgroups.visibility import Caller, Scope

logger = structlog.get_logger(__name__)

Document = dict[str, Any]
_SECONDS_PER_HOUR = 3600.0


def _seen_within(scope: Scope) -> Prepared[tuple[Any, ...]]:
    def rows(group: int, caller: int | None = None) -> QuerySet[RequestGroup, tuple[Any, ...]]:
        return RequestGroup.objects.filter(scope.condition(caller), pk=group).values_list(*Headed._fields)

    return Prepared(rows, group=int, caller=int) if scope.is_personal else Prepared(rows, group=int)


_SEEN: Final = {scope: _seen_within(scope) for scope in Scope}


def seen_group(caller: Caller, group: int) -> Headed | None:
    """One group, if the caller may see it: one query."""
    scope = Scope.of(caller)
    values = {"group": group} if caller.pk is None or not scope.is_personal else {"group": group, "caller": caller.pk}
    found = _SEEN[scope].first(**values)
    return None if found is None else Headed._make(found)


def request_document(row: Request) -> Document:
    """A request as the wire functions of :mod:`armillary.core.requests.wire` take it; needs its ``document``."""
    return {
        **json.loads(row.document.content),
        "id": row.pk,
        "state": row.state,
        "suspend_until": row.suspend_until,
        "acceptability_threshold": row.acceptability_threshold,
        "configuration_repeats": row.configuration_repeats,
        "duration": row.duration_s,
        "created": row.created,
        "modified": row.modified,
    }


_of_one_group: Final = Prepared[Request](
    lambda group: Request.objects.filter(request_group=group).select_related("document").order_by("pk"), group=int
)


def _requests_of(groups: Sequence[int]) -> Iterable[Request]:
    if len(groups) == 1:
        return _of_one_group.all(group=groups[0])
    return Request.objects.filter(request_group__in=groups).select_related("document").order_by("pk")


def group_documents(rows: Sequence[RequestGroup], *, placed: bool = True) -> list[Document]:
    """Request groups with all their requests: two queries (three if some are direct); needs ``submitter`` loaded.

    Args:
        rows: The groups.
        placed: Whether direct requests get the place and time of their first observation, as in lists.
    """
    if not rows:
        return []
    requests: dict[int, list[Document]] = defaultdict(list)
    for child in _requests_of([row.pk for row in rows]):
        requests[child.request_group_id].append(request_document(child))
    unscheduled = [row.pk for row in rows if row.observation_type in UNSCHEDULED]
    if unscheduled and placed:
        _place(unscheduled, requests)
    return [
        {
            "id": row.pk,
            "submitter": row.submitter.username,
            "proposal": row.proposal_id,
            "name": row.name,
            "observation_type": row.observation_type,
            "operator": row.operator,
            "ipp_value": row.ipp_value,
            "state": row.state,
            "created": row.created,
            "modified": row.modified,
            "requests": requests[row.pk],
        }
        for row in rows
    ]


def _place(groups: Collection[int], requests: dict[int, list[Document]]) -> None:
    """Direct requests are listed with the place and time of their first observation, if they have one."""
    first = first_observations([document["id"] for group in groups for document in requests[group]])
    for group in groups:
        for document in requests[group]:
            for key in ("location", "windows"):
                document.pop(key, None)  # if there is no observation, the keys are absent
            if observation := first.get(document["id"]):
                document["location"] = {
                    "site": observation.site,
                    "enclosure": observation.enclosure,
                    "telescope": observation.telescope,
                }
                document["windows"] = [{"start": observation.start, "end": observation.end}]


def first_observations(requests: Collection[int]) -> dict[int, Observation]:
    """The first observation of each request that has one."""
    found: dict[int, Observation] = {}
    for row in Observation.objects.filter(request_id__in=requests).order_by("-pk"):
        found[row.request_id] = row
    return found


def listed_groups(rows: Sequence[Headed]) -> list[str]:
    """Groups in the list flavour, as JSON: one query (three more if some are direct)."""
    scheduled = texts.requests_of([row.pk for row in rows if row.observation_type not in UNSCHEDULED])
    direct = [row.pk for row in rows if row.pk not in scheduled]
    others = list(RequestGroup.objects.filter(pk__in=direct).select_related("submitter")) if direct else []
    placed = {document["id"]: texts.dumps(wire.listed_request_group(document)) for document in group_documents(others)}
    return [
        texts.listed_group(row, scheduled[row.pk]) if row.pk in scheduled else placed[row.pk]
        for row in rows
        if row.pk in scheduled or row.pk in placed  # who was deleted in this moment is not listed
    ]


def detailed_group(row: Headed) -> str:
    """One group in the detail flavour, as JSON: one query."""
    return texts.detailed_group(row, texts.requests_of([row.pk])[row.pk])


def detailed_group_document(row: RequestGroup) -> Document:
    """One group for the detail flavour: direct requests have no place of their own there."""
    return group_documents([row], placed=False)[0]


def request_documents(rows: Sequence[Request]) -> list[Document]:
    """Requests in lists: needs ``request_group`` and ``document`` loaded."""
    documents = [request_document(row) for row in rows]
    unscheduled = {row.pk for row in rows if row.request_group.observation_type in UNSCHEDULED}
    if unscheduled:
        chosen = [document for document in documents if document["id"] in unscheduled]
        _place([0], {0: chosen})
    return documents


def request_model(row: Request) -> RequestModel | None:
    """A stored request as the object that the rules work with.

    None for one that was taken over from elsewhere and is not well-formed by the rules of today.
    """
    try:
        return RequestModel.model_validate_json(row.document.content)
    except ValidationError as error:
        logger.info("request_not_well_formed", request=row.pk, problems=error.error_count())
        return None


def last_window_end(group_id: int) -> datetime | None:
    """End of the latest window of a group."""
    ends = Request.objects.filter(request_group=group_id).order_by("-last_end").values_list("last_end", flat=True)
    return next((end for end in ends if end is not None), None)
