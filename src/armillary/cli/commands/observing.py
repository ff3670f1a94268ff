"""Commands that run the telescopes."""

from __future__ import annotations

from typing import Annotated

import typer

from armillary.cli.commands.server import stop_on_signals
from armillary.cli.django import refuse, require_configuration
from armillary.cli.wiring import WiringError, build_agent
from armillary.clients.errors import ClientError

telescope = typer.Typer(no_args_is_help=True, help="Telescopes.")


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
