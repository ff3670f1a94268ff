from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from armillary.accounts.models import User
from armillary.platform.changes import record_change
from armillary.platform.errors import Refusal
from armillary.platform.idempotency import idempotent
from armillary.platform.models import Change, IdempotencyKey

NOW = datetime(2026, 3, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


class ThingsView(APIView):
    """Makes a thing per POST; ``{"then": ...}`` says what goes wrong."""

    permission_classes = ()

    @idempotent
    def post(self, request: Request) -> Response:
        then = request.data.get("then")
        if then == "refuse":
            raise Refusal({"name": ["Taken."]})
        if then == "die before":
            raise KeyboardInterrupt
        with transaction.atomic():
            record_change("thing.created", str(Change.objects.count() + 1))
            if then == "undo":
                raise Refusal("Undone.")
        if then == "die after":
            raise KeyboardInterrupt
        return Response({"id": Change.objects.count(), "at": NOW}, status=201)


@pytest.fixture
def post(set_clock: Callable[..., None]) -> Callable[..., Any]:
    set_clock(NOW)
    astronomer = User.objects.create(username="astronomer")

    def send(body: dict[str, Any], key: str | None = "k", user: User | None = astronomer) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        request = APIRequestFactory().post("/api/things/", body, format="json", headers=headers)
        force_authenticate(request, user)
        return ThingsView.as_view()(request)

    return send


def test_a_repeated_request_is_carried_out_once_and_answered_the_same(post: Callable[..., Any]) -> None:
    first, second = post({}), post({})
    assert first.status_code == second.status_code == 201
    assert second.data == {"id": 1, "at": "2026-03-01T00:00:00Z"}
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Change.objects.count() == 1


def test_without_a_key_every_request_counts(post: Callable[..., Any]) -> None:
    post({}, key=None)
    post({}, key=None)
    assert Change.objects.count() == 2


def test_another_key_and_another_caller_are_other_requests(post: Callable[..., Any]) -> None:
    post({})
    post({}, key="other")
    post({}, user=User.objects.create(username="other"))
    assert Change.objects.count() == 3


def test_one_key_for_two_bodies_is_refused(post: Callable[..., Any]) -> None:
    post({"name": "a"})
    assert post({"name": "b"}).status_code == 409


@pytest.mark.parametrize("then", ["refuse", "undo"])
def test_a_refused_request_may_be_corrected_under_the_same_key(post: Callable[..., Any], then: str) -> None:
    assert post({"then": then}).status_code == 400
    assert post({}).status_code == 201


def test_a_request_that_died_before_its_effect_may_be_repeated(post: Callable[..., Any]) -> None:
    with pytest.raises(KeyboardInterrupt):
        post({"then": "die before"})
    assert not IdempotencyKey.objects.exists()


def test_a_request_that_died_after_its_effect_is_not_carried_out_again(post: Callable[..., Any]) -> None:
    with pytest.raises(KeyboardInterrupt):
        post({"then": "die after"})
    answer = post({"then": "die after"})
    assert answer.status_code == 409
    assert "thing.created 1" in answer.data["detail"]
    assert Change.objects.count() == 1


def test_a_request_that_is_still_running_is_not_carried_out_beside_itself(post: Callable[..., Any]) -> None:
    post({})
    IdempotencyKey.objects.update(status=None, effect="")
    assert post({}).status_code == 409


def test_a_request_whose_process_vanished_is_taken_over_after_a_while(
    post: Callable[..., Any], set_clock: Callable[..., None]
) -> None:
    post({})
    IdempotencyKey.objects.update(status=None, effect="")
    set_clock(NOW + timedelta(minutes=6))
    assert post({}).status_code == 201


def test_a_key_that_is_too_long_is_refused(post: Callable[..., Any]) -> None:
    assert post({}, key="k" * 256).status_code == 400
