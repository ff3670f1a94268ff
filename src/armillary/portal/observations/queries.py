"""Reading observations: rows laid over the documents of their requests, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet

from armillary.core.requests import wire
from armillary.core.requests.instants import format_time
from armillary.portal.observations.models import ConfigurationStatus, Observation, TelescopeSchedule
from armillary.portal.requestgroups.queries import request_document
from armillary.portal.requestgroups.visibility import Caller, scope

Json = dict[str, Any]
LONGEST_MEMORY = timedelta(days=7)
"""How far back ``last_changed`` and ``last_scheduled`` look."""


def visible_observations(caller: Caller) -> QuerySet[Observation]:
    """The observations that a caller may see."""
    return Observation.objects.filter(scope(caller, "request__request_group__"))


def for_listing(rows: QuerySet[Observation]) -> QuerySet[Observation]:
    """With what a list shows of each observation."""
    return rows.select_related("request__document", "request__request_group__submitter")


def statuses_by_observation(observations: Collection[int]) -> dict[int, list[ConfigurationStatus]]:
    """The executions of observations, in order: one query."""
    found: dict[int, list[ConfigurationStatus]] = defaultdict(list)
    rows = ConfigurationStatus.objects.filter(observation_id__in=observations).select_related("summary")
    for row in rows.order_by("pk"):
        found[row.observation_id].append(row)
    return found


def listed(rows: Sequence[Observation]) -> list[Json]:
    """Observations in the list flavour: one query beside the one that read ``rows``."""
    statuses = statuses_by_observation([row.pk for row in rows])
    return [_listed_observation(row, statuses[row.pk]) for row in rows]


def _listed_observation(row: Observation, statuses: Sequence[ConfigurationStatus]) -> Json:
    group = row.request.request_group
    request = wire.listed_request(request_document(row.request), with_place=False)
    if group.observation_type == "REAL_TIME":
        request["configurations"] = [{"configuration_status": item.pk, "state": item.state} for item in statuses]
    else:
        request["configurations"] = _expanded(request["configurations"], row.request.configuration_repeats, statuses)
    return {
        "id": row.pk,
        "request": request,
        "site": row.site,
        "enclosure": row.enclosure,
        "telescope": row.telescope,
        "start": format_time(row.start),
        "end": format_time(row.end),
        "priority": row.priority,
        "state": row.state,
        "proposal": group.proposal_id,
        "submitter": group.submitter.username,
        "name": group.name,
        "ipp_value": group.ipp_value,
        "observation_type": group.observation_type,
        "request_group_id": group.pk,
        "created": format_time(row.created),
        "modified": format_time(row.modified),
    }


def _expanded(configurations: Sequence[Json], repeats: int, statuses: Sequence[ConfigurationStatus]) -> list[Json]:
    """Configurations once for each repeat, with what to report on; one that has no execution is left out."""
    by_configuration: dict[int | None, list[ConfigurationStatus]] = defaultdict(list)
    for status in statuses:
        by_configuration[status.configuration_id].append(status)
    found = []
    for repeat in range(repeats):
        for configuration in configurations:
            executions = by_configuration[configuration["id"]]
            if repeat < len(executions):
                priority = configuration["priority"] + repeat * len(configurations)
                found.append({**configuration, **_listed_execution(executions[repeat]), "priority": priority})
    return found


def _listed_execution(status: ConfigurationStatus) -> Json:
    summary = getattr(status, "summary", None)
    return {
        "configuration_status": status.pk,
        "state": status.state,
        "instrument_name": status.instrument_name,
        "guide_camera_name": status.guide_camera_name,
        "summary": {} if summary is None else {"id": summary.pk, **_summary(summary)},
    }


def _summary(summary: Any) -> Json:
    return {
        "start": format_time(summary.start),
        "end": format_time(summary.end),
        "state": summary.state,
        "reason": summary.reason,
        "time_completed": summary.time_completed,
        "events": summary.events,
    }


def detailed_status(status: ConfigurationStatus) -> Json:
    """An execution in the detail flavour; needs its ``summary`` loaded."""
    summary = getattr(status, "summary", None)
    return {
        "id": status.pk,
        "summary": None if summary is None else _summary(summary),
        "instrument_name": status.instrument_name,
        "guide_camera_name": status.guide_camera_name,
        "state": status.state,
        "configuration": status.configuration_id,
    }


def detailed(row: Observation) -> Json:
    """An observation in the detail flavour: one query."""
    statuses = statuses_by_observation([row.pk])[row.pk]
    return {
        "site": row.site,
        "enclosure": row.enclosure,
        "telescope": row.telescope,
        "start": format_time(row.start),
        "end": format_time(row.end),
        "priority": row.priority,
        "configuration_statuses": [detailed_status(status) for status in statuses],
        "request": row.request_id,
        "state": row.state,
        "modified": format_time(row.modified),
        "created": format_time(row.created),
    }


def detailed_direct(rows: Sequence[Observation]) -> list[Json]:
    """Observations as ``/api/schedule/`` answers one of them: one query; needs what :func:`for_listing` loads."""
    statuses = statuses_by_observation([row.pk for row in rows])
    return [_detailed_direct(row, statuses[row.pk]) for row in rows]


def _detailed_direct(row: Observation, statuses: Sequence[ConfigurationStatus]) -> Json:
    group = row.request.request_group
    request = wire.detailed_request(request_document(row.request), with_place=False)
    first: dict[int | None, ConfigurationStatus] = {}
    for status in statuses:
        first.setdefault(status.configuration_id, status)
    for configuration in request["configurations"]:
        if configuration["target"]:
            configuration["target"].setdefault("scheme", "")
        if executed := first.get(configuration["id"]):
            described = detailed_status(executed)
            configuration["configuration_status"] = executed.pk
            for key in ("summary", "instrument_name", "guide_camera_name", "state"):
                configuration[key] = described[key]
    return {
        "site": row.site,
        "enclosure": row.enclosure,
        "telescope": row.telescope,
        "start": format_time(row.start),
        "end": format_time(row.end),
        "state": row.state,
        "request": request,
        "priority": row.priority,
        "id": row.pk,
        "modified": format_time(row.modified),
        "proposal": group.proposal_id,
        "submitter": group.submitter.username,
        "name": group.name,
        "ipp_value": group.ipp_value,
        "observation_type": group.observation_type,
        "request_group_id": group.pk,
    }


def of_request(request_id: int, *, exclude_canceled: bool) -> list[Json]:
    """The observations of a request, oldest first, each with its executions."""
    rows = Observation.objects.filter(request_id=request_id).order_by("pk")
    if exclude_canceled:
        rows = rows.exclude(state="CANCELED")
    found = list(rows)
    statuses = statuses_by_observation([row.pk for row in found])
    return [_nested(row, statuses[row.pk]) for row in found]


def _nested(row: Observation, statuses: Sequence[ConfigurationStatus]) -> Json:
    return {
        "id": row.pk,
        "request": row.request_id,
        "site": row.site,
        "enclosure": row.enclosure,
        "telescope": row.telescope,
        "start": format_time(row.start),
        "end": format_time(row.end),
        "priority": row.priority,
        "state": row.state,
        "configuration_statuses": [
            {
                "id": status.pk,
                "configuration": status.configuration_id,
                "instrument_name": status.instrument_name,
                "guide_camera_name": status.guide_camera_name,
                "state": status.state,
                "summary": _nested_summary(status),
            }
            for status in statuses
        ],
    }


def _nested_summary(status: ConfigurationStatus) -> Json:
    summary = getattr(status, "summary", None)
    return {} if summary is None else {"id": summary.pk, **_summary(summary)}


def last_scheduled(site: str | None, now: datetime) -> datetime:
    """When the schedule of a site (or of any) last changed; at most seven days ago."""
    rows = TelescopeSchedule.objects.all() if site is None else TelescopeSchedule.objects.filter(site=site)
    latest = rows.aggregate(latest=Max("scheduled_at"))["latest"]
    return max(latest or now - LONGEST_MEMORY, now - LONGEST_MEMORY)


def for_report() -> QuerySet[ConfigurationStatus]:
    """Executions, with what a report on one must know before anything is locked: the little that never changes."""
    group = "observation__request__request_group"
    rows = ConfigurationStatus.objects.select_related(group)
    return rows.only("observation", "observation__request", group, f"{group}__observation_type")
