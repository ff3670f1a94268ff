"""Several servers write into one database at the same time, each a process of its own. On SQLite and on PostgreSQL."""

from __future__ import annotations

import copy
import itertools
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from .conftest import IMAGER, NIGHT, wish

pytestmark = pytest.mark.django_db(transaction=True)
PROCESSES = 3
Call = tuple[str, str, dict[str, Any]]


@pytest.fixture(autouse=True)
def _one_connection_for_nested_requests() -> None:
    """Here no transaction surrounds the test."""


def address_of_the_database() -> str:
    """How another process reaches the database of this test."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    secret = f":{values['PASSWORD']}" if values["PASSWORD"] else ""
    return f"postgresql://{values['USER']}{secret}@{values['HOST']}:{values['PORT']}/{values['NAME']}"


def at_once(calls: list[list[Call]]) -> list[list[int]]:
    """One process for each list of calls; all begin when all are ready. Gives the statuses of the answers."""
    environment = os.environ | {
        "ARMILLARY_DATABASE_URL": address_of_the_database(),
        "DJANGO_SETTINGS_MODULE": "armillary.server.settings",
        "ARMILLARY_LOG_LEVEL": "ERROR",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    writer = Path(__file__).parent / "writer.py"
    processes = [
        subprocess.Popen(
            [sys.executable, str(writer), json.dumps(own)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for own in calls
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [process.communicate()[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * len(processes)
    return [json.loads(answer.splitlines()[-1]) for answer in answers]


def test_processes_that_schedule_and_submit_at_once_break_nothing(
    world: dict[str, Any], submitted: dict[str, Any], group: dict[str, Any]
) -> None:
    from armillary.core.proposals.ledger import Account
    from armillary.portal.models import Observation, RequestGroup
    from armillary.portal.observations.services.reconcile import reconcile
    from armillary.portal.proposals.queries import allocations_of

    del world
    dear = copy.deepcopy(group) | {"ipp_value": 2.0}
    dear["requests"][0]["configurations"][0]["instrument_configs"][0] |= {"exposure_time": 3000, "exposure_count": 2}
    calls: list[list[Call]] = [
        [
            ("hypatia", "/api/requestgroups/", dear),
            *(
                ("operator", "/api/observations/", wish(submitted, NIGHT + timedelta(minutes=7 * slot + number)))
                for slot in range(6)
            ),
            ("hypatia", "/api/requestgroups/", dear),
        ]
        for number in range(PROCESSES)
    ]
    statuses = at_once(calls)

    flat = list(itertools.chain(*statuses))
    assert set(flat) <= {201, 400, 409}
    live = list(Observation.objects.filter(state="PENDING").order_by("start").values_list("start", "end"))
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(live)), "no telescope is given away twice"
    placed = sum(status == 201 for own in statuses for status in own[1:-1])
    assert len(live) == placed > 0, "what was acknowledged is there"
    accepted = sum(status == 201 for own in statuses for status in (own[0], own[-1]))
    assert RequestGroup.objects.filter(ipp_value=2.0).count() == accepted > 0
    (imager,) = [item for item in allocations_of(["P1"])["P1"] if item.covers(IMAGER)]
    assert imager.accounts[Account.PRIORITY].left_us >= 0, "nobody spends what somebody else has spent"
    assert accepted < 2 * PROCESSES, "there was not enough for all"
    assert reconcile().discrepancies == ()
