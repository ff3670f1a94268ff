from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary.platform.models import Change

from .conftest import NIGHT, PLACE, wish

pytestmark = pytest.mark.django_db

VERSION = "/api/schedule/version/?site=exh&enclosure=doma&telescope=0m6a"


def publish(operator: APIClient, wishes: list[dict[str, Any]], version: str | None = None) -> Any:
    span = {"start": "2026-11-23T15:00:00Z", "end": "2026-11-30T15:00:00Z"}
    return operator.post("/api/schedule/publish/", {**PLACE, **span, "version": version, "observations": wishes})


def complete(operator: APIClient, status: int, start: Any, seconds: float = 360, exposed: float = 60) -> Any:
    summary = {
        "start": start.isoformat(),
        "end": (start + timedelta(seconds=seconds)).isoformat(),
        "state": "COMPLETED",
        "time_completed": exposed,
        "events": [],
    }
    return operator.patch(f"/api/configurationstatus/{status}/", {"state": "COMPLETED", "summary": summary})


def statuses(operator: APIClient, observation: int) -> list[int]:
    detail = operator.get(f"/api/observations/{observation}/").json()
    return [item["id"] for item in detail["configuration_statuses"]]


def hours_used(astronomer: APIClient) -> float:
    allocations = astronomer.get("/api/proposals/P1/").json()["timeallocation_set"]
    return sum(item["std_time_used"] for item in allocations)


def test_a_request_goes_from_schedule_to_completion(
    astronomer: APIClient, operator: APIClient, submitted: dict[str, Any]
) -> None:
    answer = publish(operator, [wish(submitted, NIGHT)], operator.get(VERSION).json()["version"])
    assert answer.status_code == 200, answer.json()
    (observation,) = answer.json()["created"]
    (status,) = statuses(operator, observation)

    assert operator.patch(f"/api/configurationstatus/{status}/", {"state": "ATTEMPTED"}).status_code == 200
    assert operator.get(f"/api/observations/{observation}/").json()["state"] == "IN_PROGRESS"
    assert complete(operator, status, NIGHT).json()["state"] == "COMPLETED"

    assert operator.get(f"/api/observations/{observation}/").json()["state"] == "COMPLETED"
    group = astronomer.get(f"/api/requestgroups/{submitted['id']}/").json()
    assert (group["state"], group["requests"][0]["state"]) == ("COMPLETED", "COMPLETED")
    assert hours_used(astronomer) == pytest.approx(0.1, abs=1e-9)
    kinds = set(Change.objects.values_list("kind", flat=True))
    assert kinds >= {
        "request_group.submitted", "observation.created", "observation.changed", "schedule.published",
        "request.changed", "request_group.changed",
    }  # fmt: skip


def test_the_astronomer_is_told_that_the_request_is_complete(operator: APIClient, submitted: dict[str, Any]) -> None:
    from armillary.platform.models import OutboxMail

    (observation,) = publish(operator, [wish(submitted, NIGHT)]).json()["created"]
    complete(operator, statuses(operator, observation)[0], NIGHT)
    assert [mail.to for mail in OutboxMail.objects.all()] == [["hypatia@alexandria.example"]]


def test_repeated_and_late_reports_change_nothing(
    astronomer: APIClient, operator: APIClient, submitted: dict[str, Any]
) -> None:
    (observation,) = publish(operator, [wish(submitted, NIGHT)]).json()["created"]
    (status,) = statuses(operator, observation)
    for _ in range(2):
        assert complete(operator, status, NIGHT).status_code == 200
    late = operator.patch(f"/api/configurationstatus/{status}/", {"state": "ATTEMPTED"})
    assert (late.status_code, late.json()["state"]) == (200, "COMPLETED")
    assert hours_used(astronomer) == pytest.approx(0.1, abs=1e-9)


def test_a_corrected_summary_corrects_the_charge(
    astronomer: APIClient, operator: APIClient, submitted: dict[str, Any]
) -> None:
    (observation,) = publish(operator, [wish(submitted, NIGHT)]).json()["created"]
    (status,) = statuses(operator, observation)
    complete(operator, status, NIGHT, seconds=360)
    complete(operator, status, NIGHT, seconds=180)
    assert hours_used(astronomer) == pytest.approx(0.05, abs=1e-9)


