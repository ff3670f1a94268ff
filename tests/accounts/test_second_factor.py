"""A second factor beside the password, and the sessions that a person has."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from armillary.accounts import services
from armillary.accounts.models import User
from armillary.platform.models import OutboxMail

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def _forget_attempts() -> None:
    cache.clear()


@pytest.fixture
def person() -> User:
    return services.create_user("hypatia", email="hypatia@alexandria.example", password=PASSWORD)


def log_in(browser: Client, **more: str) -> Any:
    return browser.post("/accounts/login/", {"username": "hypatia", "password": PASSWORD, **more})


def code_of(secret: str, *, later: int = 0) -> str:
    """What an authenticator application shows (RFC 6238); the library forgets none that it has seen."""
    counter = list(yield_hotp_counters_from_time())[later]
    return str(format_hotp_value(hotp_value(secret, counter)))


def turn_on(browser: Client) -> str:
    """Scan the secret, type the first code; gives the secret."""
    asked = browser.get("/accounts/second-factor/totp/activate/")
    assert asked.headers["Location"].startswith("/accounts/reauthenticate/"), "a session left open is not enough"
    assert browser.post(asked.headers["Location"], {"password": "wrong"}).status_code == 200
    assert browser.post(asked.headers["Location"], {"password": PASSWORD}).status_code == 302
    page = browser.get("/accounts/second-factor/totp/activate/").content.decode()
    found = re.search(r'value="([A-Z2-7]{32})"', page)
    assert found is not None, page
    done = browser.post("/accounts/second-factor/totp/activate/", {"code": code_of(found[1], later=-1)})
    assert done.status_code == 302, done.content.decode()
    return found[1]


def test_after_the_password_comes_the_code(
    person: User, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    from allauth.mfa.models import Authenticator

    browser = Client()
    assert log_in(browser).status_code == 302
    with django_capture_on_commit_callbacks(execute=True):
        secret = turn_on(browser)
    assert "Authenticator activated" in OutboxMail.objects.get(subject__contains="uthenticator").subject
    assert secret not in str(Authenticator.objects.get(type="totp").data), "secrets are kept encrypted"

    other = Client()
    first = log_in(other, next="/proposals/")
    assert first.headers["Location"] == "/accounts/second-factor/authenticate/"
    assert other.get("/accounts/loggedinstate/").status_code == 302, "the password alone opens nothing"
    wrong = other.post("/accounts/second-factor/authenticate/", {"code": "000000"})
    assert wrong.status_code == 200
    assert "Incorrect code" in wrong.content.decode()
    cache.clear()
    right = other.post("/accounts/second-factor/authenticate/", {"code": code_of(secret)})
    assert right.status_code == 302, right.content.decode()
    assert right.headers["Location"] == "/proposals/"
    assert other.get("/accounts/loggedinstate/").status_code == 200
    assert person.username in other.get("/accounts/loggedinstate/").content.decode()


def test_programs_that_log_in_with_a_password_need_the_code_too(person: User) -> None:
    del person
    browser = Client()
    log_in(browser)
    secret = turn_on(browser)
    api = APIClient()
    credentials = {"username": "hypatia", "password": PASSWORD}
    refused = api.post("/api/api-token-auth/", credentials)
    assert refused.status_code == 400
    assert "otp" in refused.json()
    assert api.post("/accounts/api-login/", credentials).status_code == 401
    assert api.post("/accounts/api-login/", {**credentials, "otp": 17}).status_code == 401
    answer = api.post("/api/api-token-auth/", {**credentials, "otp": code_of(secret)})
    assert answer.status_code == 200, answer.json()


def test_a_recovery_code_helps_once_when_the_telephone_is_lost(person: User) -> None:
    from allauth.mfa.models import Authenticator

    browser = Client()
    log_in(browser)
    turn_on(browser)
    browser.post("/accounts/second-factor/recovery-codes/generate/")
    (code, *_) = Authenticator.objects.get(user=person, type="recovery_codes").wrap().get_unused_codes()
    api = APIClient()
    body = {"username": "hypatia", "password": PASSWORD, "otp": code}
    assert api.post("/accounts/api-login/", body).status_code == 200
    assert APIClient().post("/accounts/api-login/", body).status_code == 401


def test_a_person_sees_and_ends_their_sessions(person: User) -> None:
    desk, phone = Client(headers={"user-agent": "Desk"}), Client(headers={"user-agent": "Phone"})
    for browser in (desk, phone):
        log_in(browser)
    listed = desk.get("/api/sessions/").json()
    assert {(item["program"], item["is_this_one"]) for item in listed} == {("Desk", True), ("Phone", False)}
    other = next(item["id"] for item in listed if not item["is_this_one"])
    stranger = services.create_user("stranger", password=PASSWORD)
    client = Client()
    client.force_login(stranger)
    key = {"Authorization": f"Token {services.api_token(stranger)}"}
    assert client.delete(f"/api/sessions/{other}/", headers=key).status_code == 404
    own = {"Authorization": f"Token {services.api_token(person)}"}
    assert Client().delete(f"/api/sessions/{other}/", headers=own).status_code == 204
    assert phone.get("/accounts/loggedinstate/").status_code == 302
    assert desk.get("/accounts/loggedinstate/").status_code == 200


@pytest.mark.parametrize("path", ["/accounts/second-factor/", "/accounts/reauthenticate/", "/accounts/social/"])
def test_the_pages_of_second_factors_look_like_ours_and_are_for_people_who_are_logged_in(
    path: str, person: User
) -> None:
    assert Client().get(path).status_code == 302
    browser = Client()
    log_in(browser)
    page = browser.get(path)
    assert page.status_code == 200, person
    assert "armillary/style.css" in page.content.decode()
