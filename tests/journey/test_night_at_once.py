"""The whole thread, from a request to a downloaded file, in one process and in four services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from demonstration import night_at_once

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journey")]


def _by_title(report: dict[str, Any], words: str) -> dict[str, Any]:
    return next(group for group in report["request_groups"] if words in group["title"])


def _assert_a_whole_night(report: dict[str, Any], loser: tuple[str, ...] = ("WINDOW_EXPIRED",)) -> None:
    states = {group["name"]: group["state"] for group in report["request_groups"]}
    assert report["problems"] == []
    assert _by_title(report, "standard star")["state"] == "COMPLETED"
    assert _by_title(report, "planetary nebula")["state"] == "COMPLETED"
    assert _by_title(report, "spectrum")["state"] == "COMPLETED", states
    assert _by_title(report, "will not wait")["state"] == "COMPLETED"
    assert _by_title(report, "loses")["state"] in loser
    refused = _by_title(report, "never rises")
    assert refused["state"] == "REFUSED"
    assert "not be visible" in str(refused["reason"])
    assert all(frame["checksum_agrees"] and frame["bytes"] > 10_000 for frame in report["frames"])
    assert report["time_charged_h"]["std"] > 0.3
    assert report["time_charged_h"]["tc"] > 0.1
    assert report["mails"] >= 4


def _assert_nothing_was_observed_twice(report: dict[str, Any]) -> None:
    for group in report["request_groups"]:
        for request in group.get("requests", ()):
            completed = [it for it in request["observations"] if it["state"] == "COMPLETED"]
            assert len(completed) == (1 if request["state"] == "COMPLETED" else 0), request
    names = [frame["filename"] for frame in report["frames"]]
    assert len(names) == len(set(names))


@pytest.mark.once
def test_a_night_in_one_process_ends_with_every_request_settled_and_every_frame_downloadable(tmp_path: Path) -> None:
    report = night_at_once(tmp_path)
    _assert_a_whole_night(report)
    _assert_nothing_was_observed_twice(report)
    star = _by_title(report, "standard star")["requests"][0]["id"]
    filters = {frame["filter"] for frame in report["frames"] if frame["request_id"] == star}
    assert len(filters) == 3


def test_the_same_night_passes_with_four_services_on_four_ports_with_four_databases(tmp_path: Path) -> None:
    report = night_at_once(tmp_path, "--separate")
    assert report["separate_services"] is True
    _assert_a_whole_night(report)
    _assert_nothing_was_observed_twice(report)


@pytest.mark.once
def test_a_night_of_the_network_of_seven_sites_and_twenty_three_telescopes(tmp_path: Path, examples: Path) -> None:
    report = night_at_once(tmp_path, "--observatory", str(examples / "network_observatory.json"))
    assert len(report["observatory"]) == 7
    _assert_a_whole_night(report, loser=("WINDOW_EXPIRED", "COMPLETED"))  # another telescope may be free then
    _assert_nothing_was_observed_twice(report)
