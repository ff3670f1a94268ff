"""A program that subscribed is called with what changed: signed, in order, again until it arrives, and never polls."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary.platform.models import Change, OutboxMail
from armillary.portal.subscriptions.services.deliver import deliver_changes

from .conftest import NIGHT, NOW, Receiver, client_of, wish

pytestmark = pytest.mark.django_db(transaction=True)  # the feed shows what is committed
ADDRESS = "/api/subscriptions/"


def subscribed(client: APIClient, receiver: Receiver, **values: Any) -> dict[str, Any]:
    answer = client.post(ADDRESS, {"url": receiver.url, **values})
    assert answer.status_code == 201, answer.json()
    return dict(answer.json())


def events(receiver: Receiver) -> list[dict[str, Any]]:
    return [event for _, body in receiver.calls for event in json.loads(body)["events"]]


def kinds(receiver: Receiver) -> list[str]:
    return [event["kind"] for event in events(receiver)]


def test_changes_arrive_in_order_and_signed(
    astronomer: APIClient, operator: APIClient, group: dict[str, Any], receiver: Receiver
) -> None:
    subscribed(astronomer, receiver)
    secret = astronomer.get("/api/notifications/").json()["webhook_secret"]
    submitted = astronomer.post("/api/requestgroups/", group).json()
    operator.post("/api/observations/", wish(submitted, NIGHT))
    assert deliver_changes(NOW) == 1
    ((headers, body),) = receiver.calls
    assert headers["X-Armillary-Signature"] == "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    told = kinds(receiver)
    assert told.index("request_group.submitted") < told.index("observation.created")
    assert events(receiver)[0]["payload"]["id"] == submitted["id"]
    assert deliver_changes(NOW + timedelta(minutes=1)) == 0, "nothing new, no call"
    astronomer.post(f"/api/requestgroups/{submitted['id']}/cancel/")
    assert deliver_changes(NOW + timedelta(minutes=1)) == 1
    assert "request_group.submitted" not in kinds(receiver)[len(told) :]


def test_what_could_not_be_sent_is_sent_later_and_nothing_is_lost(
    astronomer: APIClient, group: dict[str, Any], receiver: Receiver
) -> None:
    own = subscribed(astronomer, receiver)
    receiver.status = 503
    astronomer.post("/api/requestgroups/", group)
    assert deliver_changes(NOW) == 0
    assert deliver_changes(NOW + timedelta(seconds=30)) == 0
    assert len(receiver.calls) == 1, "it is left alone for a minute"
    seen = astronomer.get(f"{ADDRESS}{own['id']}/").json()
    assert (seen["attempts"], seen["error"]) == (1, "localhost answered 503")
    receiver.status = 200
    astronomer.post("/api/requestgroups/", group)
    receiver.calls.clear()
    assert deliver_changes(NOW + timedelta(minutes=2)) == 1
    assert kinds(receiver).count("request_group.submitted") == 2
    assert astronomer.get(f"{ADDRESS}{own['id']}/").json()["error"] == ""


def test_an_address_that_never_answers_is_given_up_with_a_mail_and_can_go_on_where_it_stopped(
    astronomer: APIClient, group: dict[str, Any], receiver: Receiver
) -> None:
    own = subscribed(astronomer, receiver)
    receiver.status = 500
    astronomer.post("/api/requestgroups/", group)
    moment = NOW
    for _ in range(10):
        deliver_changes(moment)
        moment += timedelta(days=2)
    assert len(receiver.calls) == 8
    mail = OutboxMail.objects.get()
    assert "answered 500" in mail.body
    assert astronomer.get(f"{ADDRESS}{own['id']}/").json()["active"] is False
    receiver.status, receiver.calls = 200, []
    assert astronomer.patch(f"{ADDRESS}{own['id']}/", {"active": True}).json()["attempts"] == 0
    assert deliver_changes(moment) == 1
    assert "request_group.submitted" in kinds(receiver)


def test_one_is_told_of_ones_own_proposals_only(
    world: dict[str, Any], astronomer: APIClient, group: dict[str, Any], receiver: Receiver
) -> None:
    from armillary.accounts.services import create_user

    stranger = client_of(create_user("stranger"))
    subscribed(stranger, receiver)
    astronomer.post("/api/requestgroups/", group)
    assert deliver_changes(NOW) == 0
    assert receiver.calls == []
    assert stranger.get(ADDRESS).json()["count"] == 1
    assert astronomer.get(ADDRESS).json()["count"] == 0
    del world


def test_only_the_kinds_that_were_asked_for_are_sent(
    astronomer: APIClient, operator: APIClient, group: dict[str, Any], receiver: Receiver
) -> None:
    subscribed(astronomer, receiver, kinds=["observation."])
    submitted = astronomer.post("/api/requestgroups/", group).json()
    operator.post("/api/observations/", wish(submitted, NIGHT))
    assert deliver_changes(NOW) == 1
    assert {kind.split(".")[0] for kind in kinds(receiver)} == {"observation"}


def test_a_program_whose_place_in_the_feed_was_thrown_away_is_told_to_read_everything_anew(
    astronomer: APIClient, group: dict[str, Any], receiver: Receiver
) -> None:
    astronomer.post("/api/requestgroups/", group)
    subscribed(astronomer, receiver)
    astronomer.post("/api/requestgroups/", group)
    newest = Change.objects.order_by("-id").values_list("id", flat=True)[0]
    Change.objects.exclude(id=newest).delete()
    assert deliver_changes(NOW) == 1
    assert kinds(receiver) == ["feed.reset"]
    assert deliver_changes(NOW) == 0


def test_the_address_can_be_tried_out(astronomer: APIClient, receiver: Receiver) -> None:
    own = subscribed(astronomer, receiver)
    assert astronomer.post(f"{ADDRESS}{own['id']}/test/").status_code == 200
    assert json.loads(receiver.calls[0][1])["events"] == []
    receiver.status = 404
    assert astronomer.post(f"{ADDRESS}{own['id']}/test/").json() == {"url": ["localhost answered 404"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://127.0.0.1/x"}, "url"),
        ({"url": "https://example.org/x", "kinds": ["accounts."]}, "kinds"),
        ({"kinds": []}, "url"),
    ],
)
def test_a_subscription_that_cannot_be_is_refused_on_the_field(
    body: dict[str, Any], field: str, astronomer: APIClient
) -> None:
    answer = astronomer.post(ADDRESS, body)
    assert answer.status_code == 400
    assert list(answer.json()) == [field]


def test_strangers_do_not_subscribe(world: dict[str, Any]) -> None:
    del world
    assert APIClient().post(ADDRESS, {}).status_code == 403
