"""The life of a proposal, on the pages: call, application, review, acceptance, members; profile and tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pypdf import PdfWriter

from armillary.accounts import services as accounts
from armillary.accounts.models import User
from armillary.platform.models import OutboxMail

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _surroundings(set_clock: Callable[..., None], settings: Any, tmp_path: Any) -> None:
    set_clock(NOW)
    location = {"OPTIONS": {"location": str(tmp_path / "media")}}
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": backend, **location}}


@pytest.fixture
def astronomer() -> User:
    return accounts.create_user(
        "hypatia", email="hypatia@alexandria.example", first_name="Hypatia", institution="Mouseion", last_name="Theon"
    )


def browser_of(user: User) -> Client:
    client = Client(headers={"accept": "text/html,*/*;q=0.8"})
    client.force_login(user)
    return client


def pdf_file() -> SimpleUploadedFile:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    out = BytesIO()
    writer.write(out)
    return SimpleUploadedFile("case.pdf", out.getvalue(), content_type="application/pdf")


def said(page: Any) -> str:
    """What a page says at its top, and all of it for the message of a failed test."""
    return str(page.content.decode())


def test_a_proposal_lives_from_call_to_members_on_the_pages(astronomer: User) -> None:
    from armillary.portal.calls.models import ScienceApplicationReview
    from armillary.portal.calls.services import CallDetails, create_call, create_panel, offer_instruments
    from armillary.portal.proposals.services import create_semester

    semester = create_semester("2027A", datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 8, 1, tzinfo=UTC))
    (imager,) = offer_instruments({"0M6-IMAGER-CCD": "Imager"})
    opens = NOW - timedelta(days=1)
    call = create_call(CallDetails(semester, "SCI", opens, opens + timedelta(days=9), [imager], "", "Everybody"))
    browser = browser_of(astronomer)
    assert "Everybody" in said(browser.get("/calls/"))

    editor = browser.post(f"/applications/new/{call.pk}/").headers["Location"]
    assert 'value="Mouseion"' in said(browser.get(editor))
    form = {
        "call_id": call.pk, "title": "Pulsating stars", "abstract": "We measure periods.", "tags": "stars, m15",
        "pi": "hypatia@alexandria.example", "pi_first_name": "Hypatia", "pi_last_name": "Theon",
        "pi_institution": "Mouseion", "semester": ["2027A", "2027A"], "instruments-0": [imager.pk],
        "std_time": ["12", ""], "rr_time": ["", ""], "tc_time": ["", ""],
        "coinvestigator_first_name": ["Synesius"], "coinvestigator_last_name": ["of Cyrene"],
        "coinvestigator_institution": ["Cyrene"], "coinvestigator_email": ["synesius@cyrene.example"],
    }  # fmt: skip
    saved = browser.post(f"{editor}save/", form, headers={"HX-Request": "true"})
    assert "Saved 15:00" in said(saved)
    missing = browser.post(f"{editor}save/", {**form, "submit": "1"}, follow=True)
    assert "A PDF is required" in said(missing)
    assert "Pulsating stars" in said(missing), "nothing that was typed is lost"
    done = browser.post(f"{editor}save/", {**form, "submit": "1", "pdf": pdf_file()}, follow=True)
    assert "The application is submitted" in said(done)
    assert "12 h" in said(done)
    late = browser.post(f"{editor}save/", form, headers={"HX-Request": "true"})
    assert late.status_code == 204, "what the editor saves by itself after the submission is not missed"

    halley = accounts.create_user("halley", email="halley@panel.example")
    staff = accounts.create_user("staff", email="staff@exh.example", is_staff=True)
    panel = create_panel("Stars", [halley])
    application = int(editor.strip("/").split("/")[-1])
    office = browser_of(staff)
    assign = {
        "science_application": application, "review_panel": panel.pk, "primary_reviewer": "halley",
        "secondary_reviewer": "halley",
    }  # fmt: skip
    token = {"Authorization": f"Token {accounts.api_token(staff)}"}
    assert office.post("/api/scienceapplication-reviews/", assign, headers=token).status_code == 201
    review = ScienceApplicationReview.objects.get()
    reviewer = browser_of(halley)
    assert "Pulsating stars" in said(reviewer.get("/reviews/"))
    assert "1 to review" in said(reviewer.get("/calls/"))
    opinion = {"comments": "Good.", "grade": "1.5", "finished": "on"}
    assert "mean 1.50" in said(reviewer.post(f"/reviews/{review.pk}/", opinion, follow=True))
    assert "to review" not in said(reviewer.get("/calls/"))
    reviewer.post(f"/reviews/{review.pk}/", {"summary": "A fine idea."})

    assert "A fine idea." in said(office.get("/calls/"))
    assert "Ranking" in said(office.get("/calls/"))
    assert "Ranking" not in said(browser.get("/calls/"))
    decision = {"tac_priority": "20", "tac_rank": "1", "accept": ""}
    assert "It is accepted" in said(office.post(f"/applications/{application}/decide/", decision, follow=True))

    page = said(browser.get("/proposals/ARMILLARY2027A-001/"))
    assert "12.0 h used" in page
    assert "synesius@cyrene.example" in page


def test_a_leader_invites_limits_and_removes_members(astronomer: User) -> None:
    from armillary.portal.proposals.models import Membership
    from armillary.portal.proposals.services import create_proposal

    create_proposal("P1", title="Stars", pi=astronomer)
    synesius = accounts.create_user("synesius", email="synesius@cyrene.example")
    browser = browser_of(astronomer)
    page = browser.post("/proposals/P1/invite/", {"emails": "synesius@cyrene.example new@cyrene.example"}, follow=True)
    assert "They are invited" in said(page)
    assert "new@cyrene.example" in said(page)
    member = Membership.objects.get(user=synesius)
    assert 'value="2.5"' in said(browser.post("/proposals/P1/limit/", {"id": member.pk, "hours": "2.5"}, follow=True))
    other = browser_of(synesius)
    assert "Remove" not in said(other.get("/proposals/P1/"))
    assert other.post("/proposals/P1/remove/", {"id": member.pk}).status_code == 403
    assert "no longer a member" in said(browser.post("/proposals/P1/remove/", {"id": member.pk}, follow=True))
    assert browser.post("/proposals/P1/nonsense/").status_code == 404
    mine = browser.post("/proposals/P1/invite/", {"emails": "hypatia@alexandria.example"}, follow=True)
    assert "cannot invite yourself" in said(mine)


def test_the_link_of_an_invitation_works_with_any_address(astronomer: User) -> None:
    from armillary.portal.proposals.services import create_proposal

    create_proposal("P1", pi=astronomer)
    browser_of(astronomer).post("/proposals/P1/invite/", {"emails": "work@cyrene.example"})
    found = re.search(r"https?://[^/\s]+(/invitations/\S+)", OutboxMail.objects.get().body)
    assert found is not None
    synesius = accounts.create_user("synesius", email="home@cyrene.example")
    browser = browser_of(synesius)
    assert "Join" in said(browser.get(found[1]))
    assert not synesius.proposals.exists(), "following a link changes nothing"
    assert "P1" in said(browser.post(found[1], follow=True))
    assert synesius.proposals.get().pk == "P1"
    assert "was used already" in said(browser_of(accounts.create_user("other")).post(found[1]))
    assert "not complete" in said(browser.post("/invitations/nonsense/"))


def test_a_person_changes_their_profile_and_makes_a_token_that_is_shown_once(astronomer: User) -> None:
    browser = browser_of(astronomer)
    form = {"first_name": "Hypatia", "last_name": "Theon", "email": "new@alexandria.example", "institution": "M"}
    page = browser.post("/profile/", {**form, "notifications_enabled": "on"}, follow=True)
    assert "Your profile is saved" in said(page)
    assert 'value="new@alexandria.example"' in said(page)
    made = said(browser.post("/profile/tokens/", {"name": "laptop", "scopes": ["read"]}))
    key = re.search(r'<code class="key">([0-9a-f]{40})</code>', made)
    assert key is not None
    again = said(browser.get("/profile/"))
    assert "laptop" in again
    assert key[1] not in again
    assert "Scopes" in said(browser.post("/profile/tokens/", {"name": "nothing"}))


@pytest.mark.parametrize("path", ["/proposals/", "/calls/", "/profile/", "/reviews/", "/proposals/P1/"])
def test_a_visitor_is_led_to_the_login(path: str) -> None:
    answer = Client(headers={"accept": "text/html,*/*;q=0.8"}).get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/?next=")
