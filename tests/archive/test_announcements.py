"""Pipelines hear of every archived frame, over AMQP or at an address of their own, also after an outage.

The broker is the one that kombu (the AMQP library) keeps in memory, or that at AMQP_BROKER_URL: a real one, like
RabbitMQ (``amqp://guest:guest@127.0.0.1:5672//``), whose queue "pipeline" is deleted afterwards.
"""

from __future__ import annotations

import hmac
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import kombu
import pytest
from pydantic import SecretStr
from rest_framework.test import APIClient

from armillary.archive.services.announce_frames import announce_frames
from armillary.configuration import Configuration, ConfigurationError, configuration, load

BROKER = os.environ.get("AMQP_BROKER_URL", "memory://")
pytestmark = pytest.mark.django_db(transaction=True)


def _settings(url: str | None) -> Configuration:
    secret = None if url is None else SecretStr(url)
    return configuration().model_copy(update={"archive_amqp_url": secret})


@pytest.fixture
def heard() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What a pipeline has heard since the last call."""
    with kombu.Connection(BROKER) as connection:
        queue = kombu.Queue("pipeline", kombu.Exchange("archived_fits", type="fanout"))(connection.channel())
        queue.declare()

        def new() -> list[dict[str, Any]]:
            messages = iter(lambda: queue.get(no_ack=True), None)
            return [json.loads(message.body) for message in messages]

        yield new
        queue.delete()


def test_a_pipeline_hears_what_the_spec_says_of_each_frame_once(
    web: APIClient, record: Callable[..., dict[str, Any]], heard: Callable[[], list[dict[str, Any]]]
) -> None:
    settings = _settings(BROKER)
    web.post("/frames/", record())
    assert announce_frames(settings) == 0  # announcing begins when it is switched on
    square = [[350.0, 10.0], [351.0, 10.0], [351.0, 11.0], [350.0, 11.0], [350.0, 10.0]]
    body = record(headers={"OBJECT": "M42", "EXPTIME": 30.0}, area={"type": "Polygon", "coordinates": [square]})
    frame = web.post("/frames/", body).json()
    web.post("/frames/", record(version_set=[]))  # without data there is nothing to say
    assert announce_frames(settings) == 1
    assert announce_frames(settings) == 0
    (message,) = heard()
    assert set(message) == {"OBJECT", "EXPTIME", "area", "basename", "version_set", "filename", "frameid"}
    assert (message["OBJECT"], message["frameid"], message["basename"]) == ("M42", frame["id"], body["basename"])
    assert message["filename"] == f"{body['basename']}.fits.fz"
    assert json.loads(message["area"])["coordinates"][0][0] == [-10.0, 10.0]
    assert message["version_set"][0]["md5"] == body["version_set"][0]["md5"]


def test_an_outage_of_the_broker_loses_nothing(
    web: APIClient, record: Callable[..., dict[str, Any]], heard: Callable[[], list[dict[str, Any]]]
) -> None:
    announce_frames(_settings(BROKER))
    names = [web.post("/frames/", record()).json()["basename"] for _ in range(3)]
    assert announce_frames(_settings("amqp://guest:guest@127.0.0.1:9//")) == 0
    assert heard() == []
    assert announce_frames(_settings(BROKER)) == 3
    assert [message["basename"] for message in heard()] == names


@pytest.fixture
def hook() -> Iterator[tuple[str, list[tuple[str, bytes]], list[int]]]:
    """An address, what was posted there (signature, body), and statuses to answer with."""
    posted: list[tuple[str, bytes]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = statuses.pop(0) if statuses else 204
            if status < 300:
                posted.append((self.headers["X-Armillary-Signature"], body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/frames", posted, statuses
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_is_called_with_a_signature_until_it_answers(
    web: APIClient,
    record: Callable[..., dict[str, Any]],
    hook: tuple[str, list[tuple[str, bytes]], list[int]],
    heard: Callable[[], list[dict[str, Any]]],
) -> None:
    url, posted, statuses = hook
    hooked = {"archive_webhook_urls": (url,), "archive_webhook_secret": SecretStr("between us")}
    settings = _settings(BROKER).model_copy(update=hooked)
    announce_frames(settings)
    names = [web.post("/frames/", record()).json()["basename"] for _ in range(2)]
    statuses += [204, 503]
    assert announce_frames(settings) == 3  # two at the broker, which is not held up, and one here
    assert announce_frames(settings) == 1
    assert [json.loads(body)["basename"] for _, body in posted] == names
    for signature, body in posted:
        assert signature == "sha256=" + hmac.new(b"between us", body, "sha256").hexdigest()
    assert [message["basename"] for message in heard()] == names


def test_webhooks_without_a_secret_stop_the_start() -> None:
    with pytest.raises(ConfigurationError, match="archive_webhook_secret"):
        load({"ARMILLARY_MODE": "test", "ARMILLARY_ARCHIVE_WEBHOOK_URLS": "https://pipeline.example/hook"})


def test_without_a_broker_nothing_is_done() -> None:
    assert announce_frames(_settings(None)) == 0
