"""Many request groups in one call."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

BULK = "/api/requestgroups/bulk/"


def many(group: dict[str, Any], number: int, **changes: Any) -> list[dict[str, Any]]:
    return [copy.deepcopy(group) | {"name": f"group {index}", **changes} for index in range(number)]


def test_good_ones_are_accepted_and_bad_ones_told_why(astronomer: APIClient, group: dict[str, Any]) -> None:
    bodies: list[Any] = many(group, 4)
    bodies[1]["requests"][0]["configurations"][0]["instrument_configs"][0]["exposure_time"] = "long"
    bodies[3] = "nothing"
    answer = astronomer.post(BULK, bodies)
    assert answer.status_code == 201
    body = answer.json()
    assert body["num_created"] == 2
    assert list(body["created"]) == ["0", "2"]
    assert astronomer.get(f"/api/requestgroups/{body['created']['2']}/").json()["name"] == "group 2"
    assert body["errors"]["1"] == {
        "requests": [{"configurations": [{"instrument_configs": [{"exposure_time": ["A valid number is required."]}]}]}]
    }
    assert body["errors"]["3"] == {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}


def test_one_by_one_and_together_they_become_the_same(astronomer: APIClient, group: dict[str, Any]) -> None:
    def without_ids(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_ids(item) for key, item in value.items() if key != "id"}
        return [without_ids(item) for item in value] if isinstance(value, list) else value

    alone = astronomer.post("/api/requestgroups/", group).json()
    (key,) = astronomer.post(BULK, [group]).json()["created"].values()
    assert without_ids(astronomer.get(f"/api/requestgroups/{key}/").json()) == without_ids(alone)


def test_a_thousand_groups_take_one_call_and_few_queries(astronomer: APIClient, group: dict[str, Any]) -> None:
    assert astronomer.post(BULK, many(group, 1)).status_code == 201
    with CaptureQueriesContext(connection) as captured:
        answer = astronomer.post(BULK, many(group, 1_000))
    assert answer.json()["num_created"] == 1_000
    assert astronomer.get("/api/requestgroups/?limit=1").json()["count"] == 1_001
    assert len(captured) < 1_000 + 100  # one line of the change feed for each, everything else together


def test_more_than_a_thousand_are_refused(astronomer: APIClient) -> None:
    answer = astronomer.post(BULK, [{}] * 1_001)
    assert answer.status_code == 400
    assert "at most 1000" in answer.json()["non_field_errors"][0]


@pytest.mark.parametrize("body", [{}, "many", None])
def test_what_is_no_list_is_refused(astronomer: APIClient, body: Any) -> None:
    assert astronomer.post(BULK, body, format="json").status_code == 400


def test_priority_runs_out_for_those_who_come_last(astronomer: APIClient, group: dict[str, Any]) -> None:
    from armillary.core.proposals.ledger import Account
    from armillary.portal.proposals.queries import allocations_of

    group["requests"][0]["configurations"][0]["instrument_configs"][0] |= {"exposure_time": 3000, "exposure_count": 2}
    body = astronomer.post(BULK, [*many(group, 5, ipp_value=2.0), *many(group, 1)]).json()
    assert sorted(body["errors"]) == ["2", "3", "4"]
    assert "priority" in body["errors"]["4"]["non_field_errors"][0]
    assert "5" in body["created"]
    assert all(item.accounts[Account.PRIORITY].left_us >= 0 for item in allocations_of(["P1"])["P1"])


def test_the_limit_of_a_member_holds_within_one_call(
    world: dict[str, Any], astronomer: APIClient, group: dict[str, Any]
) -> None:
    from armillary.portal.proposals.models import Membership

    duration = astronomer.post("/api/requestgroups/validate/", group).json()["request_durations"]["duration"]
    Membership.objects.filter(user=world["astronomer"]).update(time_limit=int(2.5 * duration))
    body = astronomer.post(BULK, many(group, 4)).json()
    assert body["num_created"] == 2
    assert sorted(body["errors"]) == ["2", "3"]


def test_a_call_that_is_repeated_with_its_key_is_carried_out_once(astronomer: APIClient, group: dict[str, Any]) -> None:
    bodies = many(group, 3)
    first, second = (astronomer.post(BULK, bodies, headers={"Idempotency-Key": "a night's work"}) for _ in range(2))
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert astronomer.get("/api/requestgroups/").json()["count"] == 3