def test_bad_data_gives_the_time_back_and_opens_the_request_again(
    astronomer: APIClient, operator: APIClient, submitted: dict[str, Any]
) -> None:
    (observation,) = publish(operator, [wish(submitted, NIGHT)]).json()["created"]
    complete(operator, statuses(operator, observation)[0], NIGHT)
    answer = operator.patch(f"/api/observations/{observation}/", {"state": "BAD_DATA"})
    assert answer.json()["state"] == "BAD_DATA"
    assert astronomer.get(f"/api/requestgroups/{submitted['id']}/").json()["state"] == "PENDING"
    assert hours_used(astronomer) == 0


def test_an_unchanged_plan_keeps_every_observation(operator: APIClient, submitted: dict[str, Any]) -> None:
    first = publish(operator, [wish(submitted, NIGHT)]).json()
    again = publish(operator, [wish(submitted, NIGHT)], first["version"]).json()
    assert again == {"version": first["version"], "created": [], "kept": first["created"], "cancelled": []}


def test_a_new_plan_cancels_what_it_no_longer_wants_and_keeps_the_record(
    operator: APIClient, submitted: dict[str, Any]
) -> None:
    first = publish(operator, [wish(submitted, NIGHT)]).json()
    moved = publish(operator, [wish(submitted, NIGHT + timedelta(hours=1))], first["version"]).json()
    assert moved["cancelled"] == first["created"]
    assert operator.get(f"/api/observations/{first['created'][0]}/").json()["state"] == "CANCELED"


def test_a_plan_from_a_stale_state_is_refused_as_a_whole(operator: APIClient, submitted: dict[str, Any]) -> None:
    version = operator.get(VERSION).json()["version"]
    first = publish(operator, [wish(submitted, NIGHT)], version).json()
    stale = publish(operator, [], version)
    assert stale.status_code == 409
    assert operator.get(f"/api/observations/{first['created'][0]}/").json()["state"] == "PENDING"


def test_a_plan_with_a_cancelled_request_is_refused(
    astronomer: APIClient, operator: APIClient, submitted: dict[str, Any]
) -> None:
    astronomer.post(f"/api/requestgroups/{submitted['id']}/cancel/")
    assert publish(operator, [wish(submitted, NIGHT)]).status_code == 409


def test_a_running_observation_is_untouched_by_a_new_plan(operator: APIClient, submitted: dict[str, Any]) -> None:
    first = publish(operator, [wish(submitted, NIGHT)]).json()
    operator.patch(f"/api/configurationstatus/{statuses(operator, first['created'][0])[0]}/", {"state": "ATTEMPTED"})
    assert publish(operator, [wish(submitted, NIGHT + timedelta(minutes=5))]).status_code == 409
    assert publish(operator, []).json()["cancelled"] == []
    assert operator.get(f"/api/observations/{first['created'][0]}/").json()["state"] == "IN_PROGRESS"


def test_two_observations_never_overlap_on_one_telescope(operator: APIClient, submitted: dict[str, Any]) -> None:
    bodies = [
        wish(submitted, NIGHT),
        wish(submitted, NIGHT + timedelta(minutes=9)),
        wish(submitted, NIGHT + timedelta(minutes=10)),
    ]
    answer = operator.post("/api/observations/", bodies)
    assert answer.status_code == 201
    assert answer.json()["num_created"] == 2
    assert "overlaps" in answer.json()["errors"]["1"]["non_field_errors"][0]
    again = operator.post("/api/observations/", bodies[0])
    assert again.status_code == 400


def test_every_execution_is_named_although_a_poster_leaves_one_out(
    operator: APIClient, submitted: dict[str, Any]
) -> None:
    answer = operator.post("/api/observations/", wish(submitted, NIGHT, configuration_statuses=[]))
    assert answer.status_code == 400
    assert "configuration_statuses" in answer.json()


