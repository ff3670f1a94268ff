"""Commands for what the observatory owns."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import httpx
import typer

from armillary.cli.django import refuse, start_django

configdb = typer.Typer(no_args_is_help=True, help="The configuration database: one file describes an observatory.")
_URL_TIMEOUT_S = 60.0


@configdb.command("import")
def import_observatory(
    source: Annotated[
        str, typer.Argument(help="File, http(s) address, or - for standard input; in the shape of GET /sites/.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference, change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Make the database hold what a file describes; doing it again changes nothing."""
    start_django()
    from armillary.configdb import document, services

    try:
        wanted = document.read(_text_of(source), name=source)
        report = services.import_observatory(wanted, dry_run=dry_run)
    except document.DocumentError as error:
        for problem in error.problems:
            typer.secho(f"{source}: {problem}", fg="red", err=True)
        raise refuse(f"{len(error.problems)} mistakes; nothing was changed") from error
    print(json.dumps(report.as_json(), indent=1) if as_json else "\n".join(report.lines()))


@configdb.command("export")
def export_observatory(
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
) -> None:
    """Write everything the database holds as one file."""
    start_django()
    from armillary.configdb import queries

    text = json.dumps(queries.export_observatory(), indent=1) + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")


def _text_of(source: str) -> str:
    if source == "-":
        return sys.stdin.read()
    if source.startswith(("http://", "https://")):
        try:
            return httpx.get(source, timeout=_URL_TIMEOUT_S, follow_redirects=True).raise_for_status().text
        except httpx.HTTPError as error:
            raise refuse(f"{source} cannot be read: {error}") from error
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(f"{source} cannot be read: {error}") from error
