"""Addresses are answered as clients write them: with or without the slash at the end, with or without the format."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("ending", ["/", "", ".json"])
def test_lists_and_details_are_found_however_the_address_ends(
    ending: str, astronomer: APIClient, submitted: dict[str, Any]
) -> None:
    assert astronomer.get(f"/api/requestgroups{ending}").json()["count"] == 1
    assert astronomer.get(f"/api/requestgroups/{submitted['id']}{ending}").json()["id"] == submitted["id"]


def test_a_post_without_the_slash_keeps_its_body(astronomer: APIClient, group: dict[str, Any]) -> None:
    assert astronomer.post("/api/requestgroups", group).status_code == 201


def test_an_address_that_leads_nowhere_is_not_found(astronomer: APIClient) -> None:
    assert astronomer.get("/api/nothing.json").status_code == 404
    assert astronomer.get("/api/requestgroups/.json").status_code == 404


LISTS = ("requestgroups", "requests", "observations", "schedule", "realtime", "subscriptions")


@pytest.mark.parametrize("address", LISTS)
def test_every_list_says_what_can_be_done_with_it(address: str, astronomer: APIClient) -> None:
    answer = astronomer.options(f"/api/{address}/")
    assert answer.status_code == 200
    assert "application/json" in answer.json()["parses"]
