"""How many queries each list takes does not depend on how much is in it, and is few."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from .conftest import IMAGER, NIGHT, wish

BUDGETS = {
    "/api/requestgroups/?limit=100": 4,
    "/api/requestgroups/?limit=100&ordering=-modified&state=PENDING": 4,
    "/api/requests/?limit=100": 4,
    "/api/requestgroups/schedulable_requests/": 8,
    "/api/observations/?limit=100": 4,
    "/api/schedule/?limit=100": 4,
    "/api/configurationstatus/?limit=100": 3,
    "/api/drafts/?limit=100": 3,
    "/api/last_changed/": 2,
    "/api/last_scheduled/": 2,
    f"/api/contention/{IMAGER}/": 2,
    "/api/pressure/": 8,
}
"""Savepoints do not count. Reading the observatory and the downtimes takes three or four where it is needed."""


def queries(client: APIClient, path: str) -> tuple[int, Any]:
    client.get(path)  # what is kept from call to call is there from the second on
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return sum("SAVEPOINT" not in item["sql"] for item in captured.captured_queries), answer.json()


def fill(astronomer: APIClient, operator: APIClient, group: dict[str, Any], number: int, since: int) -> None:
    for index in range(since, since + number):
        submitted = astronomer.post("/api/requestgroups/", copy.deepcopy(group)).json()
        observation = wish(submitted, NIGHT + timedelta(minutes=12 * index))
        assert operator.post("/api/observations/", observation).status_code == 201
        draft = {"title": f"draft {index}", "content": "{}", "proposal": "P1"}
        assert astronomer.post("/api/drafts/", draft).status_code == 201


@pytest.mark.parametrize("path", BUDGETS)
def test_a_list_keeps_its_budget_however_long_it_is(
    astronomer: APIClient, operator: APIClient, world: dict[str, Any], group: dict[str, Any], path: str
) -> None:
    from armillary.portal.proposals.services import add_member

    add_member(world["proposal"], world["operator"])
    fill(astronomer, operator, group, 2, since=0)
    few, _ = queries(operator, path)
    fill(astronomer, operator, group, 5, since=2)
    cache.clear()
    many, _ = queries(operator, path)
    assert many == few
    assert many <= BUDGETS[path]


def test_the_feed_for_schedulers_says_what_the_list_says(
    astronomer: APIClient, operator: APIClient, group: dict[str, Any]
) -> None:
    group["requests"][0] |= {
        "observation_note": 'quoted "text" with ünïcode \\ and\nlines',
        "extra_params": {"a": [1, None]},
    }
    many = copy.deepcopy(group) | {
        "operator": "MANY",
        "requests": [group["requests"][0], copy.deepcopy(group["requests"][0])],
    }
    assert astronomer.post("/api/requestgroups/", group).status_code == 201
    assert astronomer.post("/api/requestgroups/", many).status_code == 201
    listed = operator.get("/api/requestgroups/?limit=10").json()["results"]
    feed = operator.get("/api/requestgroups/schedulable_requests/").json()
    assert feed == [{**item, "is_staff": False} for item in listed]
    assert [list(item) for item in feed] == [[*item, "is_staff"] for item in listed]
    assert [list(item["requests"][0]) for item in feed] == [list(item["requests"][0]) for item in listed]


def test_the_feed_leaves_out_what_is_suspended_and_what_nobody_pays_for(
    astronomer: APIClient, operator: APIClient, group: dict[str, Any]
) -> None:
    from armillary.portal.proposals.models import TimeAllocation

    two = group | {"operator": "MANY", "requests": [group["requests"][0], copy.deepcopy(group["requests"][0])]}
    submitted = astronomer.post("/api/requestgroups/", two).json()
    first, second = (request["id"] for request in submitted["requests"])
    operator.patch(f"/api/requests/{first}/", {"suspend_until": (NIGHT + timedelta(days=1)).isoformat()})
    (left,) = operator.get("/api/requestgroups/schedulable_requests/").json()
    assert [request["id"] for request in left["requests"]] == [second]
    operator.patch(f"/api/requests/{second}/", {"suspend_until": (NIGHT + timedelta(days=1)).isoformat()})
    assert operator.get("/api/requestgroups/schedulable_requests/").json() == []
    operator.patch(f"/api/requests/{second}/", {"suspend_until": None})
    TimeAllocation.objects.all().delete()
    assert operator.get("/api/requestgroups/schedulable_requests/").json() == []
