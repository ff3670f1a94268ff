"""The pages in a real browser, with a real night behind them."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAGES = (
    *("/tonight/", "/requestgroups/", "/requestgroups/1/", "/compose/", "/data/", "/data/1/", "/proposals/", "/calls/"),
    *("/observatory/", "/observatory/telescopes/1/", "/observatory/instruments/1/", "/downtimes/", "/profile/"),
)


def test_every_page_fits_the_screen_and_the_console_has_no_complaint(any_screen: Any) -> None:
    for path in PAGES:
        any_screen.visit(path)
        any_screen.find("main h1")
        assert any_screen.overflow_px() <= 0, path
        assert any_screen.narrowest_fact_px() > 60, f"a value on {path} has no room beside its name"
        assert any_screen.complaints() == [], path


def test_the_page_is_dark_for_those_who_ask_for_it(any_screen: Any, request: pytest.FixtureRequest) -> None:
    any_screen.visit("/tonight/")
    colour = any_screen.find("body").value_of_css_property("background-color")
    brightness = sum(int(part) for part in re.findall(r"\d+", colour)[:3])
    dark = request.node.callspec.params["any_screen"][1]
    assert (brightness < 200) == dark


def test_signing_in_leads_back_to_the_page_that_was_asked_for(visitor: Any, night: Any) -> None:
    visitor.visit("/accounts/login/?next=/requestgroups/")
    visitor.sign_in("astronomer", night.password("astronomer"))
    visitor.wait(lambda: visitor.driver.current_url.endswith("/requestgroups/"), "the list of requests")
    visitor.wait(lambda: "Standard star" in visitor.text(), "one's own requests")


def test_a_wrong_password_is_refused_with_a_sentence(visitor: Any) -> None:
    visitor.visit("/accounts/login/")
    visitor.sign_in("astronomer", "not the password")
    assert visitor.find(".errorlist, .alert, [role=alert]").text.strip()


def test_a_visitor_sees_no_private_request_and_no_private_frame(visitor: Any) -> None:
    visitor.visit("/requestgroups/")
    assert visitor.find("h1").text == "Requests"
    assert "Standard star" not in visitor.text()
    visitor.visit("/data/")
    assert visitor.find("h1").text == "Data"
    assert visitor.all(".frame") == []


def test_tonight_shows_every_telescope_with_darkness_plans_and_what_is_done(astronomer: Any) -> None:
    astronomer.visit("/tonight/")
    assert astronomer.find(".timeline-label").text == "doma.0m6a"
    assert astronomer.all(".sky-dark")
    assert astronomer.all(".observation-PENDING")
    assert astronomer.all(".observation-COMPLETED")
    assert astronomer.all(".track .downtime")


def test_the_start_page_of_the_demonstration_says_what_to_do_next(visitor: Any, night: Any) -> None:
    visitor.visit("/")
    assert "Log in as astronomer with the password that your terminal shows" in visitor.find("#next").text
    visitor.find("#next a").click()
    visitor.sign_in("astronomer", night.password("astronomer"))
    visitor.find("#composer")
    visitor.visit("/")
    assert visitor.find("#next a").get_attribute("href").endswith("/compose/")


def test_the_timeline_goes_on_by_itself(astronomer: Any) -> None:
    astronomer.visit("/tonight/")
    before = astronomer.find(".now-label").text
    astronomer.wait(lambda: astronomer.find(".now-label").text != before, "the time to go on without a reload")


def test_the_list_of_requests_can_be_narrowed(astronomer: Any) -> None:
    astronomer.visit("/requestgroups/")
    astronomer.find("#name").send_keys("nebula")
    astronomer.find("form.inline button").click()
    astronomer.wait(lambda: "name=nebula" in astronomer.driver.current_url, "the filtered list")
    assert len(astronomer.all("tbody tr")) == 1
    assert "Planetary nebula" in astronomer.text()  # which one is up depends on the season


def test_a_request_shows_its_windows_its_curve_and_when_it_is_observed(astronomer: Any) -> None:
    astronomer.visit("/requestgroups/1/")
    assert "airmass" in astronomer.text()
    canvas = "return document.querySelector('.plot').innerHTML.length > 0 && Bokeh.documents.length"
    astronomer.wait(lambda: astronomer.driver.execute_script(canvas), "the curve to be drawn")


def test_a_request_is_composed_with_the_portal_watching_and_is_planned_without_further_ado(
    astronomer: Any, night: Any
) -> None:
    astronomer.visit("/compose/")
    astronomer.wait(lambda: "Still to be filled in" in astronomer.text(), "the portal's first word")
    for field, words in {"name": "Composed", "target_name": "M31", "ra": "0:42:44.3", "dec": "91"}.items():
        astronomer.find(f"#{field}").send_keys(words)
    astronomer.wait(lambda: astronomer.find("#error-dec").text, "the complaint beside the declination")
    astronomer.find("#dec").clear()
    astronomer.find("#dec").send_keys("+41:16:08")
    astronomer.wait(lambda: "The portal would take this" in astronomer.text(), "the portal's consent")
    assert "of telescope time" in astronomer.text()
    canvas = "return document.querySelector('#verdict .plot').innerHTML.length > 0 && Bokeh.documents.length"
    astronomer.wait(lambda: astronomer.driver.execute_script(canvas), "the curve to be drawn")
    astronomer.find("[name=add-exposure]").click()
    astronomer.wait(lambda: len(astronomer.all("[name=exposure_time]")) == 2, "a second row of exposures")
    exposures = "return document.querySelector('#verdict .document').textContent.split('exposure_count').length - 1"
    astronomer.wait(lambda: astronomer.driver.execute_script(exposures) == 2, "the portal's word on that, too")
    astronomer.find(".verdict > button").click()
    astronomer.wait(lambda: "It is submitted" in astronomer.text(), "the new request's page")
    portal = night.portal("astronomer")
    night.wait_for(
        lambda: any(it.name == "Composed" for it in portal.schedule(states=("PENDING",))), "it to be on the schedule"
    )
    assert astronomer.complaints() == []


def test_a_row_is_added_even_if_the_portal_is_slow_and_just_being_asked_about_what_was_typed(astronomer: Any) -> None:
    astronomer.visit("/compose/")
    astronomer.wait(lambda: "Still to be filled in" in astronomer.text(), "the portal's first word")
    slow = {"offline": False, "latency": 1500, "downloadThroughput": -1, "uploadThroughput": -1}
    astronomer.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    astronomer.find("#name").send_keys("Two in a hurry")
    astronomer.find("[name=add-exposure]").click()
    astronomer.wait(lambda: len(astronomer.all("[name=exposure_time]")) == 2, "a second row of exposures")
    assert astronomer.find("#name").get_attribute("value") == "Two in a hurry"


def test_frames_have_pictures_and_can_be_downloaded(astronomer: Any) -> None:
    astronomer.visit("/data/")
    width = "const i = document.querySelector('.frame img'); return i && i.complete && i.naturalWidth"
    astronomer.wait(lambda: (astronomer.driver.execute_script(width) or 0) >= 100, "a thumbnail to be shown")
    astronomer.find(".frame a").click()
    address = astronomer.find("a[download]").get_attribute("href")
    downloaded = httpx.get(address, timeout=30)
    assert downloaded.status_code == 200
    assert len(downloaded.content) > 10_000


def test_a_pending_request_can_be_cancelled_with_one_click(astronomer: Any, night: Any) -> None:
    group = next(it for it in night.portal("astronomer").request_groups() if it.name == "SA 95-193, the same minutes")
    astronomer.visit(f"/requestgroups/{group.id}/")
    astronomer.find("button.danger").click()
    astronomer.wait(lambda: "cancelled" in astronomer.text(), "the page to say so")
    assert astronomer.find("h1 + .badge").text == "canceled"


def test_the_stretch_of_a_picture_is_changed_without_leaving_the_page(astronomer: Any) -> None:
    astronomer.visit("/data/")
    astronomer.find(".frame a").click()
    before = astronomer.find(".preview").get_attribute("src")
    astronomer.find("#curve option:nth-child(4)").click()
    astronomer.wait(lambda: astronomer.find(".preview").get_attribute("src") != before, "another picture")
    shown = "const i = document.querySelector('.preview'); return i.complete && i.naturalWidth"
    astronomer.wait(lambda: (astronomer.driver.execute_script(shown) or 0) > 100, "the picture to be drawn")
    astronomer.find("#black").send_keys("9")
    astronomer.find("#white").send_keys("1")
    astronomer.find("#stretch button").click()
    astronomer.wait(lambda: "must be larger" in astronomer.find("#picture").text, "the page to say what is wrong")


def test_a_frame_shows_where_it_is_and_its_header_can_be_narrowed(astronomer: Any) -> None:
    astronomer.visit("/data/")
    astronomer.find(".frame a").click()
    assert astronomer.find(".sky-outline").get_attribute("points")
    astronomer.find("details summary").click()
    astronomer.find("#keyword").send_keys("exptime")
    visible = "return [...document.querySelectorAll('#header tr')].filter(row => !row.hidden).length"
    astronomer.wait(lambda: astronomer.driver.execute_script(visible) == 1, "only one keyword to be left")
