"""The scheduler's kernel: how near the best, in how many CPU seconds, in how much memory.

    python benchmarks/scheduler.py                          # the hard class, made from seeds
    python benchmarks/scheduler.py INSTANCE.json.gz ...     # instances in the neutral format
    python benchmarks/scheduler.py --replan INSTANCE ...    # a lost telescope and new requests, from the plan in force
    python benchmarks/scheduler.py --growth                 # from 3 telescopes x 500 requests to 100 x 50,000
    python benchmarks/scheduler.py --reasons                # the hard class, and why what is above 1 % is there

Each row is a process of its own: CPU seconds of all its threads in the kernel (compiling the search is done before and
shown by itself), and the greatest memory it ever held. The gap is that to the kernel's proven bound. Every plan is
checked against the problem's rules.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from armillary.scheduler.kernel import Plan, Problem, Windows, solve, violations
from armillary.scheduler.neutral import read_instance
from scheduler_instances import HARD, Shape, make

WORTH_A_REASON = 1.0
"""Per cent: gaps above this are looked into by --reasons."""
LONGER = 10
MANY_NARROW = 0.2
GROWTH = [Shape(3, 500, 7), Shape(20, 5000, 7), Shape(50, 20000, 7), Shape(100, 50000, 7)]


def compile_search() -> float:
    """CPU seconds to have the machine code at hand: long on a fresh machine, short afterwards."""
    start = time.process_time()
    problem = make(Shape(1, 60, 1, gap_s=1.0), 0)  # more than fits, so that there is a search
    alike = [replace(each, value=1000.0) for each in problem.reservations]  # so that there are fair exchanges
    solve(replace(problem, reservations=alike), iteration_limit=20)
    return time.process_time() - start


def measured(problem: Problem, **budget: Any) -> dict[str, Any]:
    """One solve in numbers."""
    cpu, wall = time.process_time(), time.perf_counter()
    plan = solve(problem, **budget)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert violations(problem, plan.entries) == []
    statistics = plan.statistics
    return {
        "gap_percent": 100 * plan.gap,
        "first_gap_percent": 100 * (1 - statistics.constructed_value / plan.bound) if plan.bound else 0.0,
        "cpu_s": cpu,
        "wall_s": wall,
        "stages_cpu_s": {name: round(seconds, 3) for name, seconds in statistics.cpu_s.items()},
        "scheduled": statistics.scheduled,
        "requests": statistics.reservations,
        "options": statistics.options,
        "iterations": plan.iterations,
        "stop": str(plan.stop),
        "kept": statistics.kept,
        "published": len(problem.published),
        "floor": statistics.floor,
        "value": plan.value,
        "plan": plan,
    }


def one(arguments: argparse.Namespace) -> dict[str, Any]:
    """A row: solve what ``--one`` names, in this process."""
    name, problem = load(arguments.one)
    compiling = compile_search()
    row = measured(problem, seed=arguments.seed, cpu_limit_s=arguments.cpu, target_gap=arguments.target_gap)
    plan = row.pop("plan")
    if arguments.replan:
        later = changed(replace(problem, published=plan.entries))
        row = measured(later, seed=arguments.seed, cpu_limit_s=1.0, target_gap=arguments.target_gap, prices=plan.prices)
        del row["plan"]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    named = {"name": name, "seed": arguments.seed, "compile_cpu_s": compiling, "memory_mb": memory}
    if arguments.reasons and row["gap_percent"] > WORTH_A_REASON:
        named["reasons"] = reasons(problem, plan, arguments)
    return named | row


def reasons(problem: Problem, plan: Plan, arguments: argparse.Namespace) -> list[str]:
    """What the gap of a plan is made of, as far as it can be measured: by more time, and by leaving rules out."""
    cpu_s = plan.statistics.cpu_s
    longer = solve(problem, seed=arguments.seed, cpu_limit_s=LONGER * arguments.cpu)
    found = [
        f"the bound took {100 * cpu_s['bound'] / sum(cpu_s.values()):.0f} % of the time",
        compared(f"{LONGER} times the CPU", longer, plan),
    ]
    for rule, without in WITHOUT.items():
        freer = without(problem)
        if freer is not None:
            other = solve(freer, seed=arguments.seed, cpu_limit_s=arguments.cpu)
            found.append(compared(f"without {rule}", other, plan))
    return found


def compared(name: str, other: Plan, plan: Plan) -> str:
    value, bound = other.value / plan.value - 1, other.bound / plan.bound - 1
    return f"{name}: gap {100 * other.gap:.2f} %, plan {100 * value:+.2f} %, bound {100 * bound:+.2f} %"


def without_changes(problem: Problem) -> Problem | None:
    if not any(each.setup_change_s for each in problem.resources):
        return None
    return replace(problem, resources=[replace(each, setup_change_s={}) for each in problem.resources])


def without_spacings(problem: Problem) -> Problem | None:
    return replace(problem, spacings=[]) if problem.spacings else None


def without_groups(problem: Problem) -> Problem | None:
    return replace(problem, groups=[]) if problem.groups else None


def without_caps(problem: Problem) -> Problem | None:
    if not problem.allocations:
        return None
    freed = [replace(each, charges={}) for each in problem.reservations]
    return replace(problem, reservations=freed, allocations=[])


def without_narrow_windows(problem: Problem) -> Problem | None:
    """Every window that is at most twice as long as the observation is an hour longer, as far as its night goes."""
    windows = problem.windows
    duration = np.array([each.duration_s for each in problem.reservations])[windows.reservation]
    narrow = windows.end_s - windows.start_s <= 2.0 * duration
    if narrow.mean() < MANY_NARROW:
        return None
    end = windows.end_s + np.where(narrow, 3600.0, 0.0)
    return replace(problem, windows=replace(windows, end_s=end))


WITHOUT: dict[str, Callable[[Problem], Problem | None]] = {
    "changes of set-up": without_changes,
    "distance rules": without_spacings,
    "groups": without_groups,
    "caps": without_caps,
    "narrow windows (each an hour longer)": without_narrow_windows,
}


def load(name: str) -> tuple[str, Problem]:
    """A file of the neutral format, ``hard:NAME:SEED`` or ``growth:NUMBER``."""
    kind, _, rest = name.partition(":")
    if kind == "hard":
        shape, _, seed = rest.partition(":")
        return f"{shape} s{seed}", make(HARD[shape], int(seed))
    if kind == "growth":
        size = GROWTH[int(rest)]
        return f"{size.telescopes} x {size.requests} x {size.days} d", make(size, 1)
    return read_instance(Path(name))


def changed(problem: Problem) -> Problem:
    """The same night an hour later: the first telescope is lost, 20 requests are new and are up like 20 others."""
    windows, count = problem.windows, len(problem.reservations)
    alive = windows.resource != 0 if len(problem.resources) > 1 else np.ones(len(windows.resource), dtype=np.bool_)
    copied = alive & (windows.reservation < 20)
    new = [replace(each, id=f"new {each.id}") for each in problem.reservations[:20]]
    return replace(
        problem,
        reservations=[*problem.reservations, *new],
        windows=Windows(
            np.concatenate([windows.reservation[alive], windows.reservation[copied] + count]).astype(np.int32),
            np.concatenate([windows.resource[alive], windows.resource[copied]]),
            np.maximum(np.concatenate([windows.start_s[alive], windows.start_s[copied]]), 3600.0),
            np.concatenate([windows.end_s[alive], windows.end_s[copied]]),
        ),
    )


def rows(arguments: argparse.Namespace) -> list[str]:
    """What to solve, by name."""
    if arguments.growth:
        return [f"growth:{number}" for number in range(len(GROWTH))][: arguments.sizes]
    if arguments.instances:
        return list(arguments.instances)
    seeds = range(1, arguments.seeds + 1)
    return [f"hard:{name}:{seed}" for name in HARD if name.startswith(arguments.only) for seed in seeds]


def main() -> None:
    """Print the table; ``--json`` also writes every number."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instances", nargs="*")
    parser.add_argument("--cpu", type=float, default=10.0, help="CPU seconds per instance")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds per instance")
    parser.add_argument("--target-gap", type=float, default=0.0)
    parser.add_argument("--replan", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--reasons", action="store_true", help="look into gaps above 1 per cent")
    parser.add_argument("--only", default="", help="of the hard class, those whose name begins so")
    parser.add_argument("--sizes", type=int, default=len(GROWTH), help="how many of the sizes of --growth")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(arguments)))
        return
    found: list[dict[str, Any]] = []
    print("instance             seed   gap %  first %  CPU s (compile bound construct search finish) MB  options its")
    for name in rows(arguments):
        for seed in range(arguments.seeds if arguments.instances else 1):
            row = in_process_of_its_own(arguments, name, seed)
            found.append(row)
            print(line(row), flush=True)
            for reason in row.get("reasons", []):
                print(f"    {reason}", flush=True)
    if arguments.json:
        shapes = {name: asdict(shape) for name, shape in HARD.items()}
        arguments.json.write_text(json.dumps({"rows": found, "hard": shapes}, indent=1), encoding="utf-8")


def in_process_of_its_own(arguments: argparse.Namespace, name: str, seed: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", name, "--seed", str(seed), "--cpu", str(arguments.cpu)]
    command += ["--target-gap", str(0.01 if arguments.growth else arguments.target_gap)]
    command += [option for option in ("--replan", "--reasons") if getattr(arguments, option[2:])]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        return {"name": name, "seed": seed, "failed": answer.stderr.strip().splitlines()[-1:]}
    row: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return row


def line(row: dict[str, Any]) -> str:
    if "failed" in row:
        return f"{row['name']:22}{row['seed']:3}   failed: {row['failed']}"
    stages = " ".join(f"{seconds:.2f}" for seconds in row["stages_cpu_s"].values())
    replan = f"  kept {row['kept']} of {row['published']}" if row["published"] else ""
    return (
        f"{row['name']:22}{row['seed']:3} {row['gap_percent']:8.4f} {row['first_gap_percent']:7.3f} "
        f"{row['cpu_s']:6.2f} "
        f"({stages}) {row['memory_mb']:6.0f} {row['options']:9} {row['iterations']:7} {row['stop']}{replan}"
    )


if __name__ == "__main__":
    main()
