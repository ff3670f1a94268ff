"""A small portal with an astronomer, an operator and time to spend; the observatory is the small example."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from observatories import describe_observatory
from rest_framework.test import APIClient

from armillary.configuration import Component, configuration

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # an hour or two before dusk at the example's site in southern Spain
IMAGER = "0M6-IMAGER-CCD"
PLACE = {"site": "exh", "enclosure": "doma", "telescope": "0m6a"}


@pytest.fixture
def clock_at(set_clock: Callable[..., None]) -> Callable[[datetime], None]:
    """Set the clock to a moment, where it stands still."""
    return set_clock


@pytest.fixture
def world(db: None, clock_at: Callable[[datetime], None]) -> dict[str, Any]:
    """Semester, proposal with 100 hours of everything, an astronomer who leads it, and an operator."""
    from armillary.accounts.services import create_user
    from armillary.portal.proposals.services import TimeGrant, create_proposal, create_semester

    del db
    clock_at(NOW)
    if configuration().runs(Component.CONFIGDB):
        describe_observatory()
    astronomer = create_user("hypatia", email="hypatia@alexandria.example", password="a long password")
    operator = create_user("operator", email="operator@exh.example", is_staff=True, staff_view=True)
    semester = create_semester("2026B", datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
    proposal = create_proposal(
        "P1",
        title="Variable stars",
        pi=astronomer,
        semester=semester,
        hours=TimeGrant(std_h=100, rr_h=100, tc_h=100, realtime_h=100),
        instrument_types=[[IMAGER], ["0M6-SPECTRO-LOWRES"]],
    )
    return {"astronomer": astronomer, "operator": operator, "semester": semester, "proposal": proposal}


def client_of(user: Any) -> APIClient:
    client = APIClient()
    if user is not None:
        client.force_authenticate(user)
    return client


@pytest.fixture
def astronomer(world: dict[str, Any]) -> APIClient:
    """The API as the astronomer."""
    return client_of(world["astronomer"])


@pytest.fixture
def operator(world: dict[str, Any]) -> APIClient:
    """The API as staff that sees everything."""
    return client_of(world["operator"])


_GROUP: dict[str, Any] = {
    "name": "M 15",
    "proposal": "P1",
    "ipp_value": 1.0,
    "operator": "SINGLE",
    "observation_type": "NORMAL",
    "requests": [
        {
            "location": {"telescope_class": "0m6"},
            "windows": [{"start": "2026-11-23T16:00:00Z", "end": "2026-11-26T16:00:00Z"}],
            "configurations": [
                {
                    "type": "EXPOSE",
                    "instrument_type": IMAGER,
                    "target": {"type": "ICRS", "name": "M 15", "ra": 322.493, "dec": 12.167},
                    "constraints": {"max_airmass": 2.0, "min_lunar_distance": 10.0},
                    "instrument_configs": [
                        {"exposure_time": 30, "exposure_count": 2, "optical_elements": {"filter": "V"}}
                    ],
                    "acquisition_config": {},
                    "guiding_config": {},
                }
            ],
        }
    ],
}


@pytest.fixture
def group() -> dict[str, Any]:
    """A request group that the rules accept, to change and submit."""
    return copy.deepcopy(_GROUP)


@pytest.fixture
def submitted(astronomer: APIClient, group: dict[str, Any]) -> dict[str, Any]:
    """A submitted request group, as the portal answered."""
    answer = astronomer.post("/api/requestgroups/", group)
    assert answer.status_code == 201, answer.json()
    return dict(answer.json())


def wish(submitted: dict[str, Any], start: datetime, minutes: float = 10, **changes: Any) -> dict[str, Any]:
    """An observation of a group's first request, as a scheduler posts it."""
    request = submitted["requests"][0]
    return {
        "request": request["id"],
        **PLACE,
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=minutes)).isoformat(),
        "configuration_statuses": [
            {"configuration": item["id"], "instrument_name": "im01", "guide_camera_name": "gd01"}
            for item in request["configurations"]
        ],
    } | changes


NIGHT = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


class Receiver:
    """A program of somebody's, at an address of this machine."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append((dict(self.headers.items()), body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("ARMILLARY_WEBHOOKS_INTO_PRIVATE_NETWORKS", "true")
    configuration.cache_clear()
    found = Receiver()
    yield found
    found.close()
    configuration.cache_clear()
