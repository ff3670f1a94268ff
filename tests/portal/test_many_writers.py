"""Many processes write at once; what must never happen, does not. On SQLite and on PostgreSQL alike."""

from __future__ import annotations

import copy
import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from armillary.core.requests.facts import Limits

from .conftest import IMAGER, NIGHT, client_of, wish

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS = 6


@pytest.fixture(autouse=True)
def _one_connection_for_nested_requests() -> None:
    """Here every thread has a connection of its own, and no transaction surrounds the test."""


def at_once(action: Any, arguments: list[Any]) -> list[Any]:
    """Run an action in many threads, each with a database connection of its own."""

    def run(argument: Any) -> Any:
        try:
            return action(argument)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, arguments))


def test_one_telescope_is_given_away_once(world: dict[str, Any], submitted: dict[str, Any]) -> None:
    bodies = [wish(submitted, NIGHT + timedelta(minutes=minutes)) for minutes in range(WRITERS)]
    answers = at_once(lambda body: client_of(world["operator"]).post("/api/observations/", body), bodies)
    assert min(answer.status_code for answer in answers) == 201
    assert {answer.status_code for answer in answers} <= {201, 400, 409}
    live = client_of(world["operator"]).get("/api/observations/?state=PENDING").json()["results"]
    assert len(live) == sum(answer.status_code == 201 for answer in answers)
    spans = sorted((item["start"], item["end"]) for item in live)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_of_many_plans_from_one_version_one_is_published(world: dict[str, Any], submitted: dict[str, Any]) -> None:
    span = {"site": "exh", "enclosure": "doma", "telescope": "0m6a", "start": "2026-11-23T15:00:00Z"}
    plans = [
        {
            **span,
            "end": "2026-11-30T15:00:00Z",
            "version": "0",
            "observations": [wish(submitted, NIGHT + timedelta(minutes=20 * number))],
        }
        for number in range(WRITERS)
    ]
    answers = at_once(lambda plan: client_of(world["operator"]).post("/api/schedule/publish/", plan), plans)
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * (WRITERS - 1)]
    assert client_of(world["operator"]).get("/api/observations/?state=PENDING").json()["count"] == 1


def test_priority_is_never_spent_twice(world: dict[str, Any], group: dict[str, Any]) -> None:
    from armillary.core.proposals.ledger import Account
    from armillary.portal.proposals.queries import allocations_of

    group["ipp_value"] = Limits().max_ipp_value
    group["requests"][0]["configurations"][0]["instrument_configs"][0] |= {"exposure_time": 3000, "exposure_count": 2}
    bodies = [copy.deepcopy(group) for _ in range(WRITERS)]
    answers = at_once(lambda body: client_of(world["astronomer"]).post("/api/requestgroups/", body), bodies)
    accepted = sum(answer.status_code == 201 for answer in answers)
    assert 1 <= accepted < WRITERS
    (imager,) = [item for item in allocations_of(["P1"])["P1"] if item.covers(IMAGER)]
    left = imager.accounts[Account.PRIORITY].left_h
    assert left >= 0
    duration = answers[0].json().get("requests", [{}])[0].get("duration")
    if duration:
        assert left == pytest.approx(5 - accepted * duration / 3600, abs=0.01)


def test_a_report_that_arrives_many_times_is_charged_once(world: dict[str, Any], submitted: dict[str, Any]) -> None:
    operator = client_of(world["operator"])
    operator.post("/api/observations/", [wish(submitted, NIGHT)])
    (observation,) = operator.get("/api/schedule/").json()["results"]
    status = observation["request"]["configurations"][0]["configuration_status"]
    summary = {
        "start": NIGHT.isoformat(),
        "end": (NIGHT + timedelta(minutes=6)).isoformat(),
        "state": "COMPLETED",
        "time_completed": 60,
    }
    body = {"state": "COMPLETED", "summary": summary}
    answers = at_once(
        lambda _: client_of(world["operator"]).patch(f"/api/configurationstatus/{status}/", body), [None] * WRITERS
    )
    assert {answer.status_code for answer in answers} == {200}
    allocations = client_of(world["astronomer"]).get("/api/proposals/P1/").json()["timeallocation_set"]
    assert sum(item["std_time_used"] for item in allocations) == pytest.approx(0.1, abs=1e-9)
    history = operator.get(f"/api/requests/{submitted['requests'][0]['id']}/transitions/").json()
    assert [line["to"] for line in history] == ["PENDING", "COMPLETED"]


def test_cancelling_and_publishing_at_once_leave_nothing_scheduled_for_a_cancelled_request(
    world: dict[str, Any], submitted: dict[str, Any]
) -> None:
    def act(number: int) -> Any:
        if number == 0:
            return client_of(world["astronomer"]).post(f"/api/requestgroups/{submitted['id']}/cancel/")
        return client_of(world["operator"]).post(
            "/api/observations/", wish(submitted, NIGHT + timedelta(minutes=15 * number))
        )

    answers = at_once(act, list(range(WRITERS)))
    assert answers[0].status_code == 200
    assert client_of(world["operator"]).get("/api/observations/?state=PENDING").json()["count"] == 0


@pytest.mark.usefixtures("world")
def test_the_database_itself_refuses_an_overlap_on_postgresql(submitted: dict[str, Any]) -> None:
    from django.db import IntegrityError

    from armillary.portal.observations.models import Observation

    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no exclusion constraints; there the services hold the rule")
    values = {"site": "exh", "enclosure": "doma", "telescope": "0m6a", "created": NIGHT, "modified": NIGHT}
    request = submitted["requests"][0]["id"]
    end = NIGHT + timedelta(minutes=10)
    Observation.objects.create(request_id=request, start=NIGHT, end=end, **values)
    with pytest.raises(IntegrityError, match="portal_observation_alone"):
        Observation.objects.create(request_id=request, start=NIGHT + timedelta(minutes=5), end=end, **values)
