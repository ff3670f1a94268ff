"""Simultaneous edits of one object lose nothing, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from armillary.configdb import services
from armillary.configdb.models import Instrument, Telescope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("small")]


def at_once(deeds: list[Callable[[], Any]]) -> list[Any]:
    """Do all of these at the same time, each with a database connection of its own."""
    gate = threading.Barrier(len(deeds))

    def do(deed: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(do, deeds))


def test_people_who_change_different_fields_of_one_telescope_all_succeed() -> None:
    telescope = Telescope.objects.order_by("id")[0]
    wanted: dict[str, Any] = {
        "horizon": 31.0,
        "slew_rate": 0.5,
        "name": "changed",
        "ha_limit_pos": 3.0,
        "serial_number": "X-1",
        "active": False,
    }
    at_once([lambda n=n, v=v: services.update(Telescope, telescope.pk, {n: v}) for n, v in wanted.items()])  # type: ignore[misc]
    stored = Telescope.objects.values().get(pk=telescope.pk)
    assert {name: stored[name] for name in wanted} == wanted
    assert telescope.history.count() == 1 + len(wanted)


def test_of_those_who_say_what_they_have_seen_exactly_one_changes_it(operator: APIClient) -> None:
    instrument = Instrument.objects.filter(state="SCHEDULABLE").order_by("id")[0]
    address = f"/configdb/instruments/{instrument.pk}/"
    seen = operator.get(address)["ETag"]
    states = ["MANUAL", "STANDBY", "COMMISSIONING", "DISABLED"]
    answers = at_once(
        [lambda s=s: operator.patch(address, {"state": s}, headers={"If-Match": seen}).status_code for s in states]  # type: ignore[misc]
    )
    assert sorted(answers) == [200, 412, 412, 412]
    assert instrument.history.count() == 2
