"""What a whole cycle of the scheduler costs on the network, and how soon rapid-response work is on a schedule.

    .venv/bin/python benchmarks/scheduler_cycle.py [--requests 2000] [--rapid 15] [--picture cycle.svg] [--json FILE]

starts a portal with the network of seven sites and twenty-three telescopes in this process (SQLite, real services, in
process transport), so that the CPU seconds of *both* sides are counted, submits the requests, and runs the scheduler's
loop: the first cycle (nothing known), one after a single new request, and one without any change. Then it submits
rapid-response requests, each on top of a full schedule, and measures from the portal's answer "accepted" to
the commit of the new schedule.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
COLOURS = ("#5b8def", "#9aa5b1", "#f2b134", "#2a7f62", "#c2543d", "#8e6fc1", "#5f6b7a")
TARGETS = {"cycle_cpu_s": 10.0, "windows_cpu_s": 0.5, "rapid_median_s": 2.0}


def prepare(directory: Path) -> tuple[str, str]:
    """An installation with the network; tokens of the scheduler and of an astronomer."""
    os.environ |= {
        "ARMILLARY_MODE": "test",
        "ARMILLARY_DATA_DIRECTORY": str(directory),
        "ARMILLARY_DATABASE_URL": f"sqlite:///{directory}/portal.sqlite3",
        "DJANGO_SETTINGS_MODULE": "armillary.server.settings",
        "ARMILLARY_LOG_LEVEL": "ERROR",
        "ARMILLARY_CLOCK_FILE": str(directory / "clock.json"),
    }
    from armillary import clock

    clock.set_clock(directory / "clock.json", START, 1.0)
    import django

    django.setup()
    from django.core.management import call_command

    from armillary.accounts.services import api_token, create_user
    from armillary.configdb.services import import_observatory
    from armillary.portal.proposals.services import TimeGrant, create_proposal, create_semester

    call_command("migrate", verbosity=0)
    example = Path(__file__).parent.parent / "examples" / "network_observatory.json"
    import_observatory(json.loads(example.read_text(encoding="utf-8")))
    robot = create_user("robot", email="robot@example.org", is_staff=True, is_superuser=True, staff_view=True)
    astronomer = create_user("astronomer", email="astronomer@example.org")
    semester = create_semester("2026B", START - timedelta(days=100), START + timedelta(days=80))
    for number in range(10):
        create_proposal(
            f"P{number}",
            pi=astronomer,
            tac_priority=10 + 2 * number,
            semester=semester,
            hours=TimeGrant(std_h=10_000, rr_h=1_000, tc_h=1_000),
            instrument_types=[["1M0-SCICAM-SINISTRO"], ["0M4-SCICAM-QHY600"]],
        )
    return api_token(robot), api_token(astronomer)


def group(chance: random.Random, kind: str = "NORMAL", *, days: float = 7.0, minutes: float | None = None) -> Any:
    """A request group somewhere in the sky."""
    instrument, filters = chance.choice((("1M0-SCICAM-SINISTRO", "rp"), ("0M4-SCICAM-QHY600", "rp")))
    exposure = 60.0 * (minutes or chance.uniform(5, 40))
    start = START - timedelta(minutes=1) if kind == "RAPID_RESPONSE" else START + timedelta(days=chance.uniform(0, 3))
    end = START + timedelta(days=days)
    target = {"type": "ICRS", "name": "x", "ra": chance.uniform(0, 360), "dec": chance.uniform(-60, 50)}
    configuration = {
        "type": "EXPOSE",
        "instrument_type": instrument,
        "target": target,
        "constraints": {"max_airmass": 2.0, "min_lunar_distance": 20.0},
        "instrument_configs": [
            {"exposure_time": exposure, "exposure_count": 1, "optical_elements": {"filter": filters}}
        ],
        "acquisition_config": {},
        "guiding_config": {},
    }
    request = {
        "location": {"telescope_class": "1m0" if instrument.startswith("1M0") else "0m4"},
        "windows": [{"start": start.isoformat(), "end": end.isoformat()}],
        "configurations": [configuration],
    }
    return {
        "name": f"{kind} {chance.random():.12f}", "proposal": f"P{chance.randrange(10)}", "ipp_value": 1.0,
        "operator": "SINGLE", "observation_type": kind, "requests": [request],
    }  # fmt: skip


def submit(portal: Any, chance: random.Random, number: int) -> int:
    """Submit so many; those that the rules refuse (a target nobody sees) are replaced."""
    from armillary.clients.errors import RequestRefused

    accepted = 0
    while accepted < number:
        batch = [group(chance) for _ in range(min(200, number - accepted))]
        try:
            answer = portal._http.post("api/requestgroups/bulk/", json=batch).json()  # noqa: SLF001  no method for many
            accepted += len(answer) if isinstance(answer, list) else len(batch)
        except RequestRefused as refusal:
            detail = refusal.detail if isinstance(refusal.detail, list) else []
            good = [each for each, errors in zip(batch, detail, strict=False) if not errors]
            if good:
                portal._http.post("api/requestgroups/bulk/", json=good)  # noqa: SLF001
                accepted += len(good)
            elif not detail:
                raise
    return accepted


def build_loop(token: str, directory: Path, time_limit_s: float) -> Any:
    """The scheduler."""
    from armillary.clients.configdb import ConfigDBClient
    from armillary.clients.downtime import DowntimeClient
    from armillary.clients.portal import PortalClient
    from armillary.clients.transport import connect
    from armillary.scheduler.loop import LoopSettings, SchedulerLoop

    return SchedulerLoop(
        portal=PortalClient(connect("portal", token=token)),
        configdb=ConfigDBClient(connect("configdb")),
        downtime=DowntimeClient(connect("downtime")),
        data_directory=directory / "scheduler",
        settings=LoopSettings(time_limit_s=time_limit_s, target_gap=1e-3, interval_s=3600.0),
        token=token,
    )


def cycle(loop: Any, name: str) -> dict[str, Any]:
    """Run one cycle and say what it cost."""
    cpu, wall = time.process_time(), time.perf_counter()
    loop.wake()
    loop.step()
    total, took = time.process_time() - cpu, time.perf_counter() - wall
    if loop.status.state != "published":
        sys.exit(f"the cycle {name!r} ended as {loop.status.state}: {loop.status.sentence}")
    run = loop._cycle.last_run  # noqa: SLF001  the benchmark looks inside
    stages = dict(run.stages.cpu_s)
    stages["save, report"] = max(0.0, total - sum(stages.values()))
    print(
        f"{name:>22}: {total:6.2f} CPU s, {took:6.2f} s; " + ", ".join(f"{k} {v:.2f}" for k, v in stages.items()),
        flush=True,
    )
    print(f"{'':>24}{loop.status.sentence}")
    return {"name": name, "cpu_s": total, "wall_s": took, "stages_cpu_s": stages, "gap": run.normal.plan.gap}


def rapid(loop: Any, portal: Any, chance: random.Random, number: int) -> list[tuple[float, float]]:
    """Real and CPU seconds from acceptance to being on a schedule, by the short way."""
    from armillary import clock
    from armillary.clients.errors import RequestRefused
    from armillary.clients.events import Event

    taken: list[tuple[float, float]] = []
    while len(taken) < number:
        try:
            submitted = portal.submit(group(chance, "RAPID_RESPONSE", days=0.5, minutes=5))
        except RequestRefused:
            continue  # nobody sees that part of the sky now
        accepted, cpu = time.perf_counter(), time.process_time()
        loop.heed([Event("1", "request_group.submitted", "1", {"observation_type": "RAPID_RESPONSE"}, None)])
        loop._urgent.clear()  # noqa: SLF001  what step() does before the whole cycle
        loop._answer_rapid_response(clock.now())  # noqa: SLF001
        seconds = (time.perf_counter() - accepted, time.process_time() - cpu)
        request = submitted.requests[0].id
        if any(each["state"] == "PENDING" for each in portal.request_observations(request)):
            taken.append(seconds)
            print(f"{'rapid response':>22}: {seconds[1]:6.2f} CPU s, {seconds[0]:6.2f} s", flush=True)
    return taken


def picture(cycles: list[dict[str, Any]], path: Path) -> None:
    """Stacked bars of the CPU seconds of each stage, as SVG."""
    names = list(dict.fromkeys(name for each in cycles for name in each["stages_cpu_s"]))
    colour = dict(zip(names, COLOURS, strict=False))
    longest = max(each["cpu_s"] for each in cycles)
    parts, width = [], 640.0
    for row, each in enumerate(cycles):
        at, y = 170.0, 20 + 40 * row
        parts.append(f'<text x="160" y="{y + 17}" text-anchor="end">{each["name"]}</text>')
        for name, seconds in each["stages_cpu_s"].items():
            length = width * seconds / longest
            title = f"<title>{name}: {seconds:.2f} CPU s</title>"
            parts.append(
                f'<rect x="{at:.1f}" y="{y}" width="{length:.1f}" height="26" fill="{colour[name]}">{title}</rect>'
            )
            at += length
        parts.append(f'<text x="{at + 6:.1f}" y="{y + 17}">{each["cpu_s"]:.2f} s</text>')
    legend_y = 40 + 40 * len(cycles)
    for number, name in enumerate(names):
        x = 60 + 112 * number
        parts.append(f'<rect x="{x}" y="{legend_y}" width="12" height="12" fill="{colour[name]}"/>')
        parts.append(f'<text x="{x + 16}" y="{legend_y + 11}">{name}</text>')
    size = f'width="900" height="{legend_y + 30}" viewBox="0 0 900 {legend_y + 30}"'
    style = "<style>text{font:13px sans-serif;fill:#444}</style>"
    paper = '<rect width="100%" height="100%" fill="#fff"/>'
    drawing = "".join(parts)
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{style}{paper}{drawing}</svg>\n', encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rapid", type=int, default=15, help="how many rapid-response requests")
    parser.add_argument("--time-limit", type=float, default=10.0, help="real seconds for the solver")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--picture", type=Path, help="where to write the stacked picture (SVG)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="armillary-benchmark-"))
    try:
        figures = measure(directory, options)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def measure(directory: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The figures."""
    robot, astronomer = prepare(directory)
    from armillary.clients.portal import PortalClient
    from armillary.clients.transport import connect

    chance = random.Random(options.seed)  # noqa: S311  reproducible on purpose
    portal = PortalClient(connect("portal", token=astronomer))
    print(f"{submit(portal, chance, options.requests)} requests wait", flush=True)
    loop = build_loop(robot, directory, options.time_limit)
    cycles = [cycle(loop, "first cycle")]
    submit(portal, chance, 1)
    cycles += [cycle(loop, "one new request"), cycle(loop, "no change")]
    seconds = rapid(loop, portal, chance, options.rapid)
    cycles.append(cycle(loop, "after rapid response"))
    figures = {
        "cycles": cycles,
        "cycle_cpu_s": cycles[1]["cpu_s"],
        "windows_cpu_s": max(each["stages_cpu_s"]["windows"] for each in cycles[1:]),
        "windows_cold_cpu_s": cycles[0]["stages_cpu_s"]["windows"],
        "rapid_s": seconds,
        "rapid_median_s": statistics.median(wall for wall, _ in seconds) if seconds else None,
        "rapid_median_cpu_s": statistics.median(cpu for _, cpu in seconds) if seconds else None,
    }
    for name, target in TARGETS.items():
        value = figures[name]
        if isinstance(value, float):
            print(f"{name}: {value:.2f} (wanted: at most {target:g}) {'ok' if value <= target else 'TOO SLOW'}")
    print(f"windows_cold_cpu_s: {figures['windows_cold_cpu_s']:.2f} (the first cycle, nothing known)")
    if seconds:
        print(f"rapid_median_cpu_s: {figures['rapid_median_cpu_s']:.2f}")
    if options.picture:
        picture(cycles, options.picture)
    return figures


if __name__ == "__main__":
    main()
