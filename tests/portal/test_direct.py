from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from .conftest import IMAGER, NIGHT, PLACE, wish

pytestmark = pytest.mark.django_db


@pytest.fixture
def direct(world: dict[str, Any]) -> dict[str, Any]:
    """A direct submission, for a proposal that may make them."""
    world["proposal"].direct_submission = True
    world["proposal"].save()
    configuration = {
        "type": "EXPOSE",
        "instrument_type": IMAGER,
        "target": {"type": "ICRS", "name": "M 15", "ra": 322.493, "dec": 12.167},
        "constraints": {"max_airmass": 2.0},
        "instrument_configs": [{"exposure_time": 30, "exposure_count": 2, "optical_elements": {"filter": "V"}}],
        "acquisition_config": {},
        "guiding_config": {"mode": "ON"},
    }
    span = {"start": "2026-11-23T19:00:00Z", "end": "2026-11-23T19:10:00Z"}
    return {**PLACE, **span, "proposal": "P1", "name": "focus", "request": {"configurations": [configuration]}}


def test_a_direct_submission_is_placed_with_instrument_and_guide_camera(
    astronomer: APIClient, direct: dict[str, Any]
) -> None:
    answer = astronomer.post("/api/schedule/", direct)
    assert answer.status_code == 201, answer.json()
    configuration = answer.json()["request"]["configurations"][0]
    assert (configuration["instrument_name"], configuration["guide_camera_name"]) == ("im01", "gd01")
    assert answer.json()["observation_type"] == "DIRECT"
    listed = astronomer.get("/api/schedule/").json()["results"]
    assert [item["id"] for item in listed] == [answer.json()["id"]]


def test_every_repeat_has_an_execution(astronomer: APIClient, direct: dict[str, Any]) -> None:
    direct["request"]["configuration_repeats"] = 3
    astronomer.post("/api/schedule/", direct)
    (listed,) = astronomer.get("/api/observations/").json()["results"]
    assert [item["priority"] for item in listed["request"]["configurations"]] == [1, 2, 3]


def test_a_list_is_accepted_as_a_whole_or_not_at_all(astronomer: APIClient, direct: dict[str, Any]) -> None:
    answer = astronomer.post("/api/schedule/", [direct, {**direct, "site": "nowhere"}])
    assert answer.status_code == 400
    assert answer.json() == [{}, {"site": ['"nowhere" is not a valid choice.']}]
    overlapping = astronomer.post("/api/schedule/", [direct, direct])
    assert overlapping.status_code == 400
    assert "overlaps" in str(overlapping.json()[1])
    assert astronomer.get("/api/schedule/").json()["count"] == 0


def test_scheduled_observations_make_way_for_people(
    astronomer: APIClient, operator: APIClient, direct: dict[str, Any], submitted: dict[str, Any]
) -> None:
    operator.post("/api/observations/", [wish(submitted, NIGHT)])
    assert astronomer.post("/api/schedule/", direct).status_code == 201
    states = {item["observation_type"]: item["state"] for item in operator.get("/api/schedule/").json()["results"]}
    assert states == {"NORMAL": "CANCELED", "DIRECT": "PENDING"}


def test_only_proposals_that_may_submit_directly(astronomer: APIClient, direct: dict[str, Any], world: Any) -> None:
    world["proposal"].direct_submission = False
    world["proposal"].save()
    assert astronomer.post("/api/schedule/", direct).status_code == 403


def test_contention_pressure_and_states_answer_everybody(operator: APIClient, submitted: dict[str, Any]) -> None:
    assert submitted["state"] == "PENDING"
    stranger = APIClient()
    hours = stranger.get(f"/api/contention/{IMAGER}/").json()["contention_data"]
    assert hours[21]["All Proposals"] > 60
    assert operator.get(f"/api/contention/{IMAGER}/").json()["contention_data"][21]["P1"] > 60
    pressure = stranger.get("/api/pressure/").json()
    assert len(pressure["pressure_data"]) == 96
    assert max(item["All Proposals"] for item in pressure["pressure_data"]) > 0
    states = stranger.get("/api/telescope_states/").json()
    assert states["exh.doma.0m6a"][0]["event_type"] == "AVAILABLE"
    assert stranger.get("/api/telescope_states/?start=sometime").status_code == 400
    request = submitted["requests"][0]["id"]
    assert "exh.doma.0m6a" in operator.get(f"/api/requests/{request}/telescope_states/").json()
    airmass = operator.get(f"/api/requests/{request}/airmass/").json()
    assert airmass["airmass_limit"] == 2.0


def test_drafts_are_read_by_members_and_changed_by_their_authors(astronomer: APIClient) -> None:
    body = {"title": "Idea", "proposal": "P1", "content": '{"name": "x"}'}
    draft = astronomer.post("/api/drafts/", body)
    assert draft.status_code == 201
    assert astronomer.post("/api/drafts/", body).status_code == 400
    assert astronomer.post("/api/drafts/", {**body, "content": "{"}).json() == {
        "content": ["Content must be valid JSON"]
    }
    changed = astronomer.patch(f"/api/drafts/{draft.json()['id']}/", {"title": "Better"})
    assert changed.json()["title"] == "Better"
    assert astronomer.delete(f"/api/drafts/{draft.json()['id']}/").status_code == 204


def test_instruments_are_described_for_forms(world: dict[str, Any]) -> None:
    del world
    described = APIClient().get("/api/instruments/").json()
    assert set(described) == {IMAGER, "0M6-SPECTRO-LOWRES"}
    assert {item["code"] for item in described[IMAGER]["optical_elements"]["filters"]} >= {"B", "V"}
