"""Brings Django up for the commands that need it; the others start without it, and faster."""

from __future__ import annotations

import os

import typer

from armillary.configuration import ConfigurationError, configuration


def start_django() -> None:
    """Load the settings and the components that run here; a wrong setting ends the command with a sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "armillary.server.settings")
    require_configuration()
    try:
        import django
        from django.core.exceptions import ImproperlyConfigured
    except ImportError as error:
        raise refuse("this command needs the server extra: pip install 'armillary[server]'") from error
    try:
        django.setup()
    except ImproperlyConfigured as error:
        raise refuse(str(error)) from error


def require_configuration() -> None:
    """End the command with a sentence when the settings are wrong."""
    try:
        configuration()
    except ConfigurationError as error:
        raise refuse(str(error)) from error


def refuse(sentence: str) -> typer.Exit:
    """Print why the command cannot do what was asked; raise what this returns."""
    typer.secho(f"armillary: {sentence}", fg="red", err=True)
    return typer.Exit(1)
