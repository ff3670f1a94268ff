"""Why is it not observed, and what would it take?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from .conftest import IMAGER, NIGHT, client_of, wish


def explained(client: APIClient, submitted: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"/api/requests/{submitted['requests'][0]['id']}/explanation/")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def at(answer: dict[str, Any], telescope: str = "exh.doma.0m6a") -> dict[str, Any]:
    return dict(next(item for item in answer["telescopes"] if item["telescope"] == telescope))


def test_nothing_stands_in_the_way_of_a_request_that_waits(astronomer: APIClient, submitted: dict[str, Any]) -> None:
    answer = explained(astronomer, submitted)
    assert answer["obstacles"] == []
    here = at(answer)
    assert here["decisive"] is None
    assert here["free"] == here["visible"] != []
    assert here["sentence"].startswith("Nothing stands in the way: there is room for it from 2026-11-23T1")


def test_what_won_is_named_with_its_priority(
    astronomer: APIClient, operator: APIClient, group: dict[str, Any], submitted: dict[str, Any]
) -> None:
    strong = astronomer.post("/api/requestgroups/", group | {"name": "stronger", "ipp_value": 1.5}).json()
    assert operator.post("/api/observations/", wish(strong, NIGHT)).status_code == 201
    (rival,) = at(explained(astronomer, submitted))["competition"]
    assert rival["request"] == strong["requests"][0]["id"]
    assert rival["priority"] == {
        "proposal": 10,
        "ipp_value": 1.5,
        "effective": 15.0,
        "observation_type": "NORMAL",
    }
    scheduled = explained(astronomer, strong)["scheduled"]
    assert [item["observation"] for item in scheduled] == [rival["observation"]]


def test_what_others_observe_has_a_time_and_no_name(
    world: dict[str, Any], astronomer: APIClient, operator: APIClient, group: dict[str, Any], submitted: dict[str, Any]
) -> None:
    from armillary.accounts.services import create_user
    from armillary.portal.proposals.services import TimeGrant, create_proposal

    other = create_user("aglaonike", email="aglaonike@thessaly.example", password="a long password")
    create_proposal("P2", pi=other, semester=world["semester"], hours=TimeGrant(std_h=9), instrument_types=[[IMAGER]])
    theirs = client_of(other).post("/api/requestgroups/", group | {"proposal": "P2"}).json()
    operator.post("/api/observations/", wish(theirs, NIGHT))
    (rival,) = at(explained(astronomer, submitted))["competition"]
    assert (rival["observation"], rival["request"], rival["proposal"]) == (None, None, None)
    assert rival["start"] == "2026-11-23T19:00:00Z"
    assert at(explained(operator, submitted))["competition"][0]["proposal"] == "P2"


def test_a_full_night_says_how_many_are_before_it(
    astronomer: APIClient, operator: APIClient, group: dict[str, Any]
) -> None:
    group["requests"][0]["windows"] = [{"start": "2026-11-23T18:00:00Z", "end": "2026-11-23T20:00:00Z"}]
    waiting = astronomer.post("/api/requestgroups/", group).json()
    rival = astronomer.post("/api/requestgroups/", group | {"ipp_value": 1.2}).json()
    start = NIGHT - timedelta(hours=1)
    assert operator.post("/api/observations/", wish(rival, start, minutes=120)).status_code == 201
    here = at(explained(astronomer, waiting))
    assert here["free"] == []
    assert here["sentence"].startswith("The time is taken by 1 other observation, 1 of them of higher priority")


def test_a_downtime_is_named_as_what_is_in_the_way(
    astronomer: APIClient, submitted: dict[str, Any], world: dict[str, Any]
) -> None:
    from armillary.downtime.services import declare_downtime

    span = {"start": NIGHT - timedelta(days=1), "end": NIGHT + timedelta(days=9)}
    place = {"site": "exh", "enclosure": "doma", "telescope": "0m6a", "instrument_type": ""}
    declare_downtime({**span, **place, "reason": "mirror is being washed"}, world["operator"])
    here = at(explained(astronomer, submitted))
    assert here["decisive"] == "downtime"
    assert here["visible"] == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"suspend_until": NIGHT + timedelta(days=1)}, "The request is suspended until 2026-11-24T19:00:00Z."),
        ({"state": "WINDOW_EXPIRED"}, "The request is WINDOW_EXPIRED: nothing more will be observed for it."),
    ],
)
def test_what_keeps_every_telescope_from_it_comes_first(
    astronomer: APIClient, submitted: dict[str, Any], change: dict[str, Any], sentence: str
) -> None:
    from armillary.portal.requestgroups.models import Request

    Request.objects.filter(pk=submitted["requests"][0]["id"]).update(**change)
    assert explained(astronomer, submitted)["obstacles"] == [sentence]


def test_time_that_is_used_up_is_an_obstacle(astronomer: APIClient, submitted: dict[str, Any]) -> None:
    from armillary.core.proposals.ledger import Account, Entry, Kind, microseconds
    from armillary.portal.proposals.models import TimeAllocation
    from armillary.portal.proposals.services import append_entries

    allocation = next(row for row in TimeAllocation.objects.all() if IMAGER in row.instrument_types)
    append_entries(allocation, [Entry(Account.STANDARD, Kind.CHARGE, microseconds(hours=100))], reason="test")
    (sentence,) = explained(astronomer, submitted)["obstacles"]
    assert sentence.startswith(f"P1 has 0.00 hours of NORMAL time left on {IMAGER} in 2026B, and it takes 0.0")


@pytest.mark.usefixtures("astronomer")
def test_strangers_are_told_nothing(submitted: dict[str, Any]) -> None:
    answer = client_of(None).get(f"/api/requests/{submitted['requests'][0]['id']}/explanation/")
    assert answer.status_code == 404


def test_an_explanation_takes_as_many_queries_for_five_rivals_as_for_one(
    astronomer: APIClient, operator: APIClient, submitted: dict[str, Any], group: dict[str, Any]
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    rivals = [astronomer.post("/api/requestgroups/", group).json() for _ in range(5)]
    wishes = [wish(item, NIGHT + timedelta(minutes=15 * index)) for index, item in enumerate(rivals)]
    assert operator.post("/api/observations/", wishes[:1]).json()["num_created"] == 1
    explained(astronomer, submitted)
    with CaptureQueriesContext(connection) as one:
        explained(astronomer, submitted)
    assert operator.post("/api/observations/", wishes[1:]).json()["num_created"] == 4
    with CaptureQueriesContext(connection) as full:
        assert len(at(explained(astronomer, submitted))["competition"]) == 5
    assert len(full) == len(one) <= 11


def test_validate_tells_durations_windows_cost_and_contention(
    astronomer: APIClient, submitted: dict[str, Any], group: dict[str, Any]
) -> None:
    answer = astronomer.post("/api/requestgroups/validate/", group | {"ipp_value": 1.5}).json()
    assert answer["errors"] == {}
    (request,) = answer["request_durations"]["requests"]
    assert sum(request["breakdown"].values()) == pytest.approx(request["duration"], abs=1)
    assert sum(item["seconds"] * item["repeats"] for item in request["items"]) == pytest.approx(
        request["duration"], abs=1
    )
    assert request["breakdown"]["exposure"] == 60
    windows = request["windows"]["exh.doma.0m6a"]
    assert windows[0]["start"] >= "2026-11-23T16:00:00Z"
    (cost,) = answer["cost"]
    assert (cost["semester"], cost["instrument_type"]) == ("2026B", IMAGER)
    assert cost["hours"] == pytest.approx(request["duration"] / 3600, rel=0.01)
    assert cost["ipp_hours"] == pytest.approx(request["duration"] / 7200, rel=0.01)
    (wanted,) = answer["contention"]
    assert (wanted["instrument_type"], wanted["requests"]) == (IMAGER, 1)
    assert 0 < wanted["hours"] <= submitted["requests"][0]["duration"] / 3600
