"""The whole take-over, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from armillary.portal.calls.takeover import take_over_applications
from armillary.portal.surroundings import observatory
from armillary.portal.takeover.dump import Dump
from armillary.portal.takeover.people import take_over_people
from armillary.portal.takeover.proposals import take_over_proposals, take_over_time
from armillary.portal.takeover.requests import Requests, take_over_observations

TAKEN_OVER = (
    "auth.user",
    "accounts.profile",
    "authtoken.token",
    "proposals.",
    "requestgroups.",
    "observations.",
    "sciapplications.",
)
"""Beginnings of the models that are taken over."""


@dataclass(slots=True)
class Report:
    """What a take-over did."""

    objects: Mapping[str, int]
    """Objects of the dump that were taken over, by model."""
    ignored: Mapping[str, int] = field(default_factory=dict)
    """Objects of the dump that this portal has no place for, by model."""
    accounts_opened: int = 0
    """Allocations whose ledger was opened; the others had one already."""
    requests_without_duration: tuple[int, ...] = ()
    dry_run: bool = False


def import_ocs(objects: Iterable[Mapping[str, Any]], *, dry_run: bool = False) -> Report:
    """Take over the dump of an OCS portal: people, proposals, time, requests, observations, states.

    Ids are kept. What is there already is updated, so the same dump can be taken over again.

    Raises:
        DumpError: It is not a dump.
        ServiceUnavailable: The configuration database, which tells how long requests take, cannot be read.
    """
    dump = Dump(objects)
    snapshot = observatory()
    report = Report({}, dry_run=dry_run)
    with transaction.atomic():
        people = take_over_people(dump)
        take_over_proposals(dump, people)
        take_over_applications(dump, people)
        requests = Requests(dump, people, snapshot)
        requests.take_over()
        take_over_observations(dump)
        report.accounts_opened = take_over_time(dump)
        report.requests_without_duration = tuple(requests.without_duration)
        _continue_numbering()
        transaction.set_rollback(dry_run)
    counts = dump.models()
    report.objects = {model: number for model, number in counts.items() if model.startswith(TAKEN_OVER)}
    report.ignored = {model: number for model, number in counts.items() if model not in report.objects}
    return report


def _continue_numbering() -> None:
    """New rows get ids after the highest one that was taken over; SQLite does this by itself."""
    if connection.vendor != "postgresql":
        return
    from django.apps import apps
    from django.core.management.color import no_style

    models = [
        *apps.get_app_config("armillary_portal").get_models(),
        *apps.get_app_config("armillary_accounts").get_models(),
    ]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
