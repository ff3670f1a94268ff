from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from rest_framework.test import APIClient

from armillary.accounts import services
from armillary.accounts.models import AuditEntry, Profile, User
from armillary.platform.models import OutboxMail

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
PERSON = {
    "username": "maria",
    "first_name": "Maria",
    "last_name": "Mitchell",
    "email": "maria@vassar.example",
    "institution": "Vassar",
    "title": "Professor",
}


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def astronomer() -> User:
    return services.create_user("astronomer", email="astro@example.org", password=PASSWORD, first_name="Ada")


@pytest.fixture
def staff() -> User:
    return services.create_user("staff", email="staff@example.org", is_staff=True)


@pytest.fixture
def administrator() -> User:
    return services.create_user("administrator", is_staff=True, is_superuser=True)


# --- accounts for others


def test_staff_creates_accounts_whose_owners_set_their_password(staff: User) -> None:
    answer = client_of(staff).post("/api/users-bulk/", {"users": [PERSON]})
    assert answer.status_code == 201
    assert answer.json() == {"users": [{**PERSON, "education_user": True}]}
    maria = User.objects.get(username="maria")
    assert maria.is_active
    assert maria.profile.created_by == staff
    assert maria.profile.password_expiration is not None
    mail = OutboxMail.objects.get()
    assert mail.to == ["maria@vassar.example"]
    assert "/accounts/password/reset/" in mail.body
    assert AuditEntry.objects.get().action == "account.create"


def test_accounts_are_made_all_or_none(staff: User, astronomer: User) -> None:
    second = {**PERSON, "username": astronomer.username, "email": "ASTRO@example.org"}
    answer = client_of(staff).post("/api/users-bulk/", {"users": [PERSON, second]})
    assert answer.status_code == 400
    assert answer.json() == {
        "users": {"1": {"username": ["username already exists"], "email": ["user with email already exists"]}}
    }
    assert not User.objects.filter(username="maria").exists()
    twice = client_of(staff).post("/api/users-bulk/", {"users": [PERSON, {**PERSON, "email": "m@vassar.example"}]})
    assert twice.json() == {"users": ["username 'maria' provided multiple times"]}


def test_a_password_that_somebody_else_chose_only_serves_to_set_another_one(staff: User) -> None:
    client_of(staff).post("/api/users-bulk/", {"users": [{**PERSON, "password": "chosen by staff"}]})
    credentials = {"username": "maria", "password": "chosen by staff"}
    assert Client().post("/api/api-token-auth/", credentials).status_code == 400
    assert Client().post("/accounts/api-login/", credentials).status_code == 401
    application = services.create_oauth_application("sibling")
    form = {"client_id": application.client_id, "client_secret": application.client_secret, "grant_type": "password"}
    assert Client().post("/o/token/", {**form, **credentials}).status_code == 400
    assert Client().post("/accounts/login/", credentials).headers["Location"] == "/accounts/password/change/"


def test_who_leads_no_proposal_creates_no_accounts(astronomer: User) -> None:
    assert client_of(astronomer).post("/api/users-bulk/", {"users": [PERSON]}).status_code == 403
    assert APIClient().post("/api/users-bulk/", {"users": [PERSON]}).status_code == 403


# --- personal data


def test_a_person_gets_everything_that_is_known_about_them_but_no_secret(astronomer: User) -> None:
    key = services.api_token(astronomer)
    answer = client_of(astronomer).get("/api/profile/personal_data/")
    assert "attachment" in answer["Content-Disposition"]
    found = answer.json()
    assert found["account"]["email"] == "astro@example.org"
    assert found["tokens"][0]["kind"] == "WIRE"
    assert found["observing"]["memberships"] == []
    assert key not in json.dumps(found)


def test_an_administrator_removes_a_person_and_nothing_names_them_any_more(
    astronomer: User, administrator: User
) -> None:
    from armillary.portal.proposals.services import add_member, create_proposal

    add_member(create_proposal("P1"), astronomer)
    browser = Client()
    browser.force_login(astronomer)
    key = services.api_token(astronomer)
    address = "/api/users/astronomer/remove/"
    assert client_of(administrator).post(address).status_code == 200
    gone = User.objects.get(pk=astronomer.pk)
    assert (gone.username, gone.email, gone.first_name, gone.is_active) == (f"removed-{gone.pk}", "", "", False)
    assert browser.get("/api/profile/").status_code == 403
    assert APIClient(headers={"Authorization": f"Token {key}"}).get("/api/profile/").status_code == 403
    assert not gone.membership_set.exists()
    assert AuditEntry.objects.get().subject == f"removed-{gone.pk}"
    assert client_of(administrator).post(address).status_code == 404


