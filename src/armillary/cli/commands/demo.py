from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from armillary.cli.django import refuse
from armillary.clients.errors import ClientError

_TO_WATCH: Final = 14  # requests that make a night worth watching


def demo(
    speed: Annotated[float, typer.Option(min=0.1, max=600, help="Observatory seconds per real second.")] = 60.0,
    port: Annotated[
        int, typer.Option(help="Port of the web page; separate services use the three after it too.")
    ] = 8000,
    directory: Annotated[Path, typer.Option(help="Where databases, files and logs are kept.")] = Path("demo-data"),
    observatory: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Observatory in the shape of GET /sites/.")
    ] = None,
    separate: Annotated[
        bool, typer.Option("--separate", help="Four services in four processes with four databases.")
    ] = False,
    database: Annotated[
        str | None,
        typer.Option(help="PostgreSQL server to make databases on (postgresql://...); default: SQLite files."),
    ] = None,
    more: Annotated[
        int | None,
        typer.Option(min=0, max=37, help="Requests besides one of each kind; default: 14 to watch, none with --once."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="One night as fast as possible, then stop.")] = False,
    report: Annotated[Path | None, typer.Option("--json", help="With --once: write the report there.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget an earlier demonstration in the directory.")] = False,
) -> None:
    """Watch a night unfold: requests in, a schedule, simulated telescopes observing, images in the archive."""
    from armillary.cli.demo.databases import Arrangement, DatabaseRefused, settle
    from armillary.cli.demo.installation import DemoError, Installation, free_ports

    console = Console(stderr=once)
    place = Path(tempfile.mkdtemp(prefix="armillary-demo-")) if once else directory.absolute()
    first_port = free_ports() if once else port
    try:
        if fresh:
            _forget(place)
        arrangement = settle(place, Arrangement(separate, database))
        installation = Installation(place, first_port, is_split=separate, database=arrangement.database)
        if once:
            _once(installation, observatory or example(), console, report, more=more or 0)
        else:
            wanted = _TO_WATCH if more is None else more
            _run_live(installation, observatory or example(), speed, console, more=wanted)
    except (DatabaseRefused, DemoError, ClientError) as error:
        raise refuse(f"{error}\nlogs are in {place / 'logs'}") from error


def _once(installation: Any, observatory: Path, console: Console, report: Path | None, *, more: int) -> None:
    outcome = _run_once(installation, observatory, console, more)
    _write(outcome, report)
    if outcome["problems"]:
        raise refuse("; ".join(outcome["problems"]))
    installation.forget()


def _forget(place: Path) -> None:
    from armillary.cli.demo.databases import kept
    from armillary.cli.demo.installation import DemoError, Installation

    before = kept(place)
    if before is not None:
        Installation(place, 0, is_split=before.is_split, database=before.database).forget()
    elif place.exists() and any(place.iterdir()):
        raise DemoError(f"{place} holds no demonstration; --fresh removes nothing else")


def example() -> Path:
    """The small observatory that comes with the project: in the installed package, or in the checkout's examples."""
    packaged = Path(str(resources.files("armillary") / "examples" / "small_observatory.json"))
    return packaged if packaged.exists() else Path(__file__).parents[4] / "examples" / "small_observatory.json"


def _run_once(installation: Any, observatory: Path, console: Console, more: int) -> dict[str, Any]:
    from armillary.cli.demo.report import compile_report
    from armillary.cli.demo.stage import Stage

    started = time.monotonic()
    stage = Stage(installation, observatory, console.print)
    try:
        stage.open()
        stage.declare_downtime()
        submissions = stage.submit(more=more)
        stage.supervisor.start(installation.worker_programs())
        from armillary.cli.demo.once import Night

        with stage.watching():
            Night(stage).observe()
            return compile_report(stage, submissions, started)
    finally:
        stage.close()


def _run_live(installation: Any, observatory: Path, speed: float, console: Console, *, more: int) -> None:
    from armillary.cli.demo.live import introduce, observe
    from armillary.cli.demo.stage import Stage

    stage = Stage(installation, observatory, console.print)
    try:
        stage.open()
        stage.declare_downtime()
        introduce(stage, stage.submit(more=more), console, speed)
        observe(stage, console, speed)
    finally:
        console.print("stopping ...")
        stage.close()


def _write(outcome: dict[str, Any], report: Path | None) -> None:
    text = json.dumps(outcome, indent=1)
    if report is None:
        sys.stdout.write(text + "\n")
    else:
        report.write_text(text + "\n", encoding="utf-8")
