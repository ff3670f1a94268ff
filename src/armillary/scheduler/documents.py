"""Runs on disk: one JSON document each, from which the run can be replayed exactly."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from armillary.core.requests.instants import format_time
from armillary.scheduler.explanations import Reason
from armillary.scheduler.kernel import (
    Allocation,
    Entry,
    Fixed,
    Pace,
    Plan,
    Preference,
    PriceInterval,
    Problem,
    Reservation,
    Resource,
    Windows,
    solve,
)
from armillary.scheduler.publish import Publication
from armillary.scheduler.run import Run, SolverLimits

FORMAT: Final = "armillary-run/1"
_SUFFIX: Final = ".json.gz"


class DocumentInvalid(ValueError):
    """A file is not the document of a run; the message says why."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A phase of a run solved again."""

    phase: str
    recorded: tuple[Entry, ...]
    replayed: tuple[Entry, ...]
    value: float
    bound: float

    @property
    def is_identical(self) -> bool:
        """Whether the same plan came out."""
        return self.recorded == self.replayed


def document_of(
    run: Run,
    limits: SolverLimits,
    reasons: Sequence[Reason],
    publication: Publication | None,
) -> dict[str, Any]:
    """Everything that is worth knowing about a run later."""
    names = ("rapid", "normal") if run.rapid is not None else ("normal",)
    return {
        "format": FORMAT,
        "epoch": format_time(run.horizon.epoch),
        "start": format_time(run.horizon.start),
        "end": format_time(run.horizon.end),
        "seed": limits.seed,
        "target_gap": limits.target_gap,
        "iteration_limit": limits.iteration_limit,
        "prices": [list(each) for each in run.known],
        "stages_s": dict(run.stages.wall_s),
        "stages_cpu_s": dict(run.stages.cpu_s),
        "phases": [
            {"phase": name, "problem": problem_as_json(solution.problem), "plan": plan_as_json(solution.plan)}
            for name, solution in zip(names, run.solutions, strict=True)
        ],
        "reasons": [reason.as_json() for reason in reasons],
        "preempted": [each.id for each in run.preempted],
        "publication": None
        if publication is None
        else {
            "created": publication.created,
            "kept": publication.kept,
            "cancelled": publication.cancelled,
            "stale": publication.stale,
            "refused": publication.refused,
        },
    }


def save(document: Mapping[str, Any], directory: Path, *, keep: int) -> Path:
    """Write a run's document and remove the oldest ones beyond ``keep``."""
    directory.mkdir(parents=True, exist_ok=True)
    stamp = str(document["epoch"]).replace(":", "").replace("-", "")
    number = sum(1 for _ in directory.glob(f"run-{stamp}-*{_SUFFIX}"))
    path = directory / f"run-{stamp}-{number:03d}{_SUFFIX}"
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(gzip.compress(json.dumps(document, separators=(",", ":")).encode(), compresslevel=3))
    partial.replace(path)
    for old in sorted(directory.glob(f"run-*{_SUFFIX}"))[:-keep]:
        old.unlink()
    return path


def load(path: Path) -> dict[str, Any]:
    """Read a run's document.

    Raises:
        DocumentInvalid: It is not one.
    """
    try:
        content = path.read_bytes()
        document = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, ValueError, EOFError) as error:
        raise DocumentInvalid(f"{path} cannot be read as the document of a run: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DocumentInvalid(f"{path} is not the document of a run: its format is not {FORMAT!r}")
    return document


def replay(document: Mapping[str, Any]) -> list[Replay]:
    """Solve the problems of a run again, exactly: with its seed, its prices and the pace of its clock."""
    found = []
    for phase in document["phases"]:
        recorded = tuple(Entry(*entry) for entry in phase["plan"]["entries"])
        plan = solve(
            problem_from_json(phase["problem"]),
            seed=document["seed"],
            iteration_limit=document["iteration_limit"],
            target_gap=document["target_gap"],
            prices=[PriceInterval(*each) for each in document["prices"]] if phase["phase"] == "normal" else (),
            pace=_pace(phase["plan"]["pace"]),
        )
        found.append(Replay(phase["phase"], recorded, plan.entries, plan.value, plan.bound))
    return found


def _pace(document: Sequence[Any]) -> Pace:
    has_bound, rounds, shares, *rest = document  # what older runs do not say was not done
    return Pace(has_bound, rounds, tuple(shares), *rest)


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """A plan without its prices and explanations."""
    return {
        "entries": [list(entry) for entry in plan.entries],
        "value": plan.value,
        "bound": plan.bound,
        "gap": plan.gap,
        "iterations": plan.iterations,
        "stop": plan.stop.value,
        "pace": list(plan.pace),
        "cpu_s": dict(plan.statistics.cpu_s),
    }


def problem_as_json(problem: Problem) -> dict[str, Any]:
    """A problem, whole."""
    windows = problem.windows
    return {
        "resources": [[each.id, np.asarray(each.windows).reshape(-1, 2).tolist()] for each in problem.resources],
        "reservations": [
            [each.id, each.duration_s, each.value, dict(each.charges), each.party, each.rank]
            for each in problem.reservations
        ],
        "windows": [
            column.tolist() for column in (windows.reservation, windows.resource, windows.start_s, windows.end_s)
        ],
        "fixed": [[each.resource, each.start_s, each.end_s] for each in problem.fixed],
        "allocations": [[each.id, each.limit_s] for each in problem.allocations],
        "preferences": [
            [each.reservation, each.resource, each.time_s.tolist(), each.cost.tolist()] for each in problem.preferences
        ],
        "published": [list(entry) for entry in problem.published],
    }


def problem_from_json(document: Mapping[str, Any]) -> Problem:
    """The problem that :func:`problem_as_json` wrote."""
    reservation, resource, start_s, end_s = document["windows"]
    return Problem(
        resources=[Resource(name, np.array(spans).reshape(-1, 2)) for name, spans in document["resources"]],
        reservations=[
            Reservation(identity, duration_s, value, charges=charges, party=party, rank=rank)
            for identity, duration_s, value, charges, party, rank in document["reservations"]
        ],
        windows=Windows(
            np.array(reservation, dtype=np.int32),
            np.array(resource, dtype=np.int32),
            np.array(start_s, dtype=np.float64),
            np.array(end_s, dtype=np.float64),
        ),
        fixed=[Fixed(*each) for each in document["fixed"]],
        allocations=[Allocation(*each) for each in document["allocations"]],
        preferences=[
            Preference(identity, name, np.array(times), np.array(costs))
            for identity, name, times, costs in document["preferences"]
        ],
        published=[Entry(*entry) for entry in document["published"]],
    )