def test_the_schedule_lists_what_a_telescope_needs(operator: APIClient, submitted: dict[str, Any]) -> None:
    publish(operator, [wish(submitted, NIGHT)])
    answer = operator.get("/api/schedule/?site=exh&end_after=2026-11-23 18:00:00.5&state=PENDING").json()
    (observation,) = answer["results"]
    (configuration,) = observation["request"]["configurations"]
    assert configuration["instrument_name"] == "im01"
    assert configuration["summary"] == {}
    assert "windows" not in observation["request"]
    assert operator.get("/api/schedule/?site=nowhere").status_code == 400
    assert operator.get("/api/schedule/?state=DONE").status_code == 400


def test_cancelling_a_request_cancels_its_observations(
    astronomer: APIClient, operator: APIClient, submitted: dict[str, Any]
) -> None:
    (observation,) = publish(operator, [wish(submitted, NIGHT)]).json()["created"]
    before = operator.get(VERSION).json()["version"]
    astronomer.post(f"/api/requestgroups/{submitted['id']}/cancel/")
    assert operator.get(f"/api/observations/{observation}/").json()["state"] == "CANCELED"
    assert operator.get(VERSION).json()["version"] != before


def test_a_report_that_completes_a_request_cancels_the_other_observations_planned_for_it(
    operator: APIClient, submitted: dict[str, Any], clock_at: Any
) -> None:
    again = NIGHT + timedelta(minutes=30)
    plan = [wish(submitted, NIGHT), wish(submitted, again)]
    first, second = publish(operator, plan).json()["created"]
    clock_at(NIGHT + timedelta(minutes=10))
    complete(operator, statuses(operator, first)[0], NIGHT)
    assert operator.get(f"/api/observations/{second}/").json()["state"] == "CANCELED"


def test_running_observations_are_cancelled_only_if_the_caller_says_so(
    operator: APIClient, submitted: dict[str, Any], clock_at: Any
) -> None:
    (observation,) = publish(operator, [wish(submitted, NIGHT)]).json()["created"]
    operator.patch(f"/api/configurationstatus/{statuses(operator, observation)[0]}/", {"state": "ATTEMPTED"})
    clock_at(NIGHT + timedelta(minutes=1))
    refused = operator.post("/api/observations/cancel/", {"ids": [observation]})
    assert refused.status_code == 400
    assert "error" in refused.json()
    done = operator.post("/api/observations/cancel/", {"ids": [observation], "preemption_enabled": True})
    assert done.json() == {"canceled": 1}
    assert operator.get(f"/api/observations/{observation}/").json()["state"] == "ABORTED"


def test_an_observation_that_takes_longer_pushes_the_next_one_off(
    astronomer: APIClient, operator: APIClient, submitted: dict[str, Any], group: dict[str, Any]
) -> None:
    other = astronomer.post("/api/requestgroups/", group).json()
    plan = [wish(submitted, NIGHT), wish(other, NIGHT + timedelta(minutes=10))]
    first, second = publish(operator, plan).json()["created"]
    end = (NIGHT + timedelta(minutes=12)).isoformat()
    assert operator.patch(f"/api/observations/{first}/", {"end": end}).status_code == 200
    assert operator.get(f"/api/observations/{second}/").json()["state"] == "CANCELED"


def test_requests_expire_when_their_windows_are_over(
    astronomer: APIClient, submitted: dict[str, Any], clock_at: Any
) -> None:
    from armillary.clock import now
    from armillary.portal.requestgroups.services.expire import expire_requests

    assert expire_requests(now()) == 0
    clock_at(NIGHT + timedelta(days=4))
    assert expire_requests(now()) == 1
    assert expire_requests(now()) == 0
    assert astronomer.get(f"/api/requestgroups/{submitted['id']}/").json()["state"] == "WINDOW_EXPIRED"


def test_late_feedback_completes_an_expired_request(
    astronomer: APIClient, operator: APIClient, submitted: dict[str, Any], clock_at: Any
) -> None:
    from armillary.clock import now
    from armillary.portal.requestgroups.services.expire import expire_requests

    (observation,) = publish(operator, [wish(submitted, NIGHT)]).json()["created"]
    clock_at(NIGHT + timedelta(days=4))
    expire_requests(now())
    complete(operator, statuses(operator, observation)[0], NIGHT)
    assert astronomer.get(f"/api/requestgroups/{submitted['id']}/").json()["state"] == "COMPLETED"
