from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from armillary.clients.errors import RequestRefused, ServiceUnavailable
from armillary.clients.transport import connect
from armillary.configuration import load


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = int(self.path.strip("/").split("/")[0] or 200)
        body = b'{"detail": "because"}' if status != 418 else b"short and stout"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Authorization", self.headers.get("Authorization", "nobody"))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answers) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_token_is_sent(server: str) -> None:
    with connect("portal", url=server, token="abc") as client:
        assert client.get("200/").headers["X-Authorization"] == "Token abc"


def test_an_anonymous_client_sends_none(server: str) -> None:
    with connect("portal", url=server) as client:
        assert client.get("200/").headers["X-Authorization"] == "nobody"


def test_a_refusal_carries_its_status_and_detail(server: str) -> None:
    with connect("archive", url=server) as client, pytest.raises(RequestRefused) as caught:
        client.get("404/")
    assert caught.value.status == 404
    assert caught.value.detail == {"detail": "because"}
    assert "archive" in str(caught.value)


def test_a_refusal_that_is_not_json_keeps_its_text(server: str) -> None:
    with connect("archive", url=server) as client, pytest.raises(RequestRefused) as caught:
        client.get("418/")
    assert caught.value.detail == "short and stout"


def test_a_failure_inside_the_service_means_that_it_is_unavailable(server: str) -> None:
    with connect("configdb", url=server) as client, pytest.raises(ServiceUnavailable, match=r"configdb.*500"):
        client.get("500/")


def test_a_service_that_nobody_serves_is_unavailable() -> None:
    with connect("downtime", url="http://127.0.0.1:9") as client, pytest.raises(ServiceUnavailable, match="downtime"):
        client.get("api/")


def test_a_service_that_is_neither_here_nor_configured_says_which_setting_is_missing() -> None:
    settings = load({"ARMILLARY_COMPONENTS": "archive"})
    with pytest.raises(ServiceUnavailable, match="ARMILLARY_CONFIGDB_URL is not set"):
        connect("configdb", settings=settings)


def test_a_configured_address_wins_over_the_service_in_this_process(server: str) -> None:
    settings = load({"ARMILLARY_CONFIGDB_URL": server})
    with connect("configdb", settings=settings) as client:
        assert client.get("200/").json() == {"detail": "because"}
