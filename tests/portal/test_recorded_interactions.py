"""The portal answers as the reference portal was recorded to answer.

Truth: calls recorded while the test suite of the reference portal (4.18.9) ran, and further questions that were put to
its server. Each entry holds the state of its database, which is taken over as ``armillary import-ocs`` takes over a
dump, then the calls and their answers. Where we answer something else on purpose, ``JUSTIFIED`` says so and why;
``docs/explanation/differences-from-ocs.md`` tells the same to people.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from rest_framework.test import APIClient

from armillary.accounts.models import User
from armillary.configuration import configuration
from armillary.portal.takeover.services import import_ocs

from .recording import Comparison, Difference, recorded

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@dataclass(frozen=True)
class Justified:
    """A difference from the recorded answers that is meant."""

    where: str
    """Pattern of: test, method, address, place in the answer, and after a colon what was expected and what came."""
    why: str


_RISING = "rising, setting and twilight are exact; the reference's are wrong by up to minutes"
_SECONDS = r": '?[\d.T:-]+'? -> '?[\d.T:-]+'?$"
_MORE = "a refusal goes on to say what would be accepted"
_REFUSED = r": \(?[\"'](?P<said>.{12,}?)[.\\n ]*[\"'] -> [\"'](?P=said)"
_OVERLAP = "two observations on one telescope at the same time are refused"
_WHOLE = "what a refusal says is said in one way, wherever it is said"

JUSTIFIED = (
    Justified(rf"POST /api/airmass/ \$\.airmass_data\.\w+\.(times|airmasses)\[\d+\]{_SECONDS}", _RISING),
    Justified(rf"GET /api/requests/\d+/airmass/\S* \$\.airmass_data\.\w+\.(times|airmasses)\[\d+\]{_SECONDS}", _RISING),
    Justified(rf"GET /api/pressure/\S* \$\.site_nights\[\d\]\.(start|stop){_SECONDS}", _RISING),
    Justified(
        rf"POST /api/requestgroups/ \$\.requests\[0\]\.(duration|configurations\[0\]\.repeat_duration){_SECONDS}",
        _RISING,
    ),
    Justified(r"POST /api/requestgroups/ \$\.requests\[0\]\.non_field_errors\[0\]: 'According .* -> 'According", _MORE),
    Justified(rf"POST /api/(requestgroups|schedule|configurations/dither)/ \$\.\S+\[0\]{_REFUSED}", _MORE),
    Justified(r"POST /api/requestgroups/ \$\.non_field_errors\[0\]: .TimeAllocationError", _MORE),
    Justified(r"POST /api/requestgroups/ \$\.non_field_errors\[0\]: 'A Rapid Response .* -> 'A Rapid Response", _MORE),
    Justified(r"\$\.non_field_errors\[0\]: \"You do not have sufficient .* -> 'You do not have sufficient", _MORE),
    Justified(r"instrument_type\[0\]: 'Invalid Instrument Type .* -> 'Invalid instrument type .*Valid", _MORE),
    Justified(
        r"\$\.requests\[0\]\.non_field_errors\[0\]: \"Invalid instrument type .* -> \"Invalid instrument type", _MORE
    ),
    Justified(r"test_many_missing_required_fields .*\.non_field_errors\[1\]: '\(missing\)'", "all mistakes at once"),
    Justified(r"POST /api/(observations|schedule)/ \$status: 201 -> '400 .*overlaps observation \d+ on", _OVERLAP),
    Justified(r"test_last_schedule_date_is_updated_when_multiple_direct\S* GET /api/last_scheduled/", _OVERLAP),
    Justified(r"observations-list.12 .*\$status: 201 -> .*configuration.*required", "a status that belongs to nothing"),
    Justified(
        r"POST /api/schedule/ \$status: 201 -> .*epoch .a Julian year", "an epoch before the calendar is a mistake"
    ),
    Justified(
        r"hour_angle_missing_required_fields POST /api/schedule/ .*\[0\]\.(hour_angle|dec): .*missing",
        "the refusal stands on the target, whose field it is",
    ),
    Justified(r"max_allowable_ipp/ \$\.errors\.proposal\[0\]: .Invalid pk .* -> 'Incorrect type", _WHOLE),
    Justified(
        r"requestgroups/\d+/cancel/ \$\.requests\[\d\]\.state: 'PENDING' -> 'CANCELED'",
        "the answer shows the new state of the requests, not the one before the call",
    ),
    Justified(
        r" \$(\.results\[\d+\])?(\.requests\[\d\])?\.duration: (None|-\d+) -> \d+$",
        "a request that lacks parts has the same duration in both flavours, and never less than none",
    ),
    Justified(
        r"POST /api/requests/mosaic/ \$\.configurations\[\d\]\.priority: 1 -> \d+$",
        "configurations are numbered, as they will be when the mosaic is submitted",
    ),
    Justified(
        r"GET /api/requestgroups/\?order=end \$\.results\[\d\]: .* -> '\(missing\)'",
        "a group is listed once, not once for each of its windows",
    ),
    Justified(
        r"GET /api/(memberships|profile)/\S* \$\S*\.time_used(_by_user)?: 0 -> 236.0$",
        "direct observations count as time used",
    ),
    Justified(r"\.(time_used\w*|All Proposals): \d{11,}(\.\d)? -> 0.0$", "no request takes longer than 68 years"),
    Justified(
        r"PATCH /api/profile/ (\$\.profile\.staff_view: False -> True|\$status: 200 -> .400 .*may not be blank)",
        "the answer to a change shows the change; an e-mail address cannot be taken away",
    ),
    Justified(
        r"test_accept_pending_proposal_invites_on_account_creation GET /api/invitations/",
        "follows from a call that is left to the tests of accounts",
    ),
)
"""Every entry is needed: :func:`test_every_justified_difference_is_still_there` says which is not."""

ELSEWHERE = re.compile(r"^/api/(scienceapplication|calls|users-bulk)|^/(apply|admin)/")
"""Calls whose answers are tested with the applications for time and with accounts."""

ETAG = '"as recorded"'

TABLES = {
    f"armillary_portal_{name}"
    for name in ("requestgroup", "request", "configuration", "observation", "configurationstatus")
}

PROGRAM, BROWSER = APIClient(), APIClient()
"""Made once: each reads all static files when it is first used."""

_used: set[Justified] = set()
_run: set[str] = set()


def entries() -> Iterator[Any]:
    """The recorded tests that have calls to replay here."""
    for module, items in recorded("calls").items():
        for entry in items:
            calls = [call for step in entry["steps"] for call in step["calls"]]
            if entry["replayable"] and not all(ELSEWHERE.search(call["path"]) for call in calls):
                name = entry["test_id"].removeprefix("observation_portal.")
                yield pytest.param(entry, id=name if module != "derived" else f"derived.{name}")


ENTRIES = list(entries())


class Surroundings(BaseHTTPRequestHandler):
    """The services that the reference was recorded with: its observatory, and the downtimes that a test names."""

    downtimes: ClassVar[list[dict[str, Any]]] = []
    refuses: ClassVar[bool] = False
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/sites"):
            known = self.headers.get("If-None-Match") == ETAG
            self._answer(304 if known else 200, None if known else recorded("configdb"))
        else:
            found = self.downtimes
            self._answer(200, {"count": len(found), "next": None, "previous": None, "results": found})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.refuses:
            return self._answer(500, {"detail": "refused"})
        self.downtimes.append({"instrument_type": "", **body, "id": len(self.downtimes) + 1})
        return self._answer(201, self.downtimes[-1])

    def do_DELETE(self) -> None:
        number = int(self.path.rstrip("/").rsplit("/", 1)[-1])
        self.downtimes[:] = [item for item in self.downtimes if item["id"] != number]
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("ETag", ETAG)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Surroundings)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def surroundings(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ARMILLARY_CONFIGDB_URL", address)
    monkeypatch.setenv("ARMILLARY_DOWNTIME_URL", address)
    configuration.cache_clear()
    yield
    configuration.cache_clear()


def arrange(entry: dict[str, Any]) -> None:
    """Downtimes as the recorded test patched them."""
    Surroundings.downtimes = []
    Surroundings.refuses = False
    for mock in entry.get("mocks", ()):
        if mock["target"].endswith("_get_downtime_data"):
            Surroundings.downtimes = [dict(item, id=index + 1) for index, item in enumerate(mock["return_value"])]
        if mock["target"].endswith("create_downtime_interval"):
            Surroundings.refuses = "side_effect" in mock


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_recorded_call_is_answered_alike(entry: dict[str, Any], set_clock: Any) -> None:
    arrange(entry)
    _run.add(entry["test_id"])
    found: list[str] = []
    for step in entry["steps"]:
        cache.clear()
        with transaction.atomic():
            found += [
                where[:600] for where in replayed(step, set_clock) if not is_justified(f"{entry['test_id']} {where}")
            ]
            transaction.set_rollback(True)
    assert not found, "\n".join(found)


def is_justified(where: str) -> bool:
    reasons = [item for item in JUSTIFIED if re.search(item.where, where)]
    _used.update(reasons)
    return bool(reasons)


def replayed(step: dict[str, Any], set_clock: Any) -> Iterator[str]:
    """Take over the state, repeat the calls, and tell where the answers differ."""
    state = recorded("states")[step["state"]]
    if step["calls"]:
        set_clock(datetime.fromisoformat(step["calls"][0]["now"]))
    import_ocs(state)
    number_from(step["next_ids"])
    comparison = Comparison({item["pk"] for item in state if isinstance(item["pk"], int)})
    BROWSER.cookies.clear()
    for call in step["calls"]:
        set_clock(datetime.fromisoformat(call["now"]))
        if not ELSEWHERE.search(call["path"]):
            for place, expected, got in answered(call, comparison):
                yield f"{call['method']} {call['path']} {place}: {expected!r} -> {got!r}"


def number_from(next_ids: dict[str, int]) -> None:
    """New rows get the recorded ids: a later call may name one that no answer told."""
    with connection.cursor() as cursor:
        for model, number in next_ids.items():
            table = f"armillary_portal_{model.split('.')[1]}"
            if not model.startswith(("requestgroups.", "observations.")) or table not in TABLES:
                continue
            if connection.vendor == "sqlite":
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, number - 1])
            else:
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", [table, number])


def answered(call: dict[str, Any], comparison: Comparison) -> list[Difference]:
    """Repeat one call: where its answer differs."""
    user = User.objects.get(username=call["user"]) if call["user"] else None
    client = BROWSER if user is None or not call["path"].startswith("/api/") else PROGRAM
    if client is PROGRAM:
        PROGRAM.force_authenticate(user)
    elif user is not None:
        BROWSER.force_login(user)
    answer = client.generic(call["method"], comparison.renamed(call["path"]), **body_of(call, comparison))
    expected = call["response"]
    if answer.status_code != expected["status"]:
        return [("$status", expected["status"], f"{answer.status_code} {answer.content[:300]!r}")]
    if "json" not in expected:
        return []
    ordered = re.search(r"[?&]order(ing)?=", call["path"]) is not None
    return comparison.differences(expected["json"], json.loads(answer.content), ordered=ordered)


def body_of(call: dict[str, Any], comparison: Comparison) -> dict[str, Any]:
    """The body of a call, as the test client takes it."""
    body = comparison.renamed(call.get("body"))
    if call.get("body_type") == "json":
        return {"data": json.dumps(body), "content_type": "application/json"}
    if call.get("body_type") == "form":
        pairs = [(key, value) for key, values in body.items() for value in values]
        return {"data": urlencode(pairs), "content_type": "application/x-www-form-urlencoded"}
    if call.get("body_type") == "multipart":
        assert not body["files"]
        return {"data": encode_multipart(BOUNDARY, body["fields"]), "content_type": MULTIPART_CONTENT}
    return {}


def test_every_justified_difference_is_still_there() -> None:
    if len(_run) < len({entry.values[0]["test_id"] for entry in ENTRIES}):
        pytest.skip("only a part of the recordings was replayed")
    assert [item.where for item in JUSTIFIED if item not in _used] == []
