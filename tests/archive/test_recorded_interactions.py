"""The archive answers as the reference archive was recorded to answer.

Truth: calls recorded while the test suite of the reference archive (2.7.2) ran: ``recorded/`` holds the state before a
call, the call, and the answer. Nothing in those states has bytes, so a zip is answered with the list of what it would
hold, as by the reference (which leaves the making of it to a module of nginx).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary.accounts.models import User
from armillary.accounts.services import api_token, create_user
from armillary.archive.models import Frame, Headers, StoredFile, Thumbnail, Version
from armillary.archive.services.save_frame import NewFrame, sky_columns
from armillary.archive.sky.words import region_from_text

RECORDED = Path(__file__).parent / "recorded"
ENTRIES = [
    entry for entry in json.loads(gzip.decompress((RECORDED / "frames.json.gz").read_bytes())) if entry["replayable"]
]
STAMPS = {"created", "generated_at"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def state(members: Callable[..., None]) -> Callable[[str], None]:
    """Load a recorded state of the reference's database."""

    def load(name: str) -> None:
        for model in (Thumbnail, Version, Headers, Frame, StoredFile):
            model.objects.all().delete()
        rows = json.loads(gzip.decompress((RECORDED / "states" / f"{name}.json.gz").read_bytes()))
        links = []
        for row in rows:
            fields, key = row["fields"], row["pk"]
            if row["model"] == "frames.frame":
                links += [(key, other) for other in fields.pop("related_frames")]
                Frame.objects.create(id=key, has_versions=False, **fields | _sky(fields.pop("area")))
            elif row["model"] == "frames.version":
                Version.objects.create(id=key, frame_id=fields.pop("frame"), **fields)
                Frame.objects.filter(version=key).update(has_versions=True)
            elif row["model"] == "frames.headers":
                Headers.objects.create(id=key, frame_id=fields["frame"], data=fields["data"])
            elif row["model"] == "frames.thumbnail":
                Thumbnail.objects.create(id=key, frame_id=fields.pop("frame"), **fields)
            elif row["model"] == "auth.user" and not User.objects.filter(username=fields["username"]).exists():
                user = create_user(fields["username"], is_superuser=fields["is_superuser"], is_staff=fields["is_staff"])
                members(user, "prop1")
        through = Frame.related_frames.through
        through.objects.bulk_create(
            [through(from_frame_id=start, to_frame_id=end) for start, end in links], ignore_conflicts=True
        )

    return load


@pytest.mark.parametrize("entry", ENTRIES, ids=[".".join(entry["test_id"].split(".")[-2:]) for entry in ENTRIES])
def test_a_recorded_call_is_answered_alike(
    entry: dict[str, Any], state: Callable[[str], None], set_clock: Callable[..., None]
) -> None:
    for step in entry["steps"]:
        state(step["state"])
        known = {*Frame.objects.values_list("id", flat=True), *Version.objects.values_list("id", flat=True)}
        names: dict[int, int] = {}
        for call in step["calls"]:
            set_clock(datetime.fromisoformat(call["now"]))
            client = APIClient()
            if call["user"]:
                client.force_authenticate(User.objects.get(username=call["user"]))
            body = {"data": _as_known_here(call["body"]), "format": "json"} if call.get("body") else {}
            answer = getattr(client, call["method"].lower())(_renamed(call["path"], names), **body)
            expected = call["response"]
            assert answer.status_code == expected["status"], answer.content
            if expected.get("text"):
                assert answer.content.decode().split() == expected["text"].split()
                assert answer["Content-Type"].partition(";")[0] == expected["content_type"].partition(";")[0]
            elif "json" in expected:
                differences = list(_differences(expected["json"], json.loads(answer.content), names, known))
                assert differences == []


def _as_known_here(body: dict[str, Any]) -> dict[str, Any]:
    """Tokens are our own: the recorded one is that of the only account there is."""
    return body | {"auth_token": api_token(User.objects.get())} if "auth_token" in body else body


def _renamed(path: str, names: dict[int, int]) -> str:
    """The ids of rows that an earlier call made are our own."""
    return re.sub(r"\d{6,}", lambda found: str(names.get(int(found[0]), found[0])), path)


def _sky(area: str | None) -> dict[str, Any]:
    if area is None:
        return {}
    text = area.removeprefix("SRID=4326;")
    ring = [[float(part) for part in pair.split()] for pair in text[text.index("((") + 2 : -2].split(",")]
    region: Any = region_from_text(text)
    new = NewFrame("", {}, {"type": "Polygon", "coordinates": [ring]}, region, {}, (), ())
    return sky_columns(new)


def _differences(
    expected: Any, found: Any, names: dict[int, int], known: set[int], path: str = "$"
) -> Iterator[tuple[str, Any, Any]]:
    """Where an answer is not the recorded one. Ids of new rows may differ, if they differ everywhere alike."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in _compared(expected):
            other = found.get(key, "missing")
            yield from _differences(expected[key], other, names, known, f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield path, expected, found
        for number, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from _differences(one, other, names, known, f"{path}[{number}]")
    elif isinstance(expected, int) and expected >= 100_000 and expected not in known and isinstance(found, int):
        if names.setdefault(expected, found) != found:
            yield path, expected, found
    elif not _alike(expected, found):
        yield path, expected, found


def _compared(expected: dict[str, Any]) -> set[str]:
    """The keys that must be equal: not times of writing, and not what the reference only estimated."""
    estimated = {"count", "next"} if expected.get("count_estimated") is True else set()
    return set(expected) - STAMPS - estimated


def _alike(expected: Any, found: Any) -> bool:
    if isinstance(expected, float) and isinstance(found, float):
        return found == pytest.approx(expected, rel=1e-6)
    return bool(_moment(expected) == _moment(found))


def _moment(value: Any) -> Any:
    """Recorded states hold milliseconds, recorded answers microseconds."""
    if isinstance(value, str) and len(value) >= 20 and value.endswith("Z"):
        moment = datetime.fromisoformat(value)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return value
