"""Commands that run the server's processes."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Annotated, Any

import typer

from armillary.cli.django import refuse, start_django
from armillary.configuration import Component, configuration


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Serve the components of this process over HTTP (ARMILLARY_COMPONENTS; default: all of them)."""
    start_django()
    from armillary.server.gunicorn import serve_forever

    serve_forever(host, port)


def worker() -> None:
    """Run background tasks, periodic jobs and mail until asked to stop."""
    start_django()
    from armillary.platform.worker import run_worker

    run_worker(stop_on_signals())


def migrate() -> None:
    """Bring the database's tables up to date."""
    start_django()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=1)


def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Is my set-up sane? Settings, database, migrations, storage, and the services this process needs."""
    start_django()
    from armillary.server.checks import findings

    found = findings()
    if as_json:
        print(json.dumps([finding.as_dict() for finding in found], indent=1))
    else:
        for finding in found:
            colour = {"ok": "green", "warning": "yellow", "error": "red"}[finding.level]
            typer.secho(f"{finding.level:8}", fg=colour, nl=False)
            typer.echo(f"{finding.subject}: {finding.sentence}")
    if any(finding.level == "error" for finding in found):
        raise typer.Exit(1)


def up(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    simulate: Annotated[
        list[str] | None,
        typer.Option(help="Telescope (site.enclosure.telescope) to run with the simulator; repeatable."),
    ] = None,
) -> None:
    """Run everything on this machine with the real clock: web, worker, scheduler, and simulated telescopes if asked."""
    start_django()
    from django.core.management import call_command

    settings = configuration()
    if set(settings.components) != set(Component):
        raise refuse("up runs all components; start single ones with 'serve', 'worker' and 'scheduler run'")
    call_command("migrate", interactive=False, verbosity=0)
    _supervise(host, port, simulate or [], _service_token(settings))


def stop_on_signals() -> threading.Event:
    """An event that is set when the process is asked to end (Ctrl-C, SIGTERM)."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _service_token(settings: Any) -> str:
    if settings.api_token is not None:
        return str(settings.api_token.get_secret_value())
    from armillary.accounts import services
    from armillary.accounts.models import User

    name = "armillary-services"
    robot = User.objects.filter(username=name).first() or services.create_user(
        name, is_staff=True, is_superuser=True, staff_view=True
    )
    return services.api_token(robot)


def _supervise(host: str, port: int, telescopes: list[str], token: str) -> None:
    from armillary.cli.supervisor import Program, Supervisor

    address = f"http://{host}:{port}"
    client = {
        "ARMILLARY_API_TOKEN": token,
        "ARMILLARY_PORTAL_URL": address,
        **{f"ARMILLARY_{name.upper()}_URL": f"{address}/{name}" for name in ("configdb", "downtime", "archive")},
    }
    settings = configuration()
    shared = dict(os.environ)
    if "public_url" not in settings.model_fields_set:
        shared["ARMILLARY_PUBLIC_URL"] = address
    logs = settings.data_directory / "logs"
    supervisor = Supervisor(logs, lambda line: print(line, file=sys.stderr), environment=shared)
    stop = stop_on_signals()
    programs = [
        Program("web", ("-m", "armillary", "serve", "--host", host, "--port", str(port))),
        Program("worker", ("-m", "armillary", "worker")),
        Program("scheduler", ("-m", "armillary", "scheduler", "run"), client),
        *(Program(f"telescope-{key}", ("-m", "armillary", "telescope", "run", key), client) for key in telescopes),
    ]
    supervisor.start(programs)
    print(f"Armillary runs at {address}/ ; logs are in {logs}; Ctrl-C stops it")
    supervisor.watch(stop.is_set)
    supervisor.stop()
