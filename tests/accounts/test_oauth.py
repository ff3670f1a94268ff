"""OAuth2 as siblings and other applications use it: spec portal.md 1.14."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import Client

from armillary.accounts import services
from armillary.accounts.models import User
from armillary.accounts.services import CreatedApplication
from armillary.configuration import configuration
from armillary.platform.errors import Refusal

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def astronomer() -> User:
    return services.create_user("astronomer", email="astro@example.org", password=PASSWORD)


@pytest.fixture
def sibling() -> CreatedApplication:
    return services.create_oauth_application("archive's login")


def ask_for_token(sibling: CreatedApplication, **changes: str) -> Any:
    form = {
        "grant_type": "password",
        "username": "astronomer",
        "password": PASSWORD,
        "client_id": sibling.client_id,
        "client_secret": sibling.client_secret,
    }
    return Client().post("/o/token/", form | changes)


@pytest.mark.parametrize("name", ["astronomer", "astro@example.org"])
def test_a_sibling_exchanges_a_password_for_a_bearer_token_and_reads_the_profile(
    astronomer: User, sibling: CreatedApplication, name: str
) -> None:
    answer = ask_for_token(sibling, username=name)
    assert answer.status_code == 200
    assert set(answer.json()) >= {"access_token", "expires_in", "token_type", "scope", "refresh_token"}
    assert answer.json()["token_type"] == "Bearer"
    profile = Client().get("/api/profile/", headers={"Authorization": f"Bearer {answer.json()['access_token']}"}).json()
    assert profile["username"] == astronomer.username
    assert profile["tokens"]["api_token"] == services.api_token(astronomer)


@pytest.mark.usefixtures("astronomer")
def test_wrong_credentials_are_refused_as_the_standard_says(sibling: CreatedApplication) -> None:
    wrong_person = ask_for_token(sibling, password="wrong")
    assert (wrong_person.status_code, wrong_person.json()["error"]) == (400, "invalid_grant")
    wrong_client = ask_for_token(sibling, client_secret="wrong")
    assert (wrong_client.status_code, wrong_client.json()["error"]) == (401, "invalid_client")


def test_an_inactive_person_gets_no_token(astronomer: User, sibling: CreatedApplication) -> None:
    User.objects.filter(pk=astronomer.pk).update(is_active=False)
    assert ask_for_token(sibling).status_code == 400


def test_a_person_who_becomes_inactive_is_refused_with_an_old_token(
    astronomer: User, sibling: CreatedApplication
) -> None:
    token = ask_for_token(sibling).json()["access_token"]
    User.objects.filter(pk=astronomer.pk).update(is_active=False)
    assert Client().get("/api/profile/", headers={"Authorization": f"Bearer {token}"}).status_code == 403


@pytest.mark.usefixtures("astronomer")
def test_the_password_grant_can_be_turned_off(sibling: CreatedApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMILLARY_OAUTH_PASSWORD_GRANT", "false")
    configuration.cache_clear()
    try:
        answer = ask_for_token(sibling)
    finally:
        monkeypatch.undo()
        configuration.cache_clear()
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_the_secret_of_an_application_is_stored_as_a_hash(sibling: CreatedApplication) -> None:
    sibling.application.refresh_from_db()
    assert sibling.client_secret not in sibling.application.client_secret


def test_an_application_that_needs_a_return_address_is_refused_without() -> None:
    with pytest.raises(Refusal):
        services.create_oauth_application("web", grant_type="authorization-code")


def test_the_profile_shows_a_token_for_the_archive_if_there_is_one(astronomer: User) -> None:
    assert services.archive_token(astronomer) == ""
    services.create_oauth_application("Archive")
    token = services.archive_token(astronomer)
    assert services.archive_token(astronomer) == token
    answer = Client().get("/api/profile/", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["tokens"]["archive"] == token


def test_asking_for_consent_leads_to_the_login() -> None:
    answer = Client().get("/o/authorize/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/")


# --- Programs that log in for themselves


@pytest.fixture
def robot(astronomer: User) -> CreatedApplication:
    return services.create_oauth_application("robot", owner=astronomer, grant_type="client-credentials")


def basic(application: CreatedApplication) -> dict[str, str]:
    pair = f"{application.client_id}:{application.client_secret}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def test_a_program_logs_in_for_itself_and_acts_for_who_registered_it(robot: CreatedApplication) -> None:
    answer = Client().post("/o/token/", {"grant_type": "client_credentials", "scope": "read"}, headers=basic(robot))
    assert answer.status_code == 200, answer.content
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert Client().get("/api/profile/", headers=bearer).json()["username"] == "astronomer"
    assert Client().post("/api/revoke_token/", headers=bearer).status_code == 403, "it may only read"


def test_a_program_that_nobody_owns_is_a_stranger() -> None:
    orphan = services.create_oauth_application("orphan", grant_type="client-credentials")
    token = Client().post("/o/token/", {"grant_type": "client_credentials"}, headers=basic(orphan)).json()
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    assert Client().get("/api/profile/", headers=bearer).status_code == 403


def test_a_program_does_not_get_a_token_in_a_way_that_it_was_not_registered_for(
    robot: CreatedApplication, astronomer: User
) -> None:
    form = {"grant_type": "password", "username": astronomer.username, "password": PASSWORD}
    assert Client().post("/o/token/", form, headers=basic(robot)).status_code == 400


def test_a_service_asks_whether_a_token_is_good(
    robot: CreatedApplication, sibling: CreatedApplication, astronomer: User
) -> None:
    token = ask_for_token(sibling).json()["access_token"]
    told = Client().post("/o/introspect/", {"token": token}, headers=basic(robot)).json()
    assert (told["active"], told["username"], told["client_id"]) == (True, astronomer.username, sibling.client_id)
    unknown = Client().post("/o/introspect/", {"token": "nonsense"}, headers=basic(robot))
    assert unknown.json() == {"active": False}
    assert Client().post("/o/introspect/", {"token": token}).status_code in {401, 403}


def test_a_token_that_was_taken_back_is_good_for_nothing(sibling: CreatedApplication, astronomer: User) -> None:
    del astronomer
    token = ask_for_token(sibling).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/profile/", headers=bearer).status_code == 200
    assert Client().post("/o/revoke_token/", {"token": token}, headers=basic(sibling)).status_code == 200
    assert Client().get("/api/profile/", headers=bearer).status_code == 403
    missing = Client().post("/o/revoke_token/", headers=basic(sibling))
    assert missing.json() == {"error": "invalid_request", "error_description": "Missing token parameter."}


def test_a_code_is_not_given_without_a_challenge(astronomer: User) -> None:
    application = services.create_oauth_application(
        "wiki", grant_type="authorization-code", redirect_uris="https://wiki.example/back"
    )
    browser = Client()
    browser.force_login(astronomer)
    wish = {
        "client_id": application.client_id, "response_type": "code", "scope": "read",
        "redirect_uri": "https://wiki.example/back",
    }  # fmt: skip
    answer = browser.get("/o/authorize/", wish)
    assert answer.status_code == 302
    assert (
        "code_challenge" in answer.headers["Location"].lower() or "error=invalid_request" in answer.headers["Location"]
    )
    elsewhere = browser.get("/o/authorize/", {**wish, "redirect_uri": "https://evil.example/"})
    assert elsewhere.status_code == 400


def test_a_token_is_refreshed(sibling: CreatedApplication, astronomer: User) -> None:
    del astronomer
    tokens = ask_for_token(sibling).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    again = Client().post("/o/token/", form, headers=basic(sibling)).json()
    assert again["access_token"] != tokens["access_token"]
    bearer = {"Authorization": f"Bearer {again['access_token']}"}
    assert Client().get("/api/profile/", headers=bearer).status_code == 200
