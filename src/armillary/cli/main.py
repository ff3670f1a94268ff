from __future__ import annotations

from typing import Annotated

import typer

from armillary import __version__
from armillary.cli.commands import archive, demo, observatory, observing, people, portal, scheduler, server

application = typer.Typer(
    name="armillary",
    help="An API-driven observatory control system.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)
application.command()(demo.demo)
application.command()(server.up)
application.command()(server.serve)
application.command()(server.worker)
application.command()(server.migrate)
application.command()(server.check)
application.command()(archive.ingest)
application.command("import-ocs")(portal.import_ocs)
application.add_typer(scheduler.scheduler, name="scheduler")
application.add_typer(observing.telescope, name="telescope")
application.add_typer(archive.archive, name="archive")
application.add_typer(observatory.configdb, name="configdb")
application.add_typer(people.users, name="users")
application.add_typer(people.semesters, name="semesters")
people.proposals.command()(portal.reconcile)
application.add_typer(people.proposals, name="proposals")
application.add_typer(people.oauth_applications, name="oauth-applications")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"armillary {__version__}")
        raise typer.Exit


@application.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """An API-driven observatory control system."""
    del version


def main() -> None:
    """Run the ``armillary`` command."""
    application()
