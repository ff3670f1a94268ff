from __future__ import annotations

import pytest
from django.test import Client

from armillary.accounts import services
from armillary.accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
LIMIT = 10


@pytest.fixture(autouse=True)
def astronomer() -> User:
    return services.create_user("astronomer", email="astro@example.org", password=PASSWORD)


def guess(path: str, name: str, password: str = "wrong", address: str = "192.0.2.1") -> int:
    answer = Client(REMOTE_ADDR=address).post(path, {"username": name, "password": password})
    return answer.status_code


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/api-login/", "/api/api-token-auth/"])
def test_whoever_guesses_too_often_is_locked_out_for_a_while(path: str) -> None:
    for _ in range(LIMIT):
        assert guess(path, "astronomer") != 429 or path
    assert guess(path, "astronomer") == 429
    assert guess(path, "astronomer", PASSWORD) == 429, "the right password does not help now"
    assert guess(path, "astronomer", PASSWORD, address="198.51.100.7") in {200, 302}, "its owner is not locked out"


def test_name_and_address_count_as_the_same_person() -> None:
    for name in ("astronomer", "astro@example.org", "ASTRO@example.org") * 4:
        guess("/accounts/api-login/", name)
    assert guess("/accounts/api-login/", "astronomer", PASSWORD) == 429


def test_a_successful_login_forgives_the_mistakes_before() -> None:
    for _ in range(LIMIT - 1):
        guess("/accounts/api-login/", "astronomer")
    assert guess("/accounts/api-login/", "astronomer", PASSWORD) == 200
    assert guess("/accounts/api-login/", "astronomer") == 401


def test_the_oauth_password_grant_is_no_way_around() -> None:
    application = services.create_oauth_application("sibling")
    form = {
        "grant_type": "password",
        "username": "astronomer",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
    }
    for _ in range(LIMIT):
        assert Client().post("/o/token/", {**form, "password": "wrong"}).status_code == 400
    assert Client().post("/o/token/", {**form, "password": PASSWORD}).status_code == 400


def test_a_browser_sees_a_page_that_says_what_to_do() -> None:
    client = Client(headers={"accept": "text/html"})
    for _ in range(LIMIT + 1):
        answer = client.post("/accounts/login/", {"username": "astronomer", "password": "wrong"})
    assert answer.status_code == 429
    assert b"Wait a quarter of an hour" in answer.content
