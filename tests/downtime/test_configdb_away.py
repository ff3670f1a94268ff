"""Without the configuration database nothing is declared, and everything is read."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from rest_framework.test import APIClient

from armillary.clients.configdb import ConfigDBClient
from armillary.clients.transport import connect
from armillary.downtime import services
from armillary.downtime.models import Downtime

pytestmark = pytest.mark.django_db

TONIGHT = {
    "start": "2026-11-23T20:00:00Z",
    "end": "2026-11-23T22:00:00Z",
    "site": "exh",
    "enclosure": "doma",
    "telescope": "0m6a",
}


@pytest.mark.usefixtures("small")
def test_declaring_answers_503_with_a_sentence_and_reading_and_rewording_go_on(
    operator: APIClient, visitor: APIClient, monkeypatch: pytest.MonkeyPatch, set_clock: Callable[..., None]
) -> None:
    set_clock(datetime(2026, 11, 23, 12, tzinfo=UTC))
    made = operator.post("/downtime/api/", TONIGHT).json()
    nowhere = f"http://127.0.0.1:{free_port()}/"
    monkeypatch.setattr(
        services, "_observatory", lambda: ConfigDBClient(connect("configdb", url=nowhere)).observatory()
    )
    refused = operator.post("/downtime/api/", TONIGHT)
    assert refused.status_code == 503
    assert "configdb service is unavailable" in refused.json()["detail"]
    assert refused["Retry-After"]
    address = f"/downtime/api/{made['id']}/"
    assert operator.patch(address, {"start": "2026-11-23T21:00:00Z"}).status_code == 503
    assert visitor.get("/downtime/api/").json()["count"] == 1
    assert operator.patch(address, {"reason": "wind"}).status_code == 200
    assert operator.delete(address).status_code == 204
    assert not Downtime.objects.exists()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_nothing_listens_at_the_address_of_the_test() -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{free_port()}/")
