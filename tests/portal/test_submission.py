from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def test_a_request_group_is_accepted_and_shown_in_both_flavours(
    astronomer: APIClient, submitted: dict[str, Any]
) -> None:
    detail = astronomer.get(f"/api/requestgroups/{submitted['id']}/").json()
    assert detail == submitted
    assert list(detail) == [
        "id", "requests", "submitter", "name", "observation_type", "operator", "ipp_value", "created", "state",
        "modified", "proposal",
    ]  # fmt: skip
    listed = astronomer.get("/api/requestgroups/").json()["results"][0]
    assert list(listed) == [
        "id", "submitter", "proposal", "name", "observation_type", "operator", "ipp_value", "state", "created",
        "modified", "requests",
    ]  # fmt: skip
    assert listed["requests"][0]["location"] == {"telescope_class": "0m6"}
    assert listed["requests"][0]["configurations"][0]["id"] == detail["requests"][0]["configurations"][0]["id"]


def test_every_mistake_is_named_where_it_is(astronomer: APIClient, group: dict[str, Any]) -> None:
    request = group["requests"][0]
    request["configurations"][0]["instrument_configs"][0]["optical_elements"] = {"filter": "Z9"}
    request["windows"] = [{"start": "2026-11-26T16:00:00Z", "end": "2026-11-23T17:00:00Z"}]
    answer = astronomer.post("/api/requestgroups/", group)
    assert answer.status_code == 400
    errors = answer.json()["requests"][0]
    assert "Z9" in str(errors["configurations"]), errors
    assert "cannot be earlier than window start" in str(errors["windows"]), errors


def test_a_target_that_never_rises_is_refused_with_the_reason(astronomer: APIClient, group: dict[str, Any]) -> None:
    group["requests"][0]["configurations"][0]["target"] |= {"ra": 80.0, "dec": -69.5}
    answer = astronomer.post("/api/requestgroups/", group)
    assert answer.status_code == 400
    assert "will not be visible within the time window" in str(answer.json())


def test_nobody_can_submit_in_the_name_of_somebody_else(
    astronomer: APIClient, group: dict[str, Any], world: dict[str, Any]
) -> None:
    group["submitter"] = group["submitter_id"] = world["operator"].pk
    assert astronomer.post("/api/requestgroups/", group).json()["submitter"] == "hypatia"


@pytest.mark.parametrize("kind", ["DIRECT", "REAL_TIME"])
def test_what_is_not_scheduled_cannot_be_submitted_as_a_request(
    astronomer: APIClient, group: dict[str, Any], kind: str
) -> None:
    group["observation_type"] = kind
    assert astronomer.post("/api/requestgroups/", group).status_code == 400


def test_strangers_may_neither_submit_nor_see(submitted: dict[str, Any], group: dict[str, Any]) -> None:
    stranger = APIClient()
    assert stranger.post("/api/requestgroups/", group).status_code == 403
    assert stranger.get("/api/requestgroups/").json()["count"] == 0
    assert stranger.get(f"/api/requestgroups/{submitted['id']}/").status_code == 404


def test_validation_answers_with_durations_or_with_errors(astronomer: APIClient, group: dict[str, Any]) -> None:
    good = astronomer.post("/api/requestgroups/validate/", group).json()
    assert good["errors"] == {}
    assert good["request_durations"]["duration"] > 60
    group["proposal"] = "nothing"
    bad = astronomer.post("/api/requestgroups/validate/", group)
    assert bad.status_code == 200
    assert bad.json() == {
        "request_durations": {},
        "errors": {"proposal": ['Invalid pk "nothing" - object does not exist.']},
    }


def test_cancelling_answers_with_the_new_states_of_everything(astronomer: APIClient, submitted: dict[str, Any]) -> None:
    answer = astronomer.post(f"/api/requestgroups/{submitted['id']}/cancel/")
    assert answer.status_code == 200
    assert answer.json()["state"] == "CANCELED"
    assert answer.json()["requests"][0]["state"] == "CANCELED"
    assert astronomer.post(f"/api/requestgroups/{submitted['id']}/cancel/").status_code == 200
    history = astronomer.get(f"/api/requestgroups/{submitted['id']}/transitions/").json()
    assert [(line["from"], line["to"], line["actor"]) for line in history] == [
        (None, "PENDING", "hypatia"),
        ("PENDING", "CANCELED", "hypatia"),
    ]


def test_the_same_submission_under_one_key_is_stored_once(astronomer: APIClient, group: dict[str, Any]) -> None:
    first = astronomer.post("/api/requestgroups/", group, headers={"Idempotency-Key": "night-1"})
    again = astronomer.post("/api/requestgroups/", group, headers={"Idempotency-Key": "night-1"})
    assert first.json() == again.json()
    assert astronomer.get("/api/requestgroups/").json()["count"] == 1


def test_submission_changes_last_changed(operator: APIClient, submitted: dict[str, Any]) -> None:
    assert operator.get("/api/last_changed/").json() == {"last_change_time": submitted["created"]}
    assert operator.get("/api/last_changed/?telescope_class=0m6").json() == {"last_change_time": submitted["created"]}
    earlier = operator.get("/api/last_changed/?telescope_class=2m0").json()
    assert earlier == {"last_change_time": "2026-11-16T15:00:00Z"}


def test_the_scheduler_reads_all_requests_in_a_constant_number_of_queries(
    astronomer: APIClient, operator: APIClient, group: dict[str, Any]
) -> None:
    counts = []
    for number in (2, 6):
        for _ in range(number):
            assert astronomer.post("/api/requestgroups/", group).status_code == 201
        with CaptureQueriesContext(connection) as queries:
            answer = operator.get("/api/requestgroups/schedulable_requests/")
        counts.append(len(queries))
    assert len(answer.json()) == 8
    assert answer.json()[0]["is_staff"] is False
    assert counts[0] == counts[1] <= 8


def test_a_suspended_request_is_kept_from_the_scheduler(
    operator: APIClient, submitted: dict[str, Any], clock_at: Any
) -> None:
    from datetime import UTC, datetime

    request = submitted["requests"][0]["id"]
    answer = operator.patch(f"/api/requests/{request}/", {"suspend_until": "2026-11-24T00:00:00Z"})
    assert answer.json() == {"suspend_until": "2026-11-24T00:00:00Z"}
    assert operator.get("/api/requestgroups/schedulable_requests/").json() == []
    clock_at(datetime(2026, 11, 24, 1, tzinfo=UTC))
    assert len(operator.get("/api/requestgroups/schedulable_requests/").json()) == 1


def test_the_scheduler_is_told_what_is_wrong_with_its_dates(operator: APIClient) -> None:
    answer = operator.get("/api/requestgroups/schedulable_requests/?start=sometime")
    assert answer.status_code == 400
    assert "sometime" in answer.json()["start"][0]
