"""The pages of those who run the observatory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from observatories import describe_observatory

from armillary.accounts import services as accounts
from armillary.accounts.models import User

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _surroundings(set_clock: Callable[..., None]) -> None:
    set_clock(NOW)
    describe_observatory()


def browser_of(user: User) -> Client:
    client = Client(headers={"accept": "text/html,*/*;q=0.8"})
    client.force_login(user)
    return client


@pytest.fixture
def office() -> Client:
    return browser_of(accounts.create_user("chief", email="chief@exh.example", is_staff=True, is_superuser=True))


def said(page: Any) -> str:
    return str(page.content.decode())


PAGES = (
    "/office/",
    "/office/proposals/",
    "/office/semesters/",
    "/office/calls/",
    "/office/audit/",
    "/office/people/chief/",
)


def test_the_pages_are_for_those_who_run_the_observatory(office: Client) -> None:
    for path in PAGES:
        assert office.get(path).status_code == 200, path
        assert browser_of(accounts.create_user(f"x{path.replace('/', '-')}")).get(path).status_code == 403, path
        assert Client(headers={"accept": "text/html"}).get(path).status_code == 302, path
    assert office.get("/office/proposals/nothing/").status_code == 404
    assert office.get("/office/people/nobody/").status_code == 404


def test_semester_proposal_time_and_members_on_the_pages(office: Client) -> None:
    accounts.create_user("hypatia", email="hypatia@alexandria.example", first_name="Hypatia")
    for name, start, end in (("2026B", "2026-08-01", "2027-02-01"), ("2027A", "2027-02-01", "2027-08-01")):
        made = office.post("/office/semesters/", {"id": name, "start": start, "end": end}, follow=True)
        assert "The semester is there" in said(made)
    wrong = office.post("/office/semesters/", {"id": "X", "start": "2026-09-01", "end": "2026-08-01"}, follow=True)
    assert "notice-bad" in said(wrong)
    made = office.post("/office/proposals/", {"id": "S-1", "title": "Stars", "pi": "hypatia"}, follow=True)
    assert "The proposal is there" in said(made)
    given = {
        "deed": "give", "semester": "2026B", "instrument_types": ["0M6-IMAGER-CCD"], "std_allocation": "8",
        "reason": "panel",
    }  # fmt: skip
    page = office.post("/office/proposals/S-1/", given, follow=True)
    assert "0.0 of 8.0 h" in said(page)
    changed = {"deed": "save", "title": "Variable stars", "tac_priority": "12", "tags": "m15, rr", "active": "on"}
    assert "Variable stars" in said(office.post("/office/proposals/S-1/", changed, follow=True))
    gone = office.post("/office/proposals/S-1/", {"deed": "dismiss", "username": "hypatia"}, follow=True)
    assert "not left without one" in said(gone)
    plan = said(office.post("/office/semesters/", {"from": "2026B", "to": "2027A"}))
    assert "Do it" in plan
    assert "8.0" in plan
    done = office.post("/office/semesters/", {"from": "2026B", "to": "2027A", "do": "1"}, follow=True)
    assert "The hours went on" in said(done)
    assert "time.roll_over" in said(office.get("/office/audit/"))


def test_tables_are_tried_first(office: Client) -> None:
    from armillary.portal.proposals.services import create_semester

    create_semester("2026B", datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
    people = "username,email,first_name,last_name,institution\nhypatia,h@alexandria.example,Hypatia,Theon,Mouseion\n"
    tried = office.post("/office/", {"table": SimpleUploadedFile("people.csv", people.encode())}, follow=True)
    assert "It would be: 1 created" in said(tried)
    assert not User.objects.filter(username="hypatia").exists()
    taken = office.post(
        "/office/", {"table": SimpleUploadedFile("p.csv", people.encode()), "take_in": "1"}, follow=True
    )
    assert "Done: 1 created" in said(taken)
    table = "proposal_id,title,instrument_types,pi_email\nS-1,Stars,NONSENSE,h@alexandria.example\n"
    file = SimpleUploadedFile("proposals.csv", table.encode())
    refused = office.post("/office/proposals/", {"table": file, "semester": "2026B"}, follow=True)
    assert "Line 2: Instrument types" in said(refused)


def test_an_account_is_closed_and_removed_on_its_page(office: Client) -> None:
    accounts.create_user("hypatia", email="h@alexandria.example")
    form = {"deed": "save", "first_name": "Hypatia", "email": "h@alexandria.example"}
    assert "The account is saved" in said(office.post("/office/people/hypatia/", form, follow=True))
    assert not User.objects.get(username="hypatia").is_active
    assert "closed" in said(office.get("/office/?search=hypatia"))
    removed = office.post("/office/people/hypatia/", {"deed": "remove"}, follow=True)
    assert "has been removed" in said(removed)
    assert not User.objects.filter(username="hypatia").exists()


def test_a_person_chooses_how_to_be_told_and_ends_a_session_on_the_profile(office: Client) -> None:
    user = User.objects.get()
    user.set_password("a long password")
    user.save()
    phone, desk = (
        Client(headers={"user-agent": "Phone"}),
        Client(headers={"accept": "text/html,*/*;q=0.8", "user-agent": "Desk"}),
    )
    for browser in (phone, desk):
        browser.post("/accounts/login/", {"username": "chief", "password": "a long password"})
    page = said(desk.get("/profile/"))
    assert "Phone" in page
    assert page.count("this one") == 1
    other = next(item["id"] for item in desk.get("/api/sessions/").json() if item["program"] == "Phone")
    assert "That browser is logged out" in said(desk.post(f"/profile/sessions/{other}/end/", follow=True))
    assert phone.get("/accounts/loggedinstate/").status_code == 302
    wish = {"channel": "MAIL", "rhythm": "WEEKLY", "webhook_url": ""}
    told = said(desk.post("/profile/notifications/", wish, follow=True))
    assert '<option value="WEEKLY" selected>' in told
    del office
