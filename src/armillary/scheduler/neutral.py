"""The neutral file format for scheduling instances: ``sched-instance/1`` in, ``sched-schedule/1`` out.

Beyond the format's own fields an instance may state what the kernel knows besides: ``gap`` and ``setup_change`` of a
resource, ``setup`` and ``charges`` of a reservation, and ``fixed``, ``allocations``, ``spacings`` and ``published``.
"""

from __future__ import annotations

import gzip
import json
import os
import time
import zlib
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from armillary.scheduler.kernel import (
    Allocation,
    Entry,
    Fixed,
    Group,
    GroupKind,
    Identifier,
    Plan,
    Problem,
    ProblemInvalid,
    Reservation,
    Resource,
    Spacing,
    Windows,
    solve,
)

_INSTANCE: Final = "sched-instance/1"
_SCHEDULE: Final = "sched-schedule/1"

Span = tuple[float, float]


class InstanceError(ValueError):
    """A file is not a scheduling instance; the text says which file, where in it, and what is wrong."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Resource(_Part):
    windows: list[Span]
    gap: float = 0.0
    setup_change: list[tuple[str, str, float]] = []


class _Reservation(_Part):
    id: int | str
    duration: float
    priority: float
    windows: dict[str, list[Span]]
    setup: str = ""
    charges: dict[str, float] = {}


class _Group(_Part):
    id: int | str
    type: GroupKind
    members: list[int | str]


class _Fixed(_Part):
    resource: str
    start: float
    end: float
    setup: str = ""


class _Spacing(_Part):
    first: int | str
    second: int | str
    minimum: float
    maximum: float = float("inf")
    ordered: bool = True


class _Instance(_Part):
    format: Literal["sched-instance/1"]
    name: str = ""
    resources: dict[str, _Resource]
    reservations: list[_Reservation]
    groups: list[_Group] = []
    fixed: list[_Fixed] = []
    allocations: dict[str, float] = {}
    spacings: list[_Spacing] = []
    published: list[tuple[int | str, str, float]] = Field(default=[])


def read_instance(path: Path) -> tuple[str, Problem]:
    """The name and the problem of a file (``.json`` or ``.json.gz``).

    Raises:
        InstanceError: the file cannot be read, is not of this format, or contradicts itself.
    """
    try:
        data = path.read_bytes()
        instance = _Instance.model_validate_json(gzip.decompress(data) if path.suffix == ".gz" else data)
        return instance.name or path.name.split(".")[0], _problem(instance)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise InstanceError(f"{path} is not in the format {_INSTANCE!r}: {where}: {first['msg']}") from error
    except (OSError, EOFError, zlib.error, ProblemInvalid) as error:
        raise InstanceError(f"{path}: {error}") from error


def _problem(instance: _Instance) -> Problem:
    resources = [
        Resource(name, each.windows, each.gap, {(a, b): seconds for a, b, seconds in each.setup_change})
        for name, each in instance.resources.items()
    ]
    return Problem(
        resources=resources,
        reservations=[
            Reservation(each.id, each.duration, each.priority, each.setup, each.charges)
            for each in instance.reservations
        ],
        windows=Windows.from_mappings([each.windows for each in instance.reservations], resources),
        groups=[Group(each.id, each.type, tuple(each.members)) for each in instance.groups],
        fixed=[Fixed(each.resource, each.start, each.end, each.setup) for each in instance.fixed],
        allocations=[Allocation(name, seconds) for name, seconds in instance.allocations.items()],
        spacings=[
            Spacing(each.first, each.second, each.minimum, each.maximum, each.ordered) for each in instance.spacings
        ],
        published=[Entry(*each) for each in instance.published],
    )


def solve_file(instance: Path, out: Path, *, time_limit_s: float | None, seed: int, target_gap: float) -> Plan:
    """Solve an instance and write its schedule; the time limit is in CPU seconds.

    The file appears whole or not at all.

    Raises:
        InstanceError: see :func:`read_instance`.
    """
    name, problem = read_instance(instance)
    cpu, wall = time.process_time(), time.perf_counter()
    plan = solve(problem, seed=seed, cpu_limit_s=time_limit_s, target_gap=target_gap)
    document: dict[str, Any] = {
        "format": _SCHEDULE,
        "instance": name,
        "solver": "armillary.scheduler.kernel",
        "entries": [_row(entry) for entry in plan.entries],
        "meta": {
            "value": plan.value,
            "bound": plan.bound,
            "gap": plan.gap,
            "scheduled": len(plan.entries),
            "iterations": plan.iterations,
            "stop": plan.stop,
            "seed": seed,
            "cpu_s": time.process_time() - cpu,
            "wall_s": time.perf_counter() - wall,
            "stages_cpu_s": dict(plan.statistics.cpu_s),
        },
    }
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    beside.write_text(json.dumps(document), encoding="utf-8")
    beside.replace(out)
    return plan


def _row(entry: Entry) -> tuple[Identifier, str, float]:
    return entry.reservation, entry.resource, entry.start_s
