"""What there is to choose from is always what occurs among the frames, whatever happened to them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary.archive.models import Frame, OccurringValue
from armillary.archive.services.delete_frames import delete_frames
from armillary.archive.services.occurring import rebuild_occurring_values

pytestmark = pytest.mark.django_db


def _listed() -> set[tuple[Any, ...]]:
    return set(OccurringValue.objects.values_list("column", "value", "proposal_id", "public_from"))


@pytest.mark.parametrize("seed", range(3))
def test_the_list_is_what_a_count_of_everything_gives(
    seed: int, web: APIClient, record: Callable[..., dict[str, Any]]
) -> None:
    chance = random.Random(seed)  # noqa: S311  repeatable, not secret
    bodies: list[dict[str, Any]] = []

    def some(**fixed: Any) -> dict[str, Any]:
        return {
            "proposal_id": chance.choice(["p1", "p2"]), "site_id": chance.choice(["tst", "coj", ""]),
            "primary_optical_element": chance.choice(["B", "V"]), "instrument_id": chance.choice(["kb01", "kb02"]),
            "public_date": chance.choice(["2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z", None]),
        } | fixed  # fmt: skip

    for _ in range(25):
        action = chance.choice(["post", "post", "post again", "patch", "delete", "without data"])
        if action in {"post", "without data"} or not bodies:
            bodies.append(record(**some(**({"version_set": []} if action == "without data" else {}))))
            assert web.post("/frames/", bodies[-1]).status_code == 201
        elif action == "post again":
            again = record(chance.choice(bodies)["basename"], **some())
            assert web.post("/frames/", again).status_code == 201
        elif action == "patch":
            key = Frame.objects.get(basename=chance.choice(bodies)["basename"]).pk
            assert web.patch(f"/frames/{key}/", some()).status_code == 200
        else:
            gone = bodies.pop(chance.randrange(len(bodies)))
            assert delete_frames(Frame.objects.filter(basename=gone["basename"])) == 1
        listed = _listed()
        rebuild_occurring_values()
        assert listed == _listed()


def test_a_stranger_chooses_from_public_frames_only(
    web: APIClient, stranger: APIClient, record: Callable[..., dict[str, Any]]
) -> None:
    web.post("/frames/", record(proposal_id="open", site_id="tst", public_date="2020-01-01T00:00:00Z"))
    web.post("/frames/", record(proposal_id="closed", site_id="coj"))
    assert stranger.get("/frames/aggregate/").json()["sites"] == ["tst"]
    assert web.get("/frames/aggregate/").json()["sites"] == ["coj", "tst"]


@pytest.mark.parametrize("timeout", ["0", "2000", "20000"])
def test_a_timeout_is_accepted_and_not_needed(stranger: APIClient, timeout: str) -> None:
    assert stranger.get(f"/frames/aggregate/?query_timeout={timeout}").status_code == 200


@pytest.mark.parametrize("timeout", ["-1", "soon", "20001"])
def test_a_timeout_that_makes_no_sense_is_refused(stranger: APIClient, timeout: str) -> None:
    answer = stranger.get(f"/frames/aggregate/?query_timeout={timeout}")
    assert (answer.status_code, list(answer.json())) == (400, ["query_timeout"])
