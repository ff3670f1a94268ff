"""``armillary scheduler solve``: real files, judged by a checker that shares nothing with the kernel."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from schedule_checker import check, read
from typer.testing import CliRunner

from armillary.cli.main import application

DATA = Path(__file__).parent / "data"

# The best values: each equals the bound of an independent linear programme over the same instance.
BEST = {"t01_m0100_d7": 54488.28, "t03_m0500_d7": 189898.28, "t03_m0500_d7_tc": 2714263.0}


def run(instance: Path, out: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(application, ["scheduler", "solve", str(instance), "--out", str(out), *options])
    return result.exit_code, result.output


@pytest.mark.parametrize("name", BEST)
def test_an_instance_is_solved_to_its_known_best_value_and_the_file_passes_the_checker(
    name: str, tmp_path: Path
) -> None:
    instance, out = DATA / f"{name}.json.gz", tmp_path / "schedule.json"
    # Compiling the search counts as CPU time too, where it has not been compiled before.
    code, output = run(instance, out, "--time-limit", "240")
    assert code == 0, output
    schedule = read(out)
    faults, value = check(read(instance), schedule)
    assert faults == []
    assert value == pytest.approx(BEST[name], rel=1e-7)
    meta = schedule["meta"]
    assert meta["stop"] == "optimal"
    assert meta["bound"] == pytest.approx(BEST[name], rel=1e-6)
    assert (meta["gap"] < 1e-6, meta["seed"], meta["scheduled"]) == (True, 0, len(schedule["entries"]))
    assert {"iterations", "cpu_s", "wall_s"} <= set(meta)
    assert "optimal" in output


def test_without_time_there_is_still_a_feasible_plan_with_a_bound(tmp_path: Path) -> None:
    instance, out = DATA / "t01_m0100_d7.json.gz", tmp_path / "schedule.json"
    assert run(instance, out, "--time-limit", "0")[0] == 0
    schedule = read(out)
    faults, value = check(read(instance), schedule)
    assert faults == []
    assert 0 < value <= BEST["t01_m0100_d7"] + 0.01  # the known value is rounded
    assert value <= schedule["meta"]["bound"]


def test_a_target_gap_is_enough(tmp_path: Path) -> None:
    instance, out = DATA / "t01_m0100_d7.json.gz", tmp_path / "schedule.json"
    assert run(instance, out, "--target-gap", "0.05")[0] == 0
    assert read(out)["meta"]["gap"] <= 0.05


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "sched-instance/2"}, "format"),
        ({"reservations": [{"id": 1, "duration": -5, "priority": 1, "windows": {}}]}, "duration_s of reservation 1"),
        ({"reservations": [{"id": 1, "priority": 1, "windows": {}}]}, "reservations.0.duration"),
        ({"reservations": [{"id": 1, "duration": 5, "priority": 1, "windows": {"x": [[0, 9]]}}]}, "'x'"),
        ({"groups": [{"id": 1, "type": "and", "members": [7]}]}, "7"),
    ],
)
def test_a_broken_instance_is_refused_with_the_place_of_the_fault_and_nothing_is_written(
    change: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    instance, out = tmp_path / "broken.json", tmp_path / "schedule.json"
    whole = {"format": "sched-instance/1", "resources": {"tel": {"windows": [[0, 100]]}}, "reservations": []}
    instance.write_text(json.dumps(whole | change))
    code, output = run(instance, out)
    assert code == 1
    assert sentence in output.replace("\n", "")
    assert not out.exists()


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    instance = tmp_path / "cut.json.gz"
    instance.write_bytes(gzip.compress(b"{}" * 500)[:20])
    code, output = run(instance, tmp_path / "schedule.json")
    assert code == 1
    assert "cut.json.gz" in output.replace("\n", "")


def test_what_the_kernel_knows_beyond_the_format_can_be_stated(tmp_path: Path) -> None:
    instance, out = tmp_path / "more.json", tmp_path / "schedule.json"
    window = {"tel": [[0, 100]]}
    instance.write_text(
        json.dumps(
            {
                "format": "sched-instance/1",
                "resources": {"tel": {"windows": [[0, 100]], "gap": 2, "setup_change": [["r", "b", 5], ["b", "r", 5]]}},
                "reservations": [
                    {"id": 1, "duration": 10, "priority": 9, "windows": window, "setup": "r", "charges": {"P": 10}},
                    {"id": 2, "duration": 10, "priority": 8, "windows": window, "setup": "b", "charges": {"P": 10}},
                    {"id": 3, "duration": 10, "priority": 7, "windows": window, "setup": "b", "charges": {"P": 10}},
                ],
                "groups": [],
                "fixed": [{"resource": "tel", "start": 0, "end": 20, "setup": "r"}],
                "allocations": {"P": 20},
                "spacings": [{"first": 1, "second": 2, "minimum": 40}],
            }
        )
    )
    assert run(instance, out)[0] == 0
    assert read(out)["entries"] == [[1, "tel", 22.0], [2, "tel", 62.0]]
