"""The life of a proposal in a real browser: called for, applied for, reviewed, accepted, observed, reported on."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from pypdf import PdfReader, PdfWriter
from selenium.webdriver.support.ui import Select

from .conftest import Visitor, _browser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PROPOSAL = "DDTdemo-001"
_FETCH = """
const [path, done] = arguments;
fetch(path).then(async (answer) => {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const text = Array.from(bytes, (it) => String.fromCharCode(it)).join("");
  done([answer.status, answer.headers.get("Content-Type"), btoa(text)]);
});
"""


@pytest.fixture
def enter(night: Any) -> Iterator[Callable[[str, str], Visitor]]:
    """Sign somebody in with a browser of their own."""
    with ExitStack() as opened:

        def sign_in(person: str, path: str) -> Visitor:
            visitor = Visitor(opened.enter_context(_browser(1280)), night.url)
            visitor.visit(f"/accounts/login/?next={path}")
            visitor.sign_in(person, night.password(person))
            visitor.find(".who form")
            return visitor

        yield sign_in


def fill(visitor: Visitor, **values: str) -> None:
    for name, value in values.items():
        field = visitor.find(f"[name={name}]")
        field.clear()
        field.send_keys(value)


def choose_moment(visitor: Visitor, name: str, moment: str) -> None:
    """Fields for moments differ from browser to browser; their value does not."""
    script = "document.querySelector(`[name=${arguments[0]}]`).value = arguments[1]"
    visitor.driver.execute_script(script, name, moment)


def press(visitor: Visitor, selector: str, until: str) -> None:
    visitor.find(selector).click()
    visitor.wait(lambda: until in visitor.text(), f"{until!r} on the page")


def scientific_case(directory: Path) -> str:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    path = directory / "case.pdf"
    with path.open("wb") as file:
        writer.write(file)
    return str(path)


def download(visitor: Visitor, path: str) -> tuple[int, str, bytes]:
    """What the browser gets when a link is followed, with its cookies."""
    status, content_type, content = visitor.driver.execute_async_script(_FETCH, path)
    return status, content_type, base64.b64decode(content)


def mails(night: Any) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (night.directory / "observatory" / "mail").glob("*"))


def request_like(group: dict[str, Any], now: str, end: str) -> dict[str, Any]:
    """What was asked for once, asked for again by the new proposal."""
    wanted = {name: copy.deepcopy(group[name]) for name in ("operator", "observation_type", "ipp_value", "requests")}
    for request in wanted["requests"]:
        for name in ("id", "duration", "state", "created", "modified"):
            request.pop(name, None)
        request["windows"] = [{"start": now, "end": end}]
        for configuration in request["configurations"]:
            configuration.pop("id", None)
    return {**wanted, "name": "First light of the new proposal", "proposal": PROPOSAL}


def test_a_proposal_lives_from_the_call_to_the_report(night: Any, enter: Any, tmp_path: Path) -> None:
    office = enter("operator", "/office/calls/")
    call_and_appoint(office, night.now())
    astronomer = enter("astronomer", "/calls/")
    apply(astronomer, scientific_case(tmp_path))
    review_and_accept(office)
    astronomer.visit(f"/proposals/{PROPOSAL}/")
    assert "0.0 of 5.0 h used" in astronomer.text()
    observe(night)
    read_the_report(astronomer)
    night.wait_for(lambda: "First light of the new proposal has completed" in mails(night), "the mail about it")
    letters = mails(night)
    assert "Your application has been accepted: A new star" in letters
    assert "Your review is wanted: A new star" in letters
    assert "Application for discretionary time: A new star" in letters


def call_and_appoint(office: Visitor, now: datetime) -> None:
    Select(office.find("#proposal_type")).select_by_value("DDT")
    Select(office.find("#semester")).select_by_visible_text("demo")
    choose_moment(office, "opens", f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}")
    choose_moment(office, "deadline", f"{now + timedelta(days=3):%Y-%m-%dT%H:%M}")
    fill(office, eligibility_short="Whoever has seen something new")
    for box in office.all("[name=instrument_types]"):
        box.click()
    press(office, "form[action$='/call/'] button", "The call is there")
    fill(office, name="Novelties", members="operator")
    press(office, "form[action$='/panel/'] button", "The panel is appointed")


def apply(astronomer: Visitor, case: str) -> None:
    astronomer.wait(lambda: "Whoever has seen something new" in astronomer.text(), "the call")
    astronomer.find("form[action^='/applications/new/'] button").click()
    fill(astronomer, title="A new star", abstract="It was not there yesterday.")
    astronomer.wait(lambda: "Saved" in astronomer.text(), "the editor to save by itself")
    astronomer.find("[name=instruments-0]").click()
    astronomer.all("[name=std_time]")[0].send_keys("5")
    astronomer.find("#pdf").send_keys(case)
    press(astronomer, "button[name=submit]", "The application is submitted")


def review_and_accept(office: Visitor) -> None:
    office.visit("/office/calls/")
    fill(office, primary="operator", secondary="operator")
    press(office, "form[action$='/assign/'] button", "has been asked for its reviews")
    office.visit("/reviews/")
    office.find("tbody a").click()
    fill(office, comments="Worth every hour.", grade="1.2")
    office.find("[name=finished]").click()
    press(office, "form.stacked button", "Your review is saved")
    office.visit("/calls/")
    assert "1.20" in office.text()
    press(office, "button[name=accept]", "It is accepted")


def observe(night: Any) -> None:
    """A program of the astronomer's asks for an observation, and waits until it is done."""
    portal = night.portal("astronomer")
    with httpx.Client(base_url=night.url, headers=night.connections[-1].headers, timeout=60) as http:
        known = http.get("/api/requestgroups/", params={"name": "Standard star", "limit": 1}).json()["results"][0]
        now = night.now()
        body = request_like(known, f"{now:%Y-%m-%dT%H:%M:%SZ}", f"{now + timedelta(hours=14):%Y-%m-%dT%H:%M:%SZ}")
        answer = http.post("/api/requestgroups/", json=body)
        assert answer.status_code == 201, answer.text
        group = answer.json()["id"]

        def observed() -> bool:
            schedule = list(portal.schedule(states=("PENDING", "IN_PROGRESS")))
            own = [it.start for it in schedule if it.request_group_id == group]
            if own and all(it.state == "PENDING" for it in schedule):  # what runs is not robbed of its time
                night.skip_to(min(own) - timedelta(minutes=5))
            return bool(http.get(f"/api/requestgroups/{group}/").json()["state"] == "COMPLETED")

        night.run_at(60.0)
        night.wait_for(observed, "the new proposal's observation to be done")
        night.run_at(1.0)


def read_the_report(astronomer: Visitor) -> None:
    astronomer.visit(f"/proposals/{PROPOSAL}/")
    assert "0.0 of 5.0 h used" not in astronomer.text(), "the observation was paid for"
    status, content_type, content = download(astronomer, f"/api/proposals/{PROPOSAL}/report/")
    assert (status, content_type) == (200, "application/pdf")
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    assert "First light of the new proposal" in text
    assert "completed" in text
    status, _, table = download(astronomer, f"/api/proposals/{PROPOSAL}/report/?as=csv")
    assert status == 200
    assert b"std,charge" in table
