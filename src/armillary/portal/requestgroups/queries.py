"""Reading requests: rows laid over the documents that were asked for, in a constant number of queries."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db.models import Exists, OuterRef, Q, QuerySet
from pydantic import ValidationError

from armillary.core.requests.model import UNSCHEDULED
from armillary.core.requests.model import Request as RequestModel
from armillary.core.requests.states import State
from armillary.portal.observations.models import Observation
from armillary.portal.proposals.queries import AccountedAllocation, allocations_of, semester_facts
from armillary.portal.requestgroups.models import Request, RequestGroup
from armillary.portal.surroundings import limits

logger = structlog.get_logger(__name__)

Document = dict[str, Any]
_SECONDS_PER_HOUR = 3600.0


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


def group_documents(rows: Sequence[RequestGroup], *, placed: bool = True) -> list[Document]:
    """Request groups with all their requests: two queries (three if some are direct); needs ``submitter`` loaded.

    Args:
        rows: The groups.
        placed: Whether direct requests get the place and time of their first observation, as in lists.
    """
    requests: dict[int, list[Document]] = defaultdict(list)
    children = Request.objects.filter(request_group__in=[row.pk for row in rows]).select_related("document")
    for child in children.order_by("pk"):
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


# --- what the scheduler may schedule ---


def schedulable_groups(
    start: datetime, end: datetime, telescope_classes: Collection[str], now: datetime
) -> list[Document]:
    """Groups that wait to be scheduled, with the requests that are not suspended, in a constant number of queries.

    A group is left out when its proposal has no time left for it on any of its instrument types.
    """
    wanted = Request.objects.filter(
        request_group=OuterRef("pk"), windows__start__gte=start, windows__start__lte=end
    ).order_by()
    conditions = Q(Exists(wanted))
    if telescope_classes:
        conditions &= Q(
            Exists(
                Request.objects.filter(request_group=OuterRef("pk"), telescope_class__in=telescope_classes).order_by()
            )
        )
    rows = list(
        RequestGroup.objects.filter(conditions, state=State.PENDING, proposal__active=True)
        .exclude(observation_type__in=UNSCHEDULED)
        .select_related("submitter")
        .order_by("-created", "-pk")
    )
    affordable = _with_time_left(rows)
    staff = {row.pk: row.submitter.is_staff for row in affordable}
    found = []
    for document in group_documents(affordable):
        document["requests"] = [
            request
            for request in document["requests"]
            if request["suspend_until"] is None or request["suspend_until"] <= now
        ]
        if document["requests"]:
            found.append({**document, "is_staff": staff[document["id"]]})
    return found


def _with_time_left(rows: Sequence[RequestGroup]) -> list[RequestGroup]:
    allocations = allocations_of({row.proposal_id for row in rows})
    needs = _needed_hours(rows)
    return [row for row in rows if _is_affordable(row, needs[row.pk], allocations[row.proposal_id])]


def _needed_hours(rows: Sequence[RequestGroup]) -> dict[int, dict[tuple[str, str], float]]:
    """Hours by (semester, instrument type) that a group needs at most for one of its requests, by group."""
    semesters = semester_facts()
    operators = {row.pk: row.operator for row in rows}
    found: dict[int, dict[tuple[str, str], float]] = {row.pk: {} for row in rows}
    columns = Request.objects.filter(request_group__in=operators).values_list(
        "request_group_id", "durations", "first_start", "last_end"
    )
    for group, durations, start, end in columns:
        if start is None or end is None:
            continue  # direct and real-time requests have no windows
        semester = next((item.id for item in semesters if item.start <= start and end <= item.end), "")
        for instrument_type, seconds in durations.items():
            key = (semester, instrument_type)
            found[group][key] = max(found[group].get(key, 0.0), seconds / _SECONDS_PER_HOUR)
    return found


def _is_affordable(
    row: RequestGroup, needs: dict[tuple[str, str], float], allocations: Iterable[AccountedAllocation]
) -> bool:
    allowance = limits().time_overuse_allowance
    for (semester, instrument_type), hours in needs.items():
        for allocation in allocations:
            if allocation.row.semester_id != semester or not allocation.covers(instrument_type):
                continue
            if allocation.facts().left_h(row.observation_type) * allowance >= hours:
                return True
    return False


def last_window_end(group_id: int) -> datetime | None:
    """End of the latest window of a group."""
    ends = Request.objects.filter(request_group=group_id).order_by("-last_end").values_list("last_end", flat=True)
    return next((end for end in ends if end is not None), None)


def groups_for_listing(rows: QuerySet[RequestGroup]) -> QuerySet[RequestGroup]:
    """With what a list shows of each group."""
    return rows.select_related("submitter")
