"""A component without the portal, which asks a portal elsewhere who people are.

The portal here is a few lines that answer as the wire says (spec portal.md 1.13), because what is tested is how we cope
with it: refusing, unreachable, talking nonsense. The journey tests run two of our own servers against each other.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from armillary.accounts import identity, services
from armillary.accounts.authentication import ChallengingAuthentication
from armillary.accounts.models import User
from armillary.configuration import configuration

SERVER_KEY = "a key that both sides share"
PI = {
    "username": "pi",
    "email": "pi@example.org",
    "is_staff": False,
    "is_superuser": False,
    "profile": {"staff_view": False},
    "proposals": [{"id": "P1"}, {"id": "P2"}],
    "tokens": {"api_token": "pi-token-pi-token-pi-token"},
}


class Portal(HTTPServer):
    """Answers ``/api/profile/`` and ``/api/api-token-auth/`` for one person; says how often it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), PortalHandler)
        self.profile: dict[str, object] = dict(PI)
        self.accepts = {"Token pi-token-pi-token-pi-token", "Bearer pi-bearer"}
        self.asked = 0
        self.broken = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class PortalHandler(BaseHTTPRequestHandler):
    server: Portal

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.server.broken:
            self.answer(500, {})
        elif self.headers["Authorization"] in self.server.accepts:
            self.answer(200, self.server.profile)
        else:
            self.answer(403, {"detail": "Invalid token."})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if form == {"username": ["pi"], "password": ["right"]}:
            self.answer(200, {"token": "pi-token-pi-token-pi-token"})
        else:
            self.answer(400, {"non_field_errors": ["Unable to log in with provided credentials."]})

    def answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Be quiet."""


class WhoView(APIView):
    authentication_classes = (ChallengingAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response({"username": request.user.username, "is_staff": request.user.is_staff})


@pytest.fixture
def portal() -> Iterator[Portal]:
    server = Portal()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def archive_alone(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process runs the archive only, and the portal is elsewhere."""
    monkeypatch.setenv("ARMILLARY_COMPONENTS", "archive")
    monkeypatch.setenv("ARMILLARY_PORTAL_URL", portal.url)
    monkeypatch.setenv("ARMILLARY_OAUTH_SERVER_KEY", SERVER_KEY)
    configuration.cache_clear()
    identity.forget()
    yield
    monkeypatch.undo()
    configuration.cache_clear()
    identity.forget()


pytestmark = pytest.mark.django_db


def who(authorization: str | None) -> Response:
    headers = {"Authorization": authorization} if authorization else {}
    return WhoView.as_view()(APIRequestFactory().get("/frames/", headers=headers))


@pytest.mark.parametrize("authorization", ["Token pi-token-pi-token-pi-token", "Bearer pi-bearer"])
def test_the_portals_credentials_work_here(authorization: str) -> None:
    assert who(authorization).data == {"username": "pi", "is_staff": False}
    assert not User.objects.get(username="pi").has_usable_password()


def test_the_portal_is_asked_once_in_half_a_minute(portal: Portal) -> None:
    for _ in range(5):
        who("Token pi-token-pi-token-pi-token")
    assert portal.asked == 1


def test_a_refusal_is_remembered_for_a_moment_too(portal: Portal) -> None:
    for _ in range(5):
        assert who("Token guessed").status_code == 401
    assert portal.asked == 1


@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        (None, "Authentication credentials were not provided."),
        ("Token guessed", "Invalid token."),
        ("Bearer guessed", "No Such User"),
    ],
)
def test_strangers_are_challenged_with_401(authorization: str | None, detail: str) -> None:
    answer = who(authorization)
    assert (answer.status_code, answer.data["detail"]) == (401, detail)
    assert answer.headers["WWW-Authenticate"] == "Token"


def test_rights_follow_the_portal(portal: Portal) -> None:
    who("Token pi-token-pi-token-pi-token")
    portal.profile["is_staff"] = True
    identity.forget()  # half a minute later
    assert who("Token pi-token-pi-token-pi-token").data["is_staff"] is True


def test_a_token_revoked_at_the_portal_stops_working_although_its_shadow_is_known(portal: Portal) -> None:
    assert who("Token pi-token-pi-token-pi-token").status_code == 200
    portal.accepts.clear()
    identity.forget()  # half a minute later
    assert who("Token pi-token-pi-token-pi-token").status_code == 401


def test_an_unreachable_portal_is_503_for_credentials_and_401_for_strangers(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.broken = True
    assert who("Token pi-token-pi-token-pi-token").status_code == 503
    monkeypatch.setenv("ARMILLARY_PORTAL_URL", "http://127.0.0.1:9")  # the discard port: nobody listens
    configuration.cache_clear()
    assert who("Token pi-token-pi-token-pi-token").status_code == 503
    assert who(None).status_code == 401
    assert not User.objects.exists()


def test_nonsense_from_the_portal_is_502_and_lets_nobody_in(portal: Portal) -> None:
    portal.profile = {"username": "pi", "is_staff": "perhaps"}
    assert who("Token pi-token-pi-token-pi-token").status_code == 502
    assert not User.objects.exists()


def test_a_service_account_of_this_component_works_without_the_portal(portal: Portal) -> None:
    key = services.api_token(services.create_user("ingester", is_staff=True))
    portal.broken = True
    assert who(f"Token {key}").data == {"username": "ingester", "is_staff": True}


def test_name_and_password_of_the_portal_give_its_token_here() -> None:
    client = APIClient()
    answer = client.post("/api-token-auth/", {"username": "pi", "password": "right"})
    assert answer.json() == {"token": "pi-token-pi-token-pi-token"}
    assert client.post("/api-token-auth/", {"username": "pi", "password": "wrong"}).status_code == 400


def test_the_proposals_of_a_person_are_the_portals() -> None:
    who("Token pi-token-pi-token-pi-token")
    assert identity.proposal_ids(User.objects.get(username="pi")) == {"P1", "P2"}


def push(body: object, authorization: str = f"Server {SERVER_KEY}") -> Response:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=authorization)
    return client.post("/authprofile/addupdateuser/", body, format="json")


def test_a_portal_pushes_accounts() -> None:
    answer = push(PI | {"profile": {"staff_view": True}, "is_staff": True})
    assert (answer.status_code, answer.json()) == (200, {"message": "User account updated"})
    user = User.objects.get(username="pi")
    assert user.is_staff
    assert user.profile.staff_view


def test_a_pushed_change_counts_at_once(portal: Portal) -> None:
    who("Token pi-token-pi-token-pi-token")
    portal.profile["is_staff"] = True
    push(PI | {"is_staff": True})
    assert who("Token pi-token-pi-token-pi-token").data["is_staff"] is True


@pytest.mark.parametrize("authorization", ["", "Server", "Server wrong", "Server ", f"Token {SERVER_KEY}"])
def test_nobody_else_pushes_accounts(authorization: str) -> None:
    assert push(PI | {"is_superuser": True}, authorization).status_code == 403
    assert not User.objects.exists()


@pytest.mark.parametrize("body", [[], {}, {"username": ""}, {"username": "pi", "is_staff": "perhaps"}])
def test_a_malformed_push_is_refused(body: object) -> None:
    assert push(body).status_code == 400
    assert not User.objects.exists()


def test_the_portal_itself_takes_over_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMILLARY_COMPONENTS", "portal,archive")
    configuration.cache_clear()
    assert push(PI | {"is_superuser": True}).status_code == 403
