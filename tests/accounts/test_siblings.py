"""Telling OCS siblings about changed accounts: spec portal.md 1.14."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django_tasks_db.models import DBTaskResult

from armillary.accounts import services
from armillary.accounts.models import User
from armillary.configuration import configuration
from armillary.platform import periodic, worker

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = "a key that both sides share"
pytestmark = pytest.mark.django_db(transaction=True)


class Sibling(HTTPServer):
    """Takes accounts, or fails."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SiblingHandler)
        self.received: list[tuple[str, str, dict[str, Any]]] = []
        self.status = 200


class SiblingHandler(BaseHTTPRequestHandler):
    server: Sibling

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def sibling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sibling]:
    server = Sibling()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setattr(periodic, "_jobs", {})
    monkeypatch.setenv("ARMILLARY_OAUTH_CLIENT_APPS_BASE_URLS", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("ARMILLARY_OAUTH_SERVER_KEY", KEY)
    configuration.cache_clear()
    yield server
    monkeypatch.undo()
    configuration.cache_clear()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def astronomer() -> User:
    return services.create_user("astronomer", first_name="Maria")


def test_a_changed_profile_reaches_the_sibling(sibling: Sibling, astronomer: User) -> None:
    services.change_account(astronomer, {"first_name": "Ada", "profile": {"title": "Dr"}})
    worker.work_once(NOW)
    [(path, authorization, profile)] = sibling.received
    assert (path, authorization) == ("/authprofile/addupdateuser/", f"Server {KEY}")
    assert (profile["username"], profile["first_name"], profile["profile"]["title"]) == ("astronomer", "Ada", "Dr")


def test_a_revoked_token_reaches_the_sibling(sibling: Sibling, astronomer: User) -> None:
    key = services.revoke_token(astronomer)
    worker.work_once(NOW)
    assert sibling.received[0][2]["tokens"]["api_token"] == key


def test_a_sibling_that_does_not_listen_is_told_again_later(sibling: Sibling, astronomer: User) -> None:
    sibling.status = 503
    services.revoke_token(astronomer)
    worker.work_once(NOW)
    assert len(sibling.received) == 1, "not at once"
    later = DBTaskResult.objects.get(status="READY")
    assert later.args_kwargs["args"][-1] == 2
    assert later.run_after > later.enqueued_at
    sibling.status = 200
    DBTaskResult.objects.filter(pk=later.pk).update(run_after=later.enqueued_at)
    worker.work_once(NOW)
    assert len(sibling.received) == 2


def test_without_siblings_nothing_is_queued(astronomer: User) -> None:
    services.revoke_token(astronomer)
    assert not DBTaskResult.objects.exists()
