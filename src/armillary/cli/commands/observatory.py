"""Commands for what the observatory owns."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer

from armillary.cli.django import refuse, start_django
from armillary.core.observatory import telescope_class

configdb = typer.Typer(no_args_is_help=True, help="The configuration database: one file describes an observatory.")
_URL_TIMEOUT_S = 60.0


class Form(StrEnum):
    """How an observatory is written."""

    SITES = "sites"
    PLAIN = "plain"


@configdb.command("import")
def import_observatory(
    source: Annotated[
        str,
        typer.Argument(help="File, http(s) address, or - (standard input): the shape of GET /sites/, or plain YAML."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference, change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Make the database hold what a file describes; doing it again changes nothing."""
    start_django()
    from armillary.configdb import document, services

    try:
        wanted = document.read(_text_of(source))
        report = services.import_observatory(wanted, dry_run=dry_run)
    except document.DocumentError as error:
        for problem in error.problems:
            typer.secho(f"{source}: {problem}", fg="red", err=True)
        raise refuse(f"{len(error.problems)} mistakes; nothing was changed") from error
    print(json.dumps(report.as_json(), indent=1) if as_json else "\n".join(report.lines()))


@configdb.command("export")
def export_observatory(
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    form: Annotated[
        Form, typer.Option(help="sites: JSON as GET /sites/ answers; plain: YAML, to be edited by hand.")
    ] = Form.SITES,
) -> None:
    """Write everything the database holds as one file."""
    start_django()
    from armillary.configdb import document, queries

    content = queries.export_observatory()
    is_plain = form is Form.PLAIN
    text = document.as_plain_form(content["results"]) if is_plain else json.dumps(content, indent=1) + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")


@configdb.command("new")
def new_observatory(
    out: Annotated[Path, typer.Argument(help="File to write; it must not exist yet.")],
    name: Annotated[str, typer.Option(prompt="Name of the observatory")],
    site: Annotated[str, typer.Option(prompt="Its code, three letters", help="Code, at most three letters.")],
    latitude: Annotated[float, typer.Option(prompt="Latitude, degrees, north positive", help="Degrees.")],
    longitude: Annotated[float, typer.Option(prompt="Longitude, degrees, east positive", help="Degrees.")],
    elevation: Annotated[int, typer.Option(prompt="Elevation, metres", help="Metres.")],
    time_zone: Annotated[str, typer.Option(prompt="Time zone, such as Europe/Madrid", help="IANA name.")],
    aperture: Annotated[float, typer.Option(prompt="Aperture of the telescope, metres", help="Metres.")],
    pixels: Annotated[str, typer.Option(prompt="Pixels of the detector, such as 4096x4096", help="4096x4096")],
    pixel_scale: Annotated[float, typer.Option(prompt="Arcseconds per pixel", help="Arcseconds per pixel.")],
    filters: Annotated[
        str, typer.Option(prompt="Filters, with commas between them", help="Codes, the usual one first.")
    ] = "clear",
    telescope: Annotated[str, typer.Option(help="Code of the telescope; default: made from the aperture.")] = "",
    instrument: Annotated[str, typer.Option(help="Code of the instrument.")] = "cam1",
    enclosure: Annotated[str, typer.Option(help="Code of the enclosure.")] = "dome",
) -> None:
    """Ask a few questions and write a small observatory, to be edited and imported."""
    start_django()
    from armillary.configdb import document
    from armillary.configdb.document.starting import Beginning

    size = telescope_class(aperture)
    columns, rows = _pixels_in(pixels)
    beginning = Beginning(
        name=name,
        site=site,
        latitude_deg=latitude,
        longitude_deg=longitude,
        elevation_m=elevation,
        time_zone=time_zone,
        telescope=telescope or f"{size}a",
        aperture_m=aperture,
        instrument=instrument,
        instrument_type=f"{size.upper()}-IMAGER",
        pixels_x=columns,
        pixels_y=rows,
        pixel_scale_arcsec=pixel_scale,
        filters=tuple(part.strip() for part in filters.split(",") if part.strip()),
        enclosure=enclosure,
    )
    text = beginning.as_plain_form()
    try:
        document.read(text)
    except document.DocumentError as error:
        for problem in error.problems:
            typer.secho(f"{problem.path}: {problem.sentence}", fg="red", err=True)
        raise refuse(f"{len(error.problems)} answers are not usable; nothing was written") from error
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise refuse(f"{out} cannot be written: {error.strerror}") from error
    print(f"{out} is written. Edit it, then: armillary configdb import {out} --dry-run")


def _pixels_in(text: str) -> tuple[int, int]:
    """Columns and rows."""
    sides = text.lower().replace("x", " ").split()
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise refuse(f"{text!r} are no pixels; give columns and rows, such as 4096x4096")
    return int(sides[0]), int(sides[1])


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
