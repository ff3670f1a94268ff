from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary.accounts import services
from armillary.accounts.models import ApiToken, User
from armillary.accounts.scopes import Scope, needed_for, suffices

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)


@pytest.fixture
def astronomer() -> User:
    return services.create_user("astronomer", email="astro@example.org")


def bearer_of(key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    return client


@pytest.fixture
def owner(astronomer: User) -> APIClient:
    return bearer_of(services.api_token(astronomer))


def new_token(owner: APIClient, *scopes: str, **changes: Any) -> APIClient:
    answer = owner.post("/api/tokens/", {"name": "-".join(scopes), "scopes": scopes, **changes})
    assert answer.status_code == 201, answer.json()
    return bearer_of(answer.json()["key"])


def test_a_key_is_shown_once_and_kept_as_a_hash(owner: APIClient) -> None:
    made = owner.post("/api/tokens/", {"name": "laptop", "scopes": ["read"]}).json()
    assert len(made["key"]) == 40
    (listed,) = owner.get("/api/tokens/").json()
    assert "key" not in listed
    assert (listed["name"], listed["scopes"]) == ("laptop", ["read"])
    row = ApiToken.objects.get(pk=made["id"])
    assert made["key"] not in {row.digest, row.sealed}
    assert row.sealed == ""


def test_a_token_works_until_it_expires_or_is_deleted(owner: APIClient, set_clock: Any) -> None:
    set_clock(NOW)
    until = NOW + timedelta(days=1)
    short = new_token(owner, "read", expires=until.isoformat())
    lasting = new_token(owner, "submit")
    assert short.get("/api/profile/").status_code == 200
    set_clock(until)
    assert short.get("/api/profile/").status_code == 403
    assert owner.get("/api/tokens/").json()[1]["name"] == "submit"
    number = owner.get("/api/tokens/").json()[1]["id"]
    assert owner.delete(f"/api/tokens/{number}/").status_code == 204
    assert lasting.get("/api/profile/").status_code == 403
    assert owner.delete(f"/api/tokens/{number}/").status_code == 404


def test_nobody_deletes_a_token_of_somebody_else(owner: APIClient) -> None:
    number = owner.post("/api/tokens/", {"name": "mine", "scopes": ["read"]}).json()["id"]
    other = bearer_of(services.api_token(services.create_user("other")))
    assert other.delete(f"/api/tokens/{number}/").status_code == 404
    assert other.get("/api/tokens/").json() == []


def test_a_token_for_reading_changes_nothing_and_learns_no_other_token(owner: APIClient, astronomer: User) -> None:
    reader = new_token(owner, "read")
    profile = reader.get("/api/profile/").json()
    assert profile["tokens"] == {"archive": "", "api_token": ""}
    assert profile["token_scopes"] == ["read"]
    for method, path in (
        (reader.patch, "/api/profile/"),
        (reader.post, "/api/tokens/"),
        (reader.post, "/api/revoke_token/"),
        (reader.post, "/api/requestgroups/"),
    ):
        answer = method(path, {})
        assert answer.status_code == 403
        assert "needs the scope" in answer.json()["detail"]
    assert reader.post("/api/requestgroups/validate/", {}).status_code == 200
    assert services.api_token(astronomer) not in str(profile)


def test_a_token_for_submitting_does_not_run_telescopes(owner: APIClient) -> None:
    submitter = new_token(owner, "submit")
    assert submitter.post("/api/requestgroups/", {}).status_code == 400
    assert "needs the scope observe" in submitter.post("/api/schedule/", {}).json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/requestgroups/1/", Scope.READ),
        ("POST", "/api/requestgroups/validate/", Scope.READ),
        ("POST", "/api/requestgroups/7/cancel/", Scope.SUBMIT),
        ("PUT", "/api/scienceapplications/7/", Scope.SUBMIT),
        ("PATCH", "/api/configurationstatus/7/", Scope.OBSERVE),
        ("POST", "/archive/frames/", Scope.OBSERVE),
        ("POST", "/frames/", Scope.OBSERVE),
        ("POST", "/downtime/api/", Scope.OBSERVE),
        ("POST", "/api/proposals/P1/invite/", Scope.ADMIN),
        ("PATCH", "/configdb/sites/1/", Scope.ADMIN),
        ("POST", "/api/users-bulk/", Scope.ADMIN),
    ],
)
def test_each_way_to_write_needs_its_scope(method: str, path: str, scope: Scope) -> None:
    assert needed_for(method, path) == scope
    assert suffices([], method, path)
    assert suffices([Scope.ADMIN], method, path)
    assert suffices([scope], method, path)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "", "scopes": ["read"]},
        {"name": "x", "scopes": ["read"], "expires": "2020-01-01T00:00:00Z"},
    ],
)
def test_a_token_that_makes_no_sense_is_refused(owner: APIClient, body: dict[str, Any]) -> None:
    assert owner.post("/api/tokens/", body).status_code == 400
