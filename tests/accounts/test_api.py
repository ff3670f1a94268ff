"""The account endpoints of the wire: spec portal.md 1.0, 1.13."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from armillary.accounts import profile_sections, services
from armillary.accounts.models import ApiToken, Profile, User
from armillary.platform import outbox

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def astronomer() -> User:
    return services.create_user(
        "astronomer", email="Astro@example.org", password=PASSWORD, first_name="Maria", institution="Observatory"
    )


@pytest.fixture
def client(astronomer: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {services.api_token(astronomer)}")
    return client


def test_the_profile_has_the_keys_of_the_wire_in_order(client: APIClient) -> None:
    answer = client.get("/api/profile/")
    assert answer.status_code == 200
    assert list(answer.json()) == [
        "username", "first_name", "last_name", "email", "profile", "is_staff", "is_superuser", "proposals",
        "available_instrument_types", "tokens", "proposal_notifications",
    ]  # fmt: skip
    assert list(answer.json()["profile"]) == [
        "education_user", "notifications_enabled", "notifications_on_authored_only", "simple_interface",
        "view_authored_requests_only", "title", "staff_view", "institution", "api_quota", "terms_accepted",
        "sciencecollaborationallocation", "password_expiration",
    ]  # fmt: skip


def test_the_profile_shows_a_token_that_works(client: APIClient) -> None:
    token = client.get("/api/profile/").json()["tokens"]["api_token"]
    assert len(token) == 40
    assert APIClient().get("/api/profile/", HTTP_AUTHORIZATION=f"Token {token}").json()["username"] == "astronomer"


def test_the_portal_adds_its_part_to_the_profile(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_sections, "_providers", [])
    asked = []

    def section(user: User, *, include_current_time_allocations: bool) -> profile_sections.ProfileSection:
        asked.append((user.username, include_current_time_allocations))
        return {"proposals": [{"id": "P1", "title": "T", "current": True}], "available_instrument_types": ["1M0"]}

    profile_sections.register(section)
    body = client.get("/api/profile/?include_current_time_allocations").json()
    assert (body["proposals"][0]["id"], body["available_instrument_types"]) == ("P1", ["1M0"])
    assert asked == [("astronomer", True)]


@pytest.mark.parametrize("header", [None, "Bearer nonsense"])
def test_a_stranger_gets_403_from_the_portal(header: str | None) -> None:
    answer = APIClient().get("/api/profile/", **({"HTTP_AUTHORIZATION": header} if header else {}))
    assert (answer.status_code, answer.json()) == (403, {"detail": "Authentication credentials were not provided."})


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("Token nonsense", "Invalid token."),
        ("Token", "Invalid token header. No credentials provided."),
        ("Token a b", "Invalid token header. Token string should not contain spaces."),
    ],
)
def test_a_bad_token_gets_403_from_the_portal(header: str, detail: str) -> None:
    answer = APIClient().get("/api/profile/", HTTP_AUTHORIZATION=header)
    assert (answer.status_code, answer.json()) == (403, {"detail": detail})


def test_a_token_of_an_inactive_person_is_refused(client: APIClient, astronomer: User) -> None:
    User.objects.filter(pk=astronomer.pk).update(is_active=False)
    assert client.get("/api/profile/").json() == {"detail": "User inactive or deleted."}


def test_a_change_is_stored_and_answered_fresh(client: APIClient) -> None:
    answer = client.patch(
        "/api/profile/", {"first_name": "Ada", "profile": {"institution": "Elsewhere"}}, format="json"
    )
    assert answer.status_code == 200
    assert (answer.json()["first_name"], answer.json()["profile"]["institution"]) == ("Ada", "Elsewhere")
    assert Profile.objects.get().institution == "Elsewhere"


def test_a_change_leaves_everything_else_as_it_was(client: APIClient) -> None:
    client.patch("/api/profile/", {"profile": {"notifications_enabled": True}}, format="json")
    body = client.patch("/api/profile/", {"profile": {"title": "Dr"}}, format="json").json()
    assert (body["profile"]["notifications_enabled"], body["profile"]["institution"]) == (True, "Observatory")
    assert body["first_name"] == "Maria"


@pytest.mark.parametrize("field", ["username", "is_staff", "is_superuser"])
def test_name_and_rights_never_change_this_way(client: APIClient, field: str) -> None:
    before = client.get("/api/profile/").json()[field]
    answer = client.patch("/api/profile/", {field: "root" if field == "username" else True}, format="json")
    assert answer.json()[field] == before


def test_put_needs_the_name(client: APIClient) -> None:
    answer = client.put("/api/profile/", {"first_name": "Ada"}, format="json")
    assert (answer.status_code, answer.json()) == (400, {"username": ["This field is required."]})


def test_an_address_belongs_to_one_person(client: APIClient) -> None:
    services.create_user("other", email="other@example.org")
    answer = client.patch("/api/profile/", {"email": "OTHER@example.org"}, format="json")
    assert (answer.status_code, answer.json()) == (400, {"email": ["User with this email already exists"]})


def test_only_staff_can_turn_on_the_staff_view(client: APIClient, astronomer: User) -> None:
    answer = client.patch("/api/profile/", {"profile": {"staff_view": True}}, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["profile"]) == ["staff_view"]
    User.objects.filter(pk=astronomer.pk).update(is_staff=True)
    assert client.patch("/api/profile/", {"profile": {"staff_view": True}}, format="json").status_code == 200


@pytest.mark.usefixtures("astronomer")
def test_accepting_the_terms_notes_the_moment(client: APIClient, set_clock: Callable[..., None]) -> None:
    set_clock(NOW)
    Profile.objects.all().delete()  # accounts made by Django's own command have none
    assert client.post("/api/profile/accept_terms/").json() == {"message": "Terms accepted"}
    assert client.get("/api/profile/").json()["profile"]["terms_accepted"] == "2026-03-01T00:00:00Z"


def test_a_revoked_token_stops_working_at_once(client: APIClient, astronomer: User) -> None:
    assert client.post("/api/revoke_token/").json() == {"message": "API token revoked."}
    assert client.get("/api/profile/").status_code == 403
    assert services.authenticate_token(services.api_token(astronomer)) is not None


@pytest.mark.parametrize("name", ["astronomer", "astro@example.org", "Astro@example.org"])
@pytest.mark.parametrize("format_", ["json", "multipart"])
def test_name_or_address_and_password_give_the_token(astronomer: User, name: str, format_: str) -> None:
    answer = APIClient().post("/api/api-token-auth/", {"username": name, "password": PASSWORD}, format=format_)
    assert answer.json() == {"token": services.api_token(astronomer)}


@pytest.mark.parametrize("active", [True, False])
def test_a_wrong_password_or_an_inactive_account_gives_no_token(astronomer: User, active: bool) -> None:
    User.objects.filter(pk=astronomer.pk).update(is_active=active)
    password = "wrong" if active else PASSWORD
    answer = APIClient().post("/api/api-token-auth/", {"username": "astronomer", "password": password})
    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["Unable to log in with provided credentials."]}


@pytest.mark.usefixtures("astronomer")
def test_api_login_opens_a_session_that_needs_the_csrf_token_to_write() -> None:
    client = Client(enforce_csrf_checks=True)
    credentials = json.dumps({"username": "astronomer", "password": PASSWORD})
    answer = client.post("/accounts/api-login/", credentials, content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {"message": "Login successful"})
    assert client.get("/api/profile/").json()["username"] == "astronomer"
    refused = client.post("/api/revoke_token/")
    assert refused.status_code == 403
    assert refused.json()["detail"].startswith("CSRF Failed")
    token = client.cookies["csrftoken"].value
    assert client.post("/api/revoke_token/", headers={"X-CSRFToken": token}).status_code == 200


@pytest.mark.usefixtures("astronomer")
@pytest.mark.parametrize(
    ("credentials", "status"),
    [({}, 400), ({"username": "astronomer"}, 400), ({"username": "astronomer", "password": "wrong"}, 401)],
)
def test_api_login_says_what_is_wrong(credentials: dict[str, str], status: int) -> None:
    answer = APIClient().post("/accounts/api-login/", credentials, format="json")
    assert answer.status_code == status
    assert isinstance(answer.json()["message"], str)


@pytest.mark.usefixtures("astronomer")
def test_an_expired_password_does_not_log_in(set_clock: Callable[..., None]) -> None:
    set_clock(NOW)
    Profile.objects.update(password_expiration=NOW - timedelta(seconds=1))
    answer = APIClient().post("/accounts/api-login/", {"username": "astronomer", "password": PASSWORD})
    assert (answer.status_code, answer.json()) == (401, {"message": "Password expired"})


def test_a_removal_request_is_mailed_to_support(client: APIClient) -> None:
    answer = client.post("/api/account_removal_request/", {"reason": "I retire."}, format="json")
    assert answer.json() == {"message": "Account removal request successfully submitted."}
    outbox.deliver_due(datetime(2100, 1, 1, tzinfo=UTC))
    assert "I retire." in mail.outbox[0].body


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 1001}])
def test_a_removal_request_needs_a_reason_of_reasonable_length(client: APIClient, body: dict[str, Any]) -> None:
    answer = client.post("/api/account_removal_request/", body, format="json")
    assert answer.status_code == 400
    assert list(answer.json()) == ["reason"]


def test_the_stored_token_does_not_give_itself_away(astronomer: User) -> None:
    key = services.api_token(astronomer)
    row = ApiToken.objects.get(user=astronomer)
    stored = json.dumps([row.sealed, row.digest, base64.b64decode(row.sealed + "==", altchars=b"-_").hex()])
    assert key not in stored
    assert key.encode().hex() not in stored


def test_a_token_sealed_with_a_lost_secret_still_works_but_is_not_shown(client: APIClient, settings: Any) -> None:
    settings.SECRET_KEY = "another secret key, of more than thirty-two characters"
    answer = client.get("/api/profile/")
    assert (answer.status_code, answer.json()["tokens"]["api_token"]) == (200, "")


def test_a_token_sealed_with_a_former_secret_is_shown(client: APIClient, astronomer: User, settings: Any) -> None:
    key = services.api_token(astronomer)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key, of more than thirty-two characters"
    assert client.get("/api/profile/").json()["tokens"]["api_token"] == key


def test_the_profile_takes_a_constant_number_of_queries(client: APIClient, django_assert_max_num_queries: Any) -> None:
    client.get("/api/profile/")
    with django_assert_max_num_queries(12):
        client.get("/api/profile/")
