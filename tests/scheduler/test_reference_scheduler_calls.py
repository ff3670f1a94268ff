"""The calls of the reference's scheduler (adaptive_scheduler 1.7), as it makes them, against our services.

Source: the specification of that program's HTTP calls: which it makes, with which parameters, and which fields of the
answers it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import World

pytestmark = pytest.mark.django_db
Ask = Callable[..., dict[str, Any]]
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
STATES = {"state": ["PENDING", "IN_PROGRESS", "COMPLETED"], "observation_type": ["NORMAL", "TIME_CRITICAL", "DIRECT"]}
PLACE = {"site": "exh", "enclosure": "doma", "telescope": "0m6a"}


@pytest.fixture
def portal(world: World) -> httpx.Client:
    from armillary.clients.transport import connect

    return connect("portal", token=world.token)


def wire(at: datetime) -> str:
    """Times as the reference writes them: without a zone, meaning UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def test_it_finds_the_semester_and_the_time_of_the_last_change(portal: httpx.Client, world: World, ask: Ask) -> None:
    semester = portal.get("api/semesters/", params={"semester_contains": NOW.isoformat()}).json()["results"][0]
    assert {"id", "start", "end"} <= set(semester)
    before = portal.get("api/last_changed/").json()["last_change_time"]
    world.set_clock(NOW + timedelta(minutes=1))
    world.astronomer().submit(ask())
    after = portal.get("api/last_changed/", params={"telescope_class": ["0m6", "1m0"]}).json()["last_change_time"]
    assert datetime.fromisoformat(after) > datetime.fromisoformat(before)


def test_it_reads_what_waits_with_every_field_that_it_uses(portal: httpx.Client, world: World, ask: Ask) -> None:
    world.astronomer().submit(ask())
    span = {"start": wire(datetime(2026, 8, 1, tzinfo=UTC)), "end": wire(NOW + timedelta(days=7))}
    (group,) = portal.get("api/requestgroups/schedulable_requests/", params=span).json()
    used = {"id", "operator", "name", "proposal", "submitter", "is_staff", "ipp_value", "observation_type", "requests"}
    assert used <= set(group)
    (request,) = group["requests"]
    used = {"id", "state", "duration", "configuration_repeats", "optimization_type", "location", "windows"}
    assert used <= set(request)
    (configuration,) = request["configurations"]
    used = {"id", "instrument_type", "target", "constraints", "instrument_configs", "guiding_config", "extra_params"}
    assert used <= set(configuration)
    assert {"max_airmass", "min_lunar_distance", "max_lunar_phase"} <= set(configuration["constraints"])
    assert {"mode", "optical_elements"} <= set(configuration["guiding_config"])
    proposals = portal.get("api/proposals/", params={"active": "True", "limit": 1000}).json()["results"]
    assert {(each["id"], each["tac_priority"]) for each in proposals} == {("P1", 20)}
    assert portal.get("api/proposals/P1/").json()["tac_priority"] == 20


def test_it_reads_the_observatory_and_its_downtimes(world: World) -> None:
    from armillary.clients.transport import connect

    world.down(NOW + timedelta(hours=3), 1.0)
    configdb, downtime = connect("configdb"), connect("downtime")
    (site,) = configdb.get("sites/").json()["results"]
    assert {"code", "active", "elevation", "enclosure_set"} <= set(site)
    telescope = site["enclosure_set"][0]["telescope_set"][0]
    used = {"code", "active", "lat", "long", "horizon", "ha_limit_neg", "ha_limit_pos", "zenith_blind_spot", "aperture"}
    assert used <= set(telescope)
    for instrument in configdb.get("instruments/").json()["results"]:
        assert {"code", "state", "__str__", "autoguider_camera"} <= set(instrument)
        assert {"code", "allow_self_guiding"} <= set(instrument["instrument_type"])
        elements = instrument["science_cameras"][0]["optical_element_groups"]
        assert all({"type", "optical_elements"} <= set(each) for each in elements)
    span = {"ends_after": NOW.strftime("%Y-%m-%d %H:%M:%S"), "starts_before": "2026-11-30 00:00:00"}
    (row,) = downtime.get("api/", params=span).json()["results"]
    assert row["start"] == "2026-11-23T18:00:00Z"
    assert {"end", "site", "enclosure", "telescope", "instrument_type"} <= set(row)


def test_it_posts_a_schedule_reads_it_back_and_cancels_it_by_time_and_by_id(
    portal: httpx.Client, world: World, ask: Ask
) -> None:
    first, second = (world.astronomer().submit(ask(name)) for name in ("first", "second"))
    night = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)

    def observation(group: Any, start: datetime) -> dict[str, Any]:
        request = group.requests[0]
        statuses = [{"instrument_name": "im01", "configuration": each.id} for each in request.configurations]
        end = start + timedelta(seconds=request.duration)
        return {
            **PLACE,
            "start": wire(start),
            "end": wire(end),
            "request": request.id,
            "configuration_statuses": statuses,
        }

    posted = portal.post(
        "api/observations/",
        json=[
            observation(first, night),
            observation(second, night + timedelta(minutes=10)),
            observation(second, night),
        ],
    ).json()
    assert posted["num_created"] == 2
    assert list(posted["errors"]) == ["2"], "it overlaps the first"
    span = {
        "end_after": wire(NOW),
        "start_before": wire(NOW + timedelta(days=1)),
        "start_after": wire(NOW - timedelta(days=1)),
    }
    schedule = portal.get("api/schedule/", params={**span, **PLACE, **STATES, "limit": 1000, "offset": 0}).json()
    assert schedule["count"] == 2
    row = schedule["results"][0]
    assert {"id", "start", "end", "state", "site", "enclosure", "telescope", "request_group_id"} <= set(row)
    assert {"id", "configurations"} <= set(row["request"])
    assert all("state" in each for each in row["request"]["configurations"])

    kinds = {"include_rr": False, "include_normal": True, "preemption_enabled": False}
    later = {"start": wire(night + timedelta(minutes=8)), "end": wire(NOW + timedelta(days=60))}
    assert portal.post("api/observations/cancel/", json={**later, **PLACE, **kinds}).json()["canceled"] == 1
    (left,) = world.live()
    answer = portal.post("api/observations/cancel/", json={"ids": [left.id], "preemption_enabled": True})
    assert answer.json()["canceled"] == 1
    assert world.live() == []


def test_it_is_refused_to_cancel_over_a_running_observation_and_may_abort_it_by_id(
    portal: httpx.Client, world: World, ask: Ask
) -> None:
    from armillary.clients.errors import RequestRefused

    world.astronomer().submit(ask())
    world.loop().step()
    (running,) = world.live()
    world.set_clock(running.start + timedelta(seconds=5))
    status = running.request.configurations[0].configuration_status
    world.portal().patch_configuration_status(status, state="ATTEMPTED")
    body = {
        **PLACE, "start": wire(running.start), "end": wire(running.end), "include_rr": True, "include_normal": True,
        "preemption_enabled": False,
    }  # fmt: skip
    with pytest.raises(RequestRefused) as refusal:
        portal.post("api/observations/cancel/", json=body)
    assert refusal.value.status == 400
    assert "error" in refusal.value.detail
    portal.post("api/observations/cancel/", json={"ids": [running.id], "preemption_enabled": True})
    assert world.portal().observation(running.id)["state"] == "ABORTED"
