"""The account pages, as a person's browser without scripts uses them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.test import Client

from armillary.accounts import services
from armillary.accounts.models import Profile, User
from armillary.platform import outbox
from armillary.platform.models import OutboxMail

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
LATER = datetime(2100, 1, 1, tzinfo=UTC)
NEW_PERSON = {
    "first_name": "Maria",
    "last_name": "Mitchell",
    "institution": "Vassar",
    "title": "Professor",
    "email": "maria@example.org",
    "username": "maria",
    "password1": PASSWORD,
    "password2": PASSWORD,
    "tos": "on",
}


@pytest.fixture
def astronomer() -> User:
    return services.create_user("astronomer", email="astro@example.org", password=PASSWORD)


def link_in_the_mail() -> str:
    outbox.deliver_due(LATER)
    found = re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[-1].body)
    assert found is not None
    return found[1]


def logs_in(name: str, password: str) -> bool:
    answer = Client().post("/accounts/api-login/", {"username": name, "password": password})
    return answer.status_code == 200


def test_a_person_registers_follows_the_link_and_logs_in() -> None:
    client = Client()
    answer = client.post("/accounts/register/", NEW_PERSON)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/register/complete/")
    assert not logs_in("maria", PASSWORD)
    link = link_in_the_mail()
    assert b"Activate" in client.get(link).content
    assert not User.objects.get(username="maria").is_active, "a mail scanner that follows links activates nobody"
    assert client.post(link).headers["Location"] == "/accounts/activate/complete/"
    assert client.post("/accounts/login/", {"username": "maria@example.org", "password": PASSWORD}).status_code == 302
    assert client.get("/api/profile/").json()["profile"]["institution"] == "Vassar"
    assert Profile.objects.get().terms_accepted is not None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"username": "astronomer"}, "already exists"),
        ({"email": "ASTRO@example.org"}, "already exists"),
        ({"password2": "different horse"}, "not the same"),
        ({"password1": "12345", "password2": "12345"}, "too short"),
        ({"tos": ""}, "required"),
        ({"username": "with space"}, "valid username"),
    ],
)
@pytest.mark.usefixtures("astronomer")
def test_a_registration_that_cannot_be_says_why(change: dict[str, str], text: str) -> None:
    answer = Client().post("/accounts/register/", NEW_PERSON | change)
    assert answer.status_code == 200
    assert text in answer.content.decode()
    assert User.objects.count() == 1


def test_an_invitation_fills_the_address_in() -> None:
    page = Client().get("/accounts/register/?email=new@example.org").content.decode()
    assert 'value="new@example.org"' in page


def test_a_hostile_address_in_the_link_stays_text() -> None:
    page = Client().get('/accounts/register/?email="><script>alert(1)</script>').content.decode()
    assert "<script>" not in page


def test_the_activation_mail_can_be_sent_again() -> None:
    Client().post("/accounts/register/", NEW_PERSON)
    Client().post("/accounts/activate/resend/", {"email": "Maria@example.org"})
    outbox.deliver_due(LATER)
    assert [message.to for message in mail.outbox] == [["maria@example.org"]] * 2


@pytest.mark.usefixtures("astronomer")
@pytest.mark.parametrize("address", ["astro@example.org", "nobody@example.org"])
@pytest.mark.parametrize("page", ["/accounts/activate/resend/", "/accounts/password/reset/"])
def test_nobody_learns_here_whose_addresses_we_know(page: str, address: str) -> None:
    answer = Client().post(page, {"email": address})
    assert answer.status_code == 302
    assert address not in answer.headers["Location"]


@pytest.mark.usefixtures("astronomer")
def test_a_forgotten_password_is_reset_over_the_mail() -> None:
    client = Client()
    client.post("/accounts/password/reset/", {"email": "astro@example.org"})
    answer = client.get(link_in_the_mail(), follow=True)
    form = answer.redirect_chain[-1][0]
    new = "another horse battery"
    assert client.post(form, {"new_password1": new, "new_password2": new}).status_code == 302
    assert logs_in("astronomer", new)
    assert not logs_in("astronomer", PASSWORD)


@pytest.mark.usefixtures("astronomer")
def test_a_forged_host_does_not_reach_the_mail() -> None:
    Client().post("/accounts/password/reset/", {"email": "astro@example.org"}, headers={"Host": "localhost"})
    outbox.deliver_due(LATER)
    assert "http://localhost:8000/accounts/password/reset/confirm/" in mail.outbox[0].body


@pytest.mark.usefixtures("astronomer")
def test_an_expired_password_leads_to_its_change_and_lives_another_year(set_clock: Callable[..., None]) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    set_clock(now)
    Profile.objects.update(password_expiration=now - timedelta(days=1))
    client = Client()
    answer = client.post("/accounts/login/", {"username": "astronomer", "password": PASSWORD})
    assert answer.headers["Location"] == "/accounts/password/change/"
    new = "another horse battery"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/accounts/password/change/", form).status_code == 302
    assert Profile.objects.get().password_expiration == now + timedelta(days=365)


@pytest.mark.usefixtures("astronomer")
def test_a_login_leads_on_to_where_one_wanted_to_go_but_never_elsewhere() -> None:
    credentials = {"username": "astronomer", "password": PASSWORD}
    wanted = Client().post("/accounts/login/", credentials | {"next": "/requestgroups/1/"})
    assert wanted.headers["Location"] == "/requestgroups/1/"
    forged = Client().post("/accounts/login/", credentials | {"next": "https://evil.example/"})
    assert forged.headers["Location"] == "/accounts/loggedinstate/"


def test_logging_out_ends_the_session(astronomer: User) -> None:
    client = Client()
    client.force_login(astronomer)
    assert client.get("/accounts/loggedinstate/").status_code == 200
    assert client.get("/accounts/logout/").headers["Location"] == "/"
    assert client.get("/accounts/loggedinstate/").status_code == 302


@pytest.mark.parametrize(
    "page",
    [
        "login/", "register/", "register/complete/", "register/closed/", "activate/complete/", "activate/resend/",
        "activate/nonsense/", "password/change/done/", "password/reset/", "password/reset/done/",
        "password/reset/complete/", "password/reset/confirm/x/y/",
    ],
)  # fmt: skip
def test_every_page_can_be_looked_at_by_a_stranger(page: str) -> None:
    answer = Client().get(f"/accounts/{page}")
    assert answer.status_code == 200
    assert b"<h1>" in answer.content


@pytest.mark.parametrize("page", ["/accounts/password/reset/", "/accounts/activate/resend/"])
def test_nobody_can_flood_an_address_with_our_mails(page: str) -> None:
    services.create_user("here", email="here@example.org", password="a long password")
    services.register(username="waiting", email="waiting@example.org", password="a long password")
    address = "here@example.org" if "reset" in page else "waiting@example.org"
    for _ in range(9):
        assert Client().post(page, {"email": address}).status_code == 302
    assert OutboxMail.objects.filter(to=[address]).count() == 5
