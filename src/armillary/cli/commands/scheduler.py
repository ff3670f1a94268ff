"""Commands of the scheduler."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from armillary.cli.commands.server import stop_on_signals
from armillary.cli.django import refuse, require_configuration
from armillary.cli.wiring import WiringError, build_scheduler, read_world
from armillary.clients.errors import ClientError

scheduler = typer.Typer(no_args_is_help=True, help="The scheduler.")


@scheduler.command("run")
def run_scheduler(
    once: Annotated[bool, typer.Option("--once", help="One run, then stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: print the outcome as JSON.")] = False,
    metrics_port: Annotated[
        int | None, typer.Option(help="Serve Prometheus metrics on this port (and on --metrics-host).")
    ] = None,
    metrics_host: Annotated[str, typer.Option(help="Address to serve the metrics on.")] = "127.0.0.1",
) -> None:
    """Schedule whenever something changes."""
    from armillary.scheduler.lease import DirectoryTaken
    from armillary.scheduler.monitors.configured import MonitorsInvalid

    require_configuration()
    try:
        loop = build_scheduler()
        if once:
            loop.step()
            status = loop.status
            print(json.dumps(asdict(status), default=str) if as_json else status.sentence)
            return
        if metrics_port is not None:
            _serve_metrics(metrics_host, metrics_port)
        loop.run(stop_on_signals())
    except (WiringError, ClientError, DirectoryTaken, MonitorsInvalid) as error:
        raise refuse(str(error)) from error


def _serve_metrics(host: str, port: int) -> threading.Thread:
    from prometheus_client import start_http_server

    try:
        _, thread = start_http_server(port, addr=host)
    except OSError as error:
        raise refuse(f"the metrics cannot be served at {host}:{port}: {error.strerror}; choose another port") from error
    return thread


@scheduler.command("solve")
def solve(
    instance: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A sched-instance/1 file (.json or .json.gz).")
    ],
    out: Annotated[Path, typer.Option(help="Where to write the sched-schedule/1 file.")],
    time_limit: Annotated[float, typer.Option(min=0.0, help="CPU seconds.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Of the search's random numbers.")] = 0,
    target_gap: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Stop when this close to the proven bound (a fraction).")
    ] = 0.0,
) -> None:
    """Solve a scheduling instance in the neutral format; prints what the plan is worth and could at most be worth."""
    from armillary.scheduler.neutral import InstanceError, solve_file

    try:
        plan = solve_file(instance, out, time_limit_s=time_limit, seed=seed, target_gap=target_gap)
    except (InstanceError, OSError) as error:
        raise refuse(str(error)) from error
    print(
        f"{len(plan.entries)} of {plan.statistics.reservations} scheduled, worth {plan.value:.6g}; "
        f"no plan is worth more than {plan.bound:.6g} (gap {100 * plan.gap:.3g} %, {plan.stop})"
    )


@scheduler.command("replay")
def replay_run(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The document of a run (.json or .json.gz).")
    ],
    request: Annotated[
        int | None, typer.Option(help="Say also what the run said about this request, and what the replay says.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Plan a past run again, exactly, and say whether the same plan comes out (exit status 1 if not)."""
    from armillary.scheduler.documents import DocumentInvalid, load, replay

    try:
        document = load(file)
        outcomes = replay(document)
    except DocumentInvalid as error:
        raise refuse(str(error)) from error
    found: dict[str, Any] = {
        "identical": all(each.is_identical for each in outcomes),
        "phases": [
            {
                "phase": each.phase,
                "identical": each.is_identical,
                "recorded": len(each.recorded),
                "replayed": len(each.replayed),
                "value": each.value,
                "bound": each.bound,
                "differences": [list(entry) for entry in sorted(set(each.recorded) ^ set(each.replayed), key=str)],
            }
            for each in outcomes
        ],
        "reasons": [each for each in document["reasons"] if request is not None and each["request"] == request],
    }
    if as_json:
        print(json.dumps(found))
    else:
        _print_replay(found)
    if not found["identical"]:
        raise typer.Exit(1)


def _print_replay(found: dict[str, Any]) -> None:
    for phase in found["phases"]:
        verdict = "the same plan" if phase["identical"] else f"{len(phase['differences'])} entries differ"
        print(
            f"{phase['phase']}: {verdict}; {phase['replayed']} observations, value {phase['value']:.6g}, "
            f"bound {phase['bound']:.6g}"
        )
    for reason in found["reasons"]:
        print(f"request {reason['request']}: {reason['status']}. {reason['sentence']}")


@scheduler.command("simulate")
def simulate(
    nights: Annotated[int, typer.Option(help="How many nights to play.", min=1)] = 7,
    weather: Annotated[
        str, typer.Option(help="'clear', 'average', 'poor', or a JSON file with the parameters of the weather.")
    ] = "average",
    failures: Annotated[float, typer.Option(help="Share of observations that fail for technical reasons.")] = 0.02,
    seeds: Annotated[int, typer.Option(help="How many times to play them, each with its own luck.", min=1)] = 8,
    jobs: Annotated[int, typer.Option(help="Processes; -1 for all cores.")] = -1,
    dask: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler to compute on, with the extra armillary\\[dask].")
    ] = None,
    world: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A world from a file (see --save-world).")
    ] = None,
    save_world: Annotated[Path | None, typer.Option(help="Write the world that was read to a file, and go on.")] = None,
    out: Annotated[Path, typer.Option(help="Directory for report.html and report.json.")] = Path("simulation"),
    time_limit: Annotated[float, typer.Option(help="CPU seconds for each plan.")] = 2.0,
) -> None:
    """Play the coming nights with the real kernel, and report what would be completed.

    Without --world the requests, proposals, telescopes and downtimes are those of the services in force.
    """
    from armillary.scheduler.simulation.execution import Spread, play_all
    from armillary.scheduler.simulation.night import Luck
    from armillary.scheduler.simulation.report import write_report
    from armillary.scheduler.simulation.weather import WeatherInvalid, weather_named
    from armillary.scheduler.simulation.world import WorldInvalid, load_world, save

    try:
        if world is None:
            require_configuration()
            start = read_world(nights)
        else:
            start = load_world(world)
        if save_world is not None:
            save(start, save_world)
        luck = Luck(weather_named(weather), failures)
        plays = play_all(start, nights, luck, seeds=range(seeds), time_limit_s=time_limit, spread=Spread(jobs, dask))
    except (WiringError, ClientError, WorldInvalid, WeatherInvalid, ValueError) as error:
        raise refuse(str(error)) from error
    report = write_report(start, plays, luck, out)
    print(report.summary())
    print(f"{out / 'report.html'}, {out / 'report.json'}")
