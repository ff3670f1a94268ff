"""The portal's side of scheduling: one publisher at a time, and what it says about requests."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture
def now(world: dict[str, Any]) -> datetime:
    """What the clock shows."""
    del world
    return NOW


def lease(client: APIClient, holder: str, seconds: float = 60.0) -> Any:
    return client.post("/api/scheduler/lease/", {"holder": holder, "seconds": seconds})


def test_one_scheduler_at_a_time_holds_the_lease(
    operator: APIClient, clock_at: Callable[[datetime], None], now: datetime
) -> None:
    first = lease(operator, "one")
    assert first.status_code == 200
    again = lease(operator, "one")
    assert again.json()["fence"] == first.json()["fence"]
    refused = lease(operator, "two")
    assert refused.status_code == 409
    assert "'one'" in str(refused.json())
    clock_at(now + timedelta(seconds=61))
    second = lease(operator, "two")
    assert second.json()["fence"] == first.json()["fence"] + 1


def test_a_lease_that_is_given_back_is_free_at_once(operator: APIClient) -> None:
    lease(operator, "one")
    assert lease(operator, "one", 0.0).status_code == 200
    assert lease(operator, "two").status_code == 200


@pytest.mark.parametrize("body", [{}, {"holder": "", "seconds": 1}, {"holder": "x", "seconds": -1}, {"holder": "x"}])
def test_a_malformed_wish_is_refused(operator: APIClient, body: dict[str, Any]) -> None:
    assert operator.post("/api/scheduler/lease/", body).status_code == 400


def test_only_staff_may_schedule(astronomer: APIClient) -> None:
    assert lease(astronomer, "one").status_code == 403
    assert astronomer.get("/api/scheduler/").status_code == 403


def test_a_plan_with_an_old_fence_is_refused(
    operator: APIClient, clock_at: Callable[[datetime], None], now: datetime
) -> None:
    old = lease(operator, "one", 10.0).json()["fence"]
    clock_at(now + timedelta(seconds=11))
    new = lease(operator, "two").json()["fence"]
    plan = {
        "site": "exh", "enclosure": "doma", "telescope": "0m6a", "version": "0", "observations": [],
        "start": now.isoformat(), "end": (now + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    refused = operator.post("/api/schedule/publish/", plan | {"fence": old})
    assert refused.status_code == 409
    assert "'two'" in str(refused.json())
    assert operator.post("/api/schedule/publish/", plan | {"fence": new}).status_code == 200
    assert operator.post("/api/schedule/publish/", plan).status_code == 200


def report(fence: int, now: datetime, *reasons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {"fence": fence, "run": "run-1", "at": now.isoformat(), "state": "published", "sentence": "All well."}
    return copy.deepcopy(body | {"reasons": list(reasons)} | changes)


def test_what_the_scheduler_says_is_shown_with_the_explanation(
    operator: APIClient, submitted: dict[str, Any], now: datetime
) -> None:
    request = submitted["requests"][0]["id"]
    fence = lease(operator, "one").json()["fence"]
    said = {"request": request, "status": "outbid", "sentence": "The time is worth more to others.", "price_per_s": 0.7}
    stored = operator.post("/api/scheduler/report/", report(fence, now, said, {**said, "request": 10**9}))
    assert stored.json() == {"stored": 1}, "of a request that is not there nothing is kept"
    shown = operator.get(f"/api/requests/{request}/explanation/").json()["scheduler"]
    assert shown["sentence"] == said["sentence"]
    assert shown["price_per_s"] == 0.7
    assert shown["run"] == "run-1"
    operator.post("/api/scheduler/report/", report(fence, now, {**said, "status": "scheduled", "sentence": "Now."}))
    assert operator.get(f"/api/requests/{request}/explanation/").json()["scheduler"]["sentence"] == "Now."
    assert operator.get("/api/scheduler/").json()["state"] == "published"


def test_a_report_without_the_lease_is_refused(operator: APIClient, now: datetime) -> None:
    fence = lease(operator, "one").json()["fence"]
    assert operator.post("/api/scheduler/report/", report(fence + 1, now)).status_code == 409


def test_a_malformed_reason_is_named(operator: APIClient, now: datetime) -> None:
    fence = lease(operator, "one").json()["fence"]
    refused = operator.post("/api/scheduler/report/", report(fence, now, {"request": 1}))
    assert refused.status_code == 400
    assert "sentence" in str(refused.json())


def test_before_the_first_scheduler_nobody_schedules(operator: APIClient) -> None:
    assert operator.get("/api/scheduler/").json()["holder"] is None
    assert operator.get("/api/schedule/versions/").json() == {"versions": {}}
