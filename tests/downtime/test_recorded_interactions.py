"""The downtime database answers as the reference was recorded to answer.

Truth: calls recorded while the test suite of the reference (2.4.4) ran; ``recorded/`` holds the state before a call,
the call, and the answer. The call on its admin page is left out: pages are our own. Everybody with an account could
declare downtimes there, so the accounts of the recording are granted it here.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from armillary.accounts.models import User
from armillary.accounts.services import create_user
from armillary.configdb.services import import_observatory
from armillary.downtime.models import Downtime

RECORDED = Path(__file__).parent / "recorded"
ENTRIES = [
    entry
    for entry in json.loads(gzip.decompress((RECORDED / "calls.json.gz").read_bytes()))
    if entry["replayable"] and "html-session" not in entry["needs"]
]

pytestmark = pytest.mark.django_db


@pytest.fixture
def configured(examples: Path) -> None:
    """The telescope that the recorded calls are about, in the place of the one that the example has."""
    document = json.loads((examples / "small_observatory.json").read_text())
    site = document["results"][0]
    site["code"] = "tst"
    enclosure = site["enclosure_set"][0]
    enclosure["code"] = "doma"
    enclosure["telescope_set"][0]["code"] = "1m0a"
    import_observatory(document)


def load_state(name: str) -> None:
    Downtime.objects.all().delete()
    User.objects.all().delete()
    rows = json.loads(gzip.decompress((RECORDED / "states" / f"{name}.json.gz").read_bytes()))
    for row in rows:
        fields = row["fields"]
        if row["model"] == "auth.user":
            user = create_user(fields["username"], is_staff=fields["is_staff"], is_superuser=fields["is_superuser"])
            user.user_permissions.add(Permission.objects.get(codename="add_downtime"))
        elif row["model"] == "schedule.downtime":
            Downtime.objects.create(id=row["pk"], **fields)


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["test_id"].split(".")[-1] for entry in ENTRIES])
def test_a_recorded_call_is_answered_alike(entry: dict[str, Any], set_clock: Callable[..., None]) -> None:
    for step in entry["steps"]:
        load_state(step["state"])
        for call in step["calls"]:
            set_clock(datetime.fromisoformat(call["now"]))
            client = APIClient()
            if call["user"]:
                client.force_authenticate(User.objects.get(username=call["user"]))
            body = {name: values[0] for name, values in call["body"]["fields"].items()}
            answer = client.post("/downtime" + call["path"], body, format="multipart")
            expected = call["response"]
            assert answer.status_code == expected["status"], answer.content
            assert says_the_same(expected["json"], answer.json())


def says_the_same(expected: dict[str, Any], found: dict[str, Any]) -> bool:
    """Ids of new rows are our own; sentences of refusals may go on to say what would be accepted."""
    assert list(expected) == list(found)
    for name, value in expected.items():
        if isinstance(value, list):
            assert [mine.startswith(theirs) for mine, theirs in zip(found[name], value, strict=True)] == [True]
        elif name != "id":
            assert found[name] == value
    return True
