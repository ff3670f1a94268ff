"""Calls, applications, reviews and accounts in bulk are answered as the reference portal was recorded to answer.

Truth: see ``tests/portal/test_recorded_interactions.py``, whose recordings these are. Where we answer something else on
purpose, ``JUSTIFIED`` says so and why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from rest_framework.test import APIClient

from armillary.accounts.models import User
from armillary.configuration import configuration
from armillary.portal.takeover.services import import_ocs

from .calls.conftest import _files_of_the_test, pdf_file  # noqa: F401  attached files go to a directory of the test
from .recording import Comparison, recorded
from .test_recorded_interactions import address  # noqa: F401  the services that the reference was recorded with

pytestmark = pytest.mark.django_db

HERE = re.compile(r"^/api/(scienceapplication|calls|users-bulk|invitations|proposals/[^/]+/invite)")
OURS = re.compile(r"/api/(scienceapplication|calls|users-bulk)")
JUSTIFIED = {
    r"\.pdf(_url)?: ": "attached files have an address that only those who may see them can read",
    r"\.tags: ": "tags that are left out of a form stay empty",
}


@pytest.fixture
def _surroundings(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: F811  the fixture of that name
    monkeypatch.setenv("ARMILLARY_CONFIGDB_URL", address)
    monkeypatch.setenv("ARMILLARY_DOWNTIME_URL", address)
    configuration.cache_clear()
    yield
    configuration.cache_clear()


def has_reversed_semester(entry: dict[str, Any]) -> bool:
    """Whether the recorded database holds, by chance, a semester that ends before it begins: ours cannot."""
    return any(
        item["fields"]["end"] <= item["fields"]["start"]
        for step in entry["steps"]
        for item in recorded("states")[step["state"]]
        if item["model"] == "proposals.semester"
    )


def entries() -> Iterator[Any]:
    for items in recorded("calls").values():
        for entry in items:
            calls = [call for step in entry["steps"] for call in step["calls"]]
            ours = any(OURS.match(call["path"]) for call in calls)
            if ours and entry["replayable"] and not has_reversed_semester(entry):
                yield pytest.param(entry, id=entry["test_id"].removeprefix("observation_portal."))


@pytest.mark.usefixtures("_surroundings")
@pytest.mark.parametrize("entry", list(entries()))
def test_a_recorded_call_is_answered_alike(entry: dict[str, Any], set_clock: Any) -> None:
    found: list[str] = []
    for step in entry["steps"]:
        with transaction.atomic():
            lines = list(replayed(step, set_clock))
            transaction.set_rollback(True)
        found += [line for line in lines if not any(re.search(pattern, line) for pattern in JUSTIFIED)]
    assert not found, "\n".join(found)


def replayed(step: dict[str, Any], set_clock: Any) -> Iterator[str]:
    cache.clear()
    state = recorded("states")[step["state"]]
    if step["calls"]:
        set_clock(datetime.fromisoformat(step["calls"][0]["now"]))
    import_ocs(state)
    comparison = Comparison({item["pk"] for item in state if isinstance(item["pk"], int)})
    client = APIClient()
    for call in step["calls"]:
        if HERE.search(call["path"]):
            set_clock(datetime.fromisoformat(call["now"]))
            yield from answered(client, call, comparison)


def answered(client: APIClient, call: dict[str, Any], comparison: Comparison) -> Iterator[str]:
    client.force_authenticate(User.objects.get(username=call["user"]) if call["user"] else None)
    answer = client.generic(call["method"], comparison.renamed(call["path"]), **body_of(call, comparison))
    expected = call["response"]
    where = f"{call['method']} {call['path']}"
    if answer.status_code != expected["status"]:
        content = b"" if answer.streaming else answer.content
        yield f"{where} $status: {expected['status']} -> {answer.status_code} {content[:400]!r}"
    elif "json" in expected:
        for place, wanted, got in comparison.differences(expected["json"], json.loads(answer.content), ordered=False):
            yield f"{where} {place}: {wanted!r} -> {got!r}"


def body_of(call: dict[str, Any], comparison: Comparison) -> dict[str, Any]:
    body = comparison.renamed(call.get("body"))
    if call.get("body_type") == "json":
        return {"data": json.dumps(body), "content_type": "application/json"}
    if call.get("body_type") == "multipart":
        fields = dict(body["fields"])
        for name, files in body["files"].items():
            # The recorded bytes are no PDF: the reference's reader of PDFs was replaced while they were recorded.
            fields[name] = [pdf_file(file["filename"]) for file in files]
        return {"data": encode_multipart(BOUNDARY, fields), "content_type": MULTIPART_CONTENT}
    return {}
