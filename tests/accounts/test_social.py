"""Login by the word of an OpenID Connect provider; the provider is a small server of the test."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client

from armillary.accounts import services
from armillary.accounts.models import User
from armillary.accounts.providers import library_settings
from armillary.configuration import Configuration, LoginProvider, load
from armillary.platform.models import OutboxMail

pytestmark = pytest.mark.django_db


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


class Provider:
    """An OpenID Connect provider that says of everybody what the test wants."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "42", "given_name": "Hypatia", "family_name": "Theon"}
        self.seen: list[dict[str, list[str]]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(provider.discovery() if "well-known" in self.path else provider.claims)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.seen.append(parse_qs(body))
                claims = {"iss": provider.url, "aud": "armillary", "exp": 4e9, "iat": 1, **provider.claims}
                token = f"{encoded({'alg': 'RS256'})}.{encoded(claims)}.{encoded({})}"
                self._say({"access_token": "word", "token_type": "Bearer", "expires_in": 60, "id_token": token})

            def _say(self, what: Any) -> None:
                content = json.dumps(what).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def discovery(self) -> dict[str, Any]:
        names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
        return {"issuer": self.url, **{name: f"{self.url}/{name}" for name in names}}

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    cache.clear()
    found = Provider()

    def configure(**more: Any) -> None:
        described = LoginProvider(
            kind="openid_connect", id="university", name="My university", client_id="armillary",
            client_secret="secret", server_url=found.url, **more,
        )  # fmt: skip
        settings.SOCIALACCOUNT_PROVIDERS = library_settings((described,))

    found.configure = configure  # type: ignore[attr-defined]  # for tests that configure it otherwise
    configure()
    yield found
    found.close()


def come_back(browser: Client, **options: str) -> Any:
    """Go to the provider and come back with its word."""
    sent = browser.post("/accounts/oidc/university/login/", query_params=options)
    assert sent.status_code == 302, sent.content.decode()
    asked = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"], "PKCE"
    return browser.get("/accounts/oidc/university/login/callback/", {"code": "once", "state": asked["state"][0]})


FORM = {
    "first_name": "Hypatia", "last_name": "Theon", "institution": "Mouseion", "title": "Dr",
    "email": "hypatia@alexandria.example", "username": "hypatia", "tos": "on",
}  # fmt: skip


def test_whoever_comes_with_a_verified_address_registers_and_is_in(provider: Provider) -> None:
    provider.claims |= {"email": "hypatia@alexandria.example", "email_verified": True}
    browser = Client()
    back = come_back(browser)
    assert back.headers["Location"] == "/accounts/social/signup/"
    assert "Hypatia" in browser.get("/accounts/social/signup/").content.decode()
    without_terms = browser.post("/accounts/social/signup/", {**FORM, "tos": ""})
    assert without_terms.status_code == 200
    assert not User.objects.exists()
    assert browser.post("/accounts/social/signup/", FORM).status_code == 302
    user = User.objects.get()
    assert (user.username, user.is_active, user.profile.institution) == ("hypatia", True, "Mouseion")
    assert user.profile.terms_accepted is not None
    assert not user.has_usable_password()
    assert browser.get("/accounts/loggedinstate/").status_code == 200
    again = Client()
    assert come_back(again).headers["Location"] == "/accounts/loggedinstate/"
    assert again.get("/accounts/loggedinstate/").status_code == 200
    assert provider.seen[0]["code_verifier"]


def test_an_address_that_the_provider_has_not_verified_is_verified_by_our_link(provider: Provider) -> None:
    del provider
    browser = Client()
    come_back(browser)
    done = browser.post("/accounts/social/signup/", FORM)
    assert done.headers["Location"] == "/accounts/register/complete/"
    user = User.objects.get()
    assert not user.is_active
    assert browser.get("/accounts/loggedinstate/").status_code == 302
    link = next(line for line in OutboxMail.objects.get().body.splitlines() if "/activate/" in line)
    assert Client().post(urlsplit(link).path).status_code == 302
    assert come_back(Client()).headers["Location"] == "/accounts/loggedinstate/"


def test_an_address_that_belongs_to_an_account_opens_it_only_where_the_observatory_trusts_the_provider(
    provider: Provider,
) -> None:
    services.create_user("mine", email="hypatia@alexandria.example", password="a long password")
    provider.claims |= {"email": "hypatia@alexandria.example", "email_verified": True}
    stranger = Client()
    assert come_back(stranger).headers["Location"] == "/accounts/social/signup/"
    assert stranger.post("/accounts/social/signup/", FORM).status_code == 200
    assert User.objects.count() == 1
    provider.configure(trust_email=True)  # type: ignore[attr-defined]
    owner = Client()
    come_back(owner)
    assert "mine" in owner.get("/accounts/loggedinstate/").content.decode()


def test_somebody_who_is_logged_in_connects_a_provider(provider: Provider) -> None:
    del provider
    user = services.create_user("mine", email="mine@alexandria.example", password="a long password")
    browser = Client()
    browser.force_login(user)
    asked = come_back(browser, process="connect").headers["Location"]
    assert asked.startswith("/accounts/reauthenticate/"), "a session left open is not enough"
    assert not user.socialaccount_set.exists()
    assert browser.post(asked, {"password": "a long password"}).status_code == 302
    assert user.socialaccount_set.get().uid == "42"
    other = Client()
    come_back(other)
    assert "mine" in other.get("/accounts/loggedinstate/").content.decode()


def test_a_login_does_not_begin_with_a_link(provider: Provider) -> None:
    del provider
    assert Client().get("/accounts/oidc/university/login/").status_code == 200, "a page with a button"


def test_providers_are_configured_as_a_list() -> None:
    text = '[{"kind": "orcid", "client_id": "APP-1", "client_secret": "s"}]'
    found: Configuration = load({"ARMILLARY_LOGIN_PROVIDERS": text, "ARMILLARY_MODE": "test"})
    assert [(it.shown_name, it.address) for it in found.login_providers] == [("ORCID", "/accounts/orcid/login/")]
    assert "'s'" not in repr(found.login_providers)


@pytest.mark.parametrize(
    "text",
    ["nonsense", '[{"kind": "openid_connect", "client_id": "x", "client_secret": "s"}]', '[{"kind": "myspace"}]'],
)
def test_a_wrong_list_of_providers_stops_the_start(text: str) -> None:
    from armillary.configuration import ConfigurationError

    with pytest.raises(ConfigurationError, match="LOGIN_PROVIDERS"):
        load({"ARMILLARY_LOGIN_PROVIDERS": text, "ARMILLARY_MODE": "test"})


def test_who_is_removed_leaves_no_way_to_log_in(provider: Provider) -> None:
    from allauth.socialaccount.models import SocialAccount

    provider.claims |= {"email": "hypatia@alexandria.example", "email_verified": True}
    browser = Client()
    come_back(browser)
    browser.post("/accounts/social/signup/", FORM)
    person = User.objects.get()
    from armillary.accounts.identity_api import personal_data_of

    assert personal_data_of(person)["logins"]["providers"][0]["uid"] == "42"
    chief = services.create_user("chief", is_superuser=True)
    services.remove_account(person, actor=chief)
    assert not SocialAccount.objects.exists()
    assert browser.get("/accounts/loggedinstate/").status_code == 302


def test_who_has_no_password_turns_on_a_second_factor_all_the_same(provider: Provider) -> None:
    provider.claims |= {"email": "hypatia@alexandria.example", "email_verified": True}
    browser = Client()
    come_back(browser)
    browser.post("/accounts/social/signup/", FORM)
    assert browser.get("/accounts/second-factor/totp/activate/").status_code == 200
