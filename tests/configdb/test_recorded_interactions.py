"""The configuration database answers as the reference was recorded to answer.

Truth: calls recorded while the test suite of the reference (3.0.8) ran; ``recorded/`` holds the state before a call,
the call, and the answer. What the reference sends to an observatory aggregator (HEROIC) is not compared: we do not.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary.accounts.models import User

from .recorded_states import RECORDED, load_state

ENTRIES = [
    entry for entry in json.loads(gzip.decompress((RECORDED / "calls.json.gz").read_bytes())) if entry["replayable"]
]

pytestmark = [pytest.mark.django_db, pytest.mark.urls("armillary.configdb.urls")]


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["test_id"].split(".")[-1] for entry in ENTRIES])
def test_a_recorded_call_is_answered_alike(entry: dict[str, Any], set_clock: Callable[..., None]) -> None:
    for step in entry["steps"]:
        load_state(step["state"])
        new = set(step["next_ids"].values())
        for call in step["calls"]:
            set_clock(datetime.fromisoformat(call["now"]))
            answer = _send(call)
            expected = call["response"]
            assert answer.status_code == expected["status"], answer.content
            if "json" in expected:
                assert list(_differences(expected["json"], json.loads(answer.content), new)) == []
            else:
                assert answer.content.decode() == expected["text"]


def _send(call: dict[str, Any]) -> Any:
    client = APIClient()
    if call["user"]:
        client.force_authenticate(User.objects.get(username=call["user"]))
    data: dict[str, Any] = {}
    if call.get("body_type") == "multipart":
        data = {"data": call["body"]["fields"], "format": "multipart"}
    elif call.get("body_type") == "json":
        data = {"data": call["body"], "format": "json"}
    return getattr(client, call["method"].lower())(call["path"], **data)


def _differences(expected: Any, found: Any, new: set[int], path: str = "$") -> Iterator[tuple[str, Any, Any]]:
    """Where an answer is not the recorded one; ids of new rows are our own, and sentences may say more."""
    if isinstance(expected, dict) and isinstance(found, dict):
        assert [key for key in found if key in expected] == list(expected), path
        for key, value in expected.items():
            yield from _differences(value, found[key], new, f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _differences(one, other, new, f"{path}[{number}]")
    elif isinstance(expected, float) and isinstance(found, float):
        if found != pytest.approx(expected, rel=1e-9):
            yield path, expected, found
    elif not (expected == found or (path.endswith(".id") and expected in new)):
        yield path, expected, found
