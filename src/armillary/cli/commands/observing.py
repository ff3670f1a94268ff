"""Commands that run the scheduler and the telescopes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from armillary.cli.commands.server import stop_on_signals
from armillary.cli.django import refuse, require_configuration
from armillary.cli.wiring import WiringError, build_agent, build_scheduler
from armillary.clients.errors import ClientError

scheduler = typer.Typer(no_args_is_help=True, help="The scheduler.")
telescope = typer.Typer(no_args_is_help=True, help="Telescopes.")


@scheduler.command("run")
def run_scheduler(
    once: Annotated[bool, typer.Option("--once", help="One run, then stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: print the outcome as JSON.")] = False,
) -> None:
    """Schedule whenever something changes."""
    require_configuration()
    try:
        loop = build_scheduler()
        if once:
            loop.step()
            status = loop.status
            print(json.dumps(asdict(status), default=str) if as_json else status.sentence)
            return
    except (WiringError, ClientError) as error:
        raise refuse(str(error)) from error
    loop.run(stop_on_signals())


@scheduler.command("solve")
def solve(
    instance: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A sched-instance/1 file (.json or .json.gz).")
    ],
    out: Annotated[Path, typer.Option(help="Where to write the sched-schedule/1 file.")],
    time_limit: Annotated[float, typer.Option(help="CPU seconds.")] = 10.0,
    seed: Annotated[int, typer.Option(help="The same seed and budget give the same schedule.")] = 0,
    target_gap: Annotated[float, typer.Option(help="Stop when this close to the proven bound (a fraction).")] = 0.0,
) -> None:
    """Solve a scheduling instance in the neutral format."""
    from armillary.scheduler.neutral import solve_file

    solve_file(instance, out, time_limit_s=time_limit, seed=seed, target_gap=target_gap)


@telescope.command("run")
def run_telescope(
    key: Annotated[str, typer.Argument(metavar="SITE.ENCLOSURE.TELESCOPE", help="Which telescope.")],
) -> None:
    """Run the agent of one telescope: fetch its schedule, observe, report, upload."""
    require_configuration()
    try:
        agent = build_agent(key)
    except (WiringError, ClientError) as error:
        raise refuse(str(error)) from error
    agent.run(stop_on_signals())
