"""Writes the reference pages that come from the code: settings, commands, HTTP API. Run by ``make docs``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
import typing
from pathlib import Path
from typing import Any

import typer

REFERENCE = Path(__file__).parent / "reference"


def settings_page() -> str:
    """Every setting with its type, default and meaning."""
    from armillary.configuration import Configuration

    lines = [
        "# Settings",
        "",
        "From the environment (`ARMILLARY_X`), `armillary.toml` (`x = ...`), or a file (`ARMILLARY_X_FILE`).",
        "A misspelt name stops the start.",
        "",
        "| setting | type | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for name, field in Configuration.model_fields.items():
        default = "" if field.default is None else f"`{_plain(field.default)}`"
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `ARMILLARY_{name.upper()}` | {_type_name(field.annotation)} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Every command with its options."""
    from armillary.cli.main import application

    lines = ["# Commands", ""]
    _describe(typer.main.get_command(application), "armillary", lines)
    return "\n".join(lines) + "\n"


def http_api_page() -> str:
    """The endpoints of the OpenAPI document, which is written beside the page."""
    document = json.loads(
        subprocess.run(
            [sys.executable, "-m", "django", "spectacular", "--format", "openapi-json"],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"ARMILLARY_MODE": "test", "DJANGO_SETTINGS_MODULE": "armillary.server.settings"},
        ).stdout
    )
    (REFERENCE / "openapi.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    lines = [
        "# HTTP API",
        "",
        "A running server answers at `/openapi/` and shows it at `/redoc/`; the same: [openapi.json](openapi.json).",
        "",
        "| method | path | what |",
        "| --- | --- | --- |",
    ]
    for path, operations in sorted(document["paths"].items()):
        for method, operation in operations.items():
            first = (operation.get("description") or operation.get("summary") or "").strip().split("\n")[0]
            lines.append(f"| {method.upper()} | `{path}` | {first.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def _describe(command: Any, name: str, lines: list[str]) -> None:
    if hasattr(command, "commands"):
        for child in command.commands.values():
            _describe(child, f"{name} {child.name}", lines)
        return
    lines += [f"## {name}", "", (command.help or "").strip(), ""]
    parameters = [parameter for parameter in command.params if parameter.name != "help"]
    if parameters:
        lines += ["| option | meaning |", "| --- | --- |"]
    for parameter in parameters:
        shown = ", ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name.upper()
        lines.append(f"| `{shown}` | {getattr(parameter, 'help', '') or ''} |")
    lines.append("")


def _plain(value: Any) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(str(item) for item in value))
    return "" if value == () else str(value)


def _type_name(annotation: Any) -> str:
    origin = typing.get_origin(annotation)
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(_type_name(part) for part in typing.get_args(annotation) if part is not type(None))
    if origin is typing.Literal:
        return ", ".join(str(part) for part in typing.get_args(annotation))
    if origin is not None:
        return f"list of {_type_name(typing.get_args(annotation)[0])}"
    return str(getattr(annotation, "__name__", annotation))


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for name, page in {"settings": settings_page, "commands": commands_page, "http-api": http_api_page}.items():
        (REFERENCE / f"{name}.md").write_text(page(), encoding="utf-8")