def test_nobody_removes_themselves_or_others_without_the_right(
    astronomer: User, staff: User, administrator: User
) -> None:
    assert client_of(administrator).post("/api/users/administrator/remove/").status_code == 400
    for user in (astronomer, staff):
        assert client_of(user).post("/api/users/administrator/remove/").status_code == 403


def test_only_administrators_read_the_audit_log(staff: User, administrator: User) -> None:
    client_of(staff).post("/api/users-bulk/", {"users": [PERSON]})
    assert client_of(staff).get("/api/audit/").status_code == 403
    found = client_of(administrator).get("/api/audit/?action=account.create").json()
    assert [(line["actor"], line["subject"]) for line in found["results"]] == [("staff", "maria")]
    assert client_of(administrator).get("/api/audit/?actor=nobody").json()["count"] == 0


def test_a_person_ends_their_other_sessions(astronomer: User) -> None:
    here, there = Client(), Client()
    here.force_login(astronomer)
    there.force_login(astronomer)
    answer = here.delete("/api/sessions/")
    assert answer.json() == {"ended": 1}
    assert here.get("/api/profile/").status_code == 200
    assert there.get("/api/profile/").status_code == 403


def test_an_account_without_a_profile_is_removed_like_any_other(administrator: User, astronomer: User) -> None:
    Profile.objects.filter(user=astronomer).delete()
    assert client_of(administrator).post("/api/users/astronomer/remove/").status_code == 200


# --- OpenID Connect


def test_another_application_learns_who_somebody_is_by_openid_connect(astronomer: User) -> None:
    application = services.create_oauth_application(
        "wiki", grant_type="authorization-code", redirect_uris="https://wiki.example/back"
    )
    browser = Client()
    browser.force_login(astronomer)
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    form = {
        "client_id": application.client_id,
        "response_type": "code",
        "redirect_uri": "https://wiki.example/back",
        "scope": "openid profile email",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "allow": "Authorize",
        "state": "s",
        "nonce": "n",
    }
    answer = browser.post("/o/authorize/", form)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    exchange = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "https://wiki.example/back",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "code_verifier": verifier,
    }
    assert Client().post("/o/token/", {**exchange, "code_verifier": "w" * 64}).status_code == 400
    answer = Client().post("/o/token/", exchange)
    if answer.status_code != 200:  # a code that was once presented wrongly may be spent: ask for another one
        code = parse_qs(urlsplit(browser.post("/o/authorize/", form).headers["Location"]).query)["code"][0]
        answer = Client().post("/o/token/", {**exchange, "code": code})
    tokens = answer.json()
    claims = _claims(tokens["id_token"])
    assert claims["sub"] == str(astronomer.pk)
    assert claims["iss"].endswith("/o")
    assert claims["nonce"] == "n"
    told = Client(headers={"Authorization": f"Bearer {tokens['access_token']}"}).get("/o/userinfo/").json()
    assert (told["preferred_username"], told["email"], told["given_name"]) == ("astronomer", "astro@example.org", "Ada")
    reader = APIClient()
    reader.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access_token']}")
    assert reader.patch("/api/profile/", {"first_name": "X"}).status_code == 403
    assert reader.get("/api/profile/").json()["tokens"]["api_token"] == ""


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def test_the_provider_describes_itself() -> None:
    found = Client().get("/o/.well-known/openid-configuration").json()
    assert found["issuer"].endswith("/o")
    assert found["userinfo_endpoint"].endswith("/o/userinfo/")
    (key,) = Client().get("/o/.well-known/jwks.json").json()["keys"]
    assert (key["kty"], key["alg"]) == ("RSA", "RS256")
    assert "d" not in key, "the private part is not published"


def test_the_signing_key_is_made_once_for_the_owner_only(tmp_path: Any) -> None:
    from armillary.accounts.oidc import signing_key

    first = signing_key(tmp_path)
    assert signing_key(tmp_path) == first
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
