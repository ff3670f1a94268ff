"""The neutral file format for scheduling instances: ``sched-instance/1`` in, ``sched-schedule/1`` out."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any, Final

from armillary.scheduler.kernel import Group, GroupKind, Plan, Problem, Reservation, Resource, Windows, solve

_INSTANCE: Final = "sched-instance/1"
_SCHEDULE: Final = "sched-schedule/1"


class InstanceError(ValueError):
    """A file is not a scheduling instance."""


def read_instance(path: Path) -> tuple[str, Problem]:
    """The name and the problem of a file (``.json`` or ``.json.gz``)."""
    data = path.read_bytes()
    document: Any = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    if not isinstance(document, dict) or document.get("format") != _INSTANCE:
        raise InstanceError(f"{path} is not in the format {_INSTANCE!r}")
    resources = [Resource(name, each["windows"]) for name, each in document["resources"].items()]
    rows = document["reservations"]
    problem = Problem(
        resources=resources,
        reservations=[Reservation(each["id"], float(each["duration"]), float(each["priority"])) for each in rows],
        windows=Windows.from_mappings([each["windows"] for each in rows], resources),
        groups=[
            Group(each["id"], GroupKind(each["type"]), tuple(each["members"])) for each in document.get("groups", ())
        ],
    )
    return str(document.get("name", path.stem)), problem


def solve_file(instance: Path, out: Path, *, time_limit_s: float | None, seed: int, target_gap: float) -> Plan:
    """Solve an instance and write its schedule; the time limit is in CPU seconds."""
    name, problem = read_instance(instance)
    cpu, wall = time.process_time(), time.perf_counter()
    plan = solve(problem, seed=seed, cpu_limit_s=time_limit_s, target_gap=target_gap)
    document = {
        "format": _SCHEDULE,
        "instance": name,
        "solver": "armillary.scheduler.kernel",
        "entries": [[entry.reservation, entry.resource, entry.start_s] for entry in plan.entries],
        "meta": {
            "value": plan.value,
            "bound": plan.bound,
            "gap": plan.gap,
            "iterations": plan.iterations,
            "stop": plan.stop,
            "cpu_s": time.process_time() - cpu,
            "wall_s": time.perf_counter() - wall,
        },
    }
    out.write_text(json.dumps(document), encoding="utf-8")
    return plan
