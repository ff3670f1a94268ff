"""The change feed over HTTP, followed by the client that everybody uses, against a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.db import transaction
from django.urls import path
from pytest_django.live_server_helper import LiveServer
from rest_framework.request import Request

from armillary.accounts import services
from armillary.clients.errors import RequestRefused
from armillary.clients.events import FEED_RESET, Subscription, listen
from armillary.platform import streams
from armillary.platform.changes import latest_cursor, record_change
from armillary.platform.models import Change
from armillary.platform.streams import event_stream


def may_see(request: Request, change: Change) -> bool:
    return change.payload.get("owner", request.user.username) == request.user.username


urlpatterns = [path("api/events/", event_stream(("observation.", "request."), visible=may_see))]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture
def token() -> str:
    return services.api_token(services.create_user("astronomer"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes are noticed after a tenth of a second, and streams end soon after the test."""
    monkeypatch.setattr(streams, "_POLL_S", 0.1)
    monkeypatch.setattr(streams, "_LIFETIME_S", 1.5)
    monkeypatch.setattr(streams, "_HEARTBEAT_S", 0.3)


@pytest.fixture
def subscription(live_server: LiveServer, token: str) -> Iterator[Subscription]:
    with Subscription("portal", url=live_server.url, token=token) as following:
        assert following.wait_until_connected(10)
        yield following
    following.join(10)


def announce(kind: str, key: str, **payload: Any) -> None:
    with transaction.atomic():
        record_change(kind, key, payload)


def test_a_change_arrives_within_a_second(subscription: Subscription) -> None:
    began = time.monotonic()
    announce("observation.created", "17", state="PENDING")
    [event] = subscription.wait(5)
    assert time.monotonic() - began < 1
    assert (event.kind, event.key, event.payload) == ("observation.created", "17", {"state": "PENDING"})
    assert event.at is not None
    assert event.at.tzinfo is not None


def test_nothing_is_missed_when_the_stream_ends_and_is_begun_again(subscription: Subscription) -> None:
    keys = []
    for key in range(30):
        announce("observation.changed", str(key))
        time.sleep(0.1)
    while len(keys) < 30 and (events := subscription.wait(5)):
        keys += [event.key for event in events]
    assert keys == [str(key) for key in range(30)]


def test_a_stream_sends_only_its_kinds_and_what_the_reader_may_see(subscription: Subscription) -> None:
    announce("downtime.changed", "1")
    announce("observation.changed", "2", owner="somebody else")
    announce("observation.changed", "3", owner="astronomer")
    assert [event.key for event in subscription.wait(5)] == ["3"]


def test_waiting_for_nothing_ends_in_time(subscription: Subscription) -> None:
    assert subscription.wait(0.2) == []


def test_a_reader_goes_on_after_what_it_has_seen(live_server: LiveServer, token: str) -> None:
    announce("observation.created", "1")
    after = latest_cursor()
    announce("observation.created", "2")
    stop = threading.Event()
    event = next(listen("portal", url=live_server.url, token=token, after=after, stop=stop))
    assert event.key == "2"


def test_a_reader_whose_place_is_gone_is_told_to_read_everything_anew(live_server: LiveServer, token: str) -> None:
    announce("observation.created", "1")
    event = next(listen("portal", url=live_server.url, token=token, after="0-99999"))
    assert event.kind == FEED_RESET
    assert event.id == latest_cursor()


def test_a_stranger_is_refused_and_not_tried_again_for_ever(live_server: LiveServer) -> None:
    with pytest.raises(RequestRefused) as refusal:
        next(listen("portal", url=live_server.url))
    assert refusal.value.status == 403
    with Subscription("portal", url=live_server.url) as following, pytest.raises(RequestRefused):
        following.wait(10)


def test_a_malformed_place_is_refused(live_server: LiveServer, token: str) -> None:
    answer = httpx.get(f"{live_server.url}/api/events/?after=yesterday", headers={"Authorization": f"Token {token}"})
    assert answer.status_code == 400
    assert "not a place in the change feed" in answer.json()["after"][0]


def test_when_all_places_are_taken_others_are_asked_to_come_back(
    live_server: LiveServer, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = threading.BoundedSemaphore(1)
    full.acquire()
    monkeypatch.setattr(streams, "_places", lambda: full)
    answer = httpx.get(f"{live_server.url}/api/events/", headers={"Authorization": f"Token {token}"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_a_stream_gives_its_place_back(live_server: LiveServer, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    places = threading.BoundedSemaphore(1)
    monkeypatch.setattr(streams, "_places", lambda: places)
    for _ in range(2):
        with httpx.stream(
            "GET", f"{live_server.url}/api/events/", headers={"Authorization": f"Token {token}"}
        ) as answer:
            assert answer.status_code == 200
            assert answer.headers["Content-Type"] == "text/event-stream"
            for _line in answer.iter_lines():
                pass
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not places.acquire(blocking=False):
            time.sleep(0.02)
        places.release()
