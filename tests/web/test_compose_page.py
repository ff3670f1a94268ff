"""Composing a request on the page: judged by the portal while it is typed, submitted once, seen on its own page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from observatories import describe_observatory

from armillary.accounts import services as accounts
from armillary.accounts.models import User
from armillary.portal.proposals import services as proposals
from armillary.portal.requestgroups.models import RequestGroup

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
SPIRAL = {"target_name": "NGC 7331", "ra": "22:37:04.1", "dec": "+34:24:56"}  # far from the full Moon of that night


@pytest.fixture(autouse=True)
def _surroundings(set_clock: Callable[..., None]) -> None:
    set_clock(NOW)
    describe_observatory()


@pytest.fixture
def astronomer() -> User:
    user = accounts.create_user("vera", email="vera@observatory.example")
    semester = proposals.create_semester("2026B", datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
    proposals.create_proposal(
        "SCI-001",
        title="Galaxies",
        pi=user,
        semester=semester,
        hours=proposals.TimeGrant(std_h=10.0, rr_h=0.0, tc_h=0.0, realtime_h=0.0),
        instrument_types=[["0M6-IMAGER-CCD", "0M6-SPECTRO-LOWRES"]],
    )
    return user


@pytest.fixture
def browser(astronomer: User) -> Client:
    client = Client(headers={"accept": "text/html,*/*;q=0.8"})
    client.force_login(astronomer)
    return client


def form(**fields: Any) -> dict[str, Any]:
    return {
        "key": "one-form", "name": "A spiral", "proposal": "SCI-001", "observation_type": "NORMAL", "ipp_value": "1.0",
        **SPIRAL, "instrument_type": "0M6-IMAGER-CCD", "telescope_class": "0m6", "exposure_time": ["120"],
        "exposure_count": ["3"], "element-filter": ["V"], "readout_mode": ["full_1x1"], "max_airmass": "1.6",
        "min_lunar_distance": "30", "max_lunar_phase": "1.0", "optimization_type": "TIME",
        "window_start": ["2026-11-23T17:00"], "window_end": ["2026-11-24T05:00"],
    } | fields  # fmt: skip


def said(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_visitor_is_asked_to_log_in_first() -> None:
    answer = Client().get("/compose/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/?next=/compose/")


def test_the_portal_says_while_somebody_types_what_it_costs_and_who_else_wants_it(browser: Client) -> None:
    verdict = said(browser.post("/compose/check/", form()))
    assert "The portal would take this" in verdict, verdict[:1500]
    assert "10.0 h left in 2026B" in verdict
    assert "Nobody else waits for 0M6-IMAGER-CCD" in verdict
    assert "exh.doma.0m6a" in verdict
    assert 'class="here"' in verdict
    assert "Bokeh" in verdict
    assert "&quot;ra&quot;: 339.267" in verdict
    assert not RequestGroup.objects.exists()


def test_what_is_wrong_is_said_beside_its_field_and_what_is_empty_is_only_missing(browser: Client) -> None:
    verdict = said(browser.post("/compose/check/", form(name="", dec="100", window_end=["2026-11-23T16:00"])))
    assert "The portal would take this" not in verdict
    assert "Still to be filled in" in verdict
    assert 'id="error-name" hx-swap-oob="true"></small>' in verdict
    assert 'id="error-dec" hx-swap-oob="true">Ensure this value' in verdict
    assert 'id="error-window-0" hx-swap-oob="true">' in verdict
    assert browser.post("/compose/", form(name="", dec="100", submit="1")).status_code == 400


def test_a_target_that_never_rises_is_refused_with_the_reason_and_its_curve(browser: Client) -> None:
    verdict = said(browser.post("/compose/check/", form(dec="-88.9")))
    assert "will not be visible" in verdict
    assert "Bokeh" in verdict


def test_a_composed_request_is_submitted_once_however_often_the_button_is_pressed(browser: Client) -> None:
    first = browser.post("/compose/", form(submit="1"))
    again = browser.post("/compose/", form(submit="1"))
    group = RequestGroup.objects.get()
    assert first.headers["Location"] == again.headers["Location"] == f"/requestgroups/{group.pk}/"
    assert group.name == "A spiral"
    page = said(browser.get(f"/requestgroups/{group.pk}/"))
    assert "Nothing stands in the way: there is room for it" in page
    assert 'value="A spiral"' in said(browser.get(f"/compose/?like={group.pk}"))


def test_a_refused_submission_keeps_what_was_typed(browser: Client) -> None:
    answer = browser.post("/compose/", form(submit="1", name="Much", exposure_count=["9000"]))
    assert answer.status_code == 400
    assert 'value="9000"' in said(answer)
    assert 'value="Much"' in said(answer)
    assert not RequestGroup.objects.exists()


def test_buttons_change_the_shape_of_the_form_without_a_script(browser: Client) -> None:
    more = said(browser.post("/compose/", form(**{"add-exposure": "1", "add-window": "1"})))
    assert more.count('name="exposure_time"') == 2
    assert 'name="window_start"' in more
    other = said(browser.post("/compose/", form(instrument_type="0M6-SPECTRO-LOWRES")))
    assert 'name="element-grating"' in other
    assert 'name="element-filter"' not in other
    assert not RequestGroup.objects.exists()


def test_a_cadence_becomes_many_requests(browser: Client) -> None:
    rhythm = {"cadence_period": "3", "cadence_jitter": "1.5", "max_airmass": "2.5"}
    assert "The portal would take this as " in said(browser.post("/compose/check/", form(**rhythm)))
    browser.post("/compose/", form(submit="1", **rhythm))
    assert RequestGroup.objects.get().requests.count() > 1
