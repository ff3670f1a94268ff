"""The commands replay and simulate, as a person calls them."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from armillary.cli.main import application

if TYPE_CHECKING:
    from conftest import World

Ask = Callable[..., dict[str, Any]]


def command(*arguments: str) -> Any:
    return CliRunner().invoke(application, ["scheduler", *arguments])


@pytest.mark.django_db
def test_a_run_is_replayed_from_its_file_and_a_changed_file_is_found_out(world: World, ask: Ask) -> None:
    submitted = world.astronomer().submit(ask())
    loop = world.loop()
    loop.step()
    document = loop.status.document
    same = command("replay", str(document), "--request", str(submitted.requests[0].id))
    assert same.exit_code == 0, same.output
    assert "the same plan" in same.output
    assert "scheduled" in same.output

    content = json.loads(gzip.decompress(document.read_bytes()))
    content["phases"][0]["plan"]["entries"][0][2] += 60.0
    changed = document.with_name("changed.json")
    changed.write_text(json.dumps(content), encoding="utf-8")
    other = command("replay", str(changed), "--json")
    assert other.exit_code == 1
    assert json.loads(other.output)["phases"][0]["differences"]


def test_a_file_that_is_no_run_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("{}", encoding="utf-8")
    refused = command("replay", str(path))
    assert refused.exit_code != 0
    assert "is not the document of a run" in refused.output


def test_an_unknown_weather_is_refused_with_those_that_there_are(tmp_path: Path, examples: Path) -> None:
    sites = json.loads((examples / "small_observatory.json").read_text(encoding="utf-8"))["results"]
    world = {
        "format": "armillary-world/1", "at": "2026-11-23T15:00:00Z", "sites": sites, "groups": [], "proposals": {},
        "downtimes": [], "semesters": [], "time_overuse_allowance": 1.0,
    }  # fmt: skip
    path = tmp_path / "world.json"
    path.write_text(json.dumps(world), encoding="utf-8")
    refused = command("simulate", "--world", str(path), "--weather", "apocalyptic")
    assert refused.exit_code != 0
    assert "clear, average, poor" in refused.output.replace("\n", " ")
    played = command(
        *("simulate", "--world", str(path), "--weather", "clear", "--nights", "1", "--seeds", "1", "--jobs", "1"),
        *("--out", str(tmp_path / "out"), "--save-world", str(tmp_path / "saved.json.gz")),
    )
    assert played.exit_code == 0, played.output
    assert (tmp_path / "out" / "report.html").exists()
    assert (tmp_path / "saved.json.gz").exists()


def test_a_port_that_is_taken_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    import typer

    from armillary.cli.commands.scheduler import _serve_metrics

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(typer.Exit):
            _serve_metrics("127.0.0.1", taken.getsockname()[1])
    assert "choose another port" in capsys.readouterr().err


def test_the_help_names_the_extra_that_a_cluster_needs() -> None:
    assert "armillary[dask]" in command("simulate", "--help").output
