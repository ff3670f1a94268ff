"""Answers "is my set-up sane?" with sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Final, Literal

import httpx
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from armillary.clients.errors import ClientError
from armillary.clients.transport import Service, connect
from armillary.configuration import SERVICES, configuration

Level = Literal["ok", "warning", "error"]
_PROBES: Final[dict[Service, str]] = {
    "portal": "api/semesters/?limit=1",
    "configdb": "sites/?limit=1",
    "downtime": "api/?limit=1",
    "archive": "health/",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    level: Level
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def findings() -> list[Finding]:
    """Look at everything; nothing is changed."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (_components, _django, _database, _storage, _services)
    return [finding for look in looks for finding in look()]


def _components() -> Iterator[Finding]:
    settings = configuration()
    names = ", ".join(sorted(settings.components))
    yield Finding("components", "ok", f"{names} run in this process, in {settings.mode} mode")


def _django() -> Iterator[Finding]:
    messages = checks.run_checks(include_deployment_checks=configuration().is_production)
    for message in messages:
        level: Level = "error" if message.level >= checks.ERROR else "warning"
        yield Finding(f"settings ({message.id})", level, str(message.msg))
    if not messages:
        yield Finding("settings", "ok", "no objections")


def _database() -> Iterator[Finding]:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        yield Finding("database", "error", f"{connection.vendor} cannot be used: {error}")
        return
    if pending:
        yield Finding("database", "error", f"{len(pending)} migrations are not applied; run: armillary migrate")
    else:
        yield Finding("database", "ok", f"{connection.vendor}, all migrations are applied")


def _storage() -> Iterator[Finding]:
    directory = configuration().data_directory
    probe = directory / ".writable"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        yield Finding("data directory", "error", f"{directory} cannot be written to: {error.strerror}")
    else:
        yield Finding("data directory", "ok", f"{directory} can be written to")


def _services() -> Iterator[Finding]:
    settings = configuration()
    for service, probe in _PROBES.items():
        elsewhere = settings.url_of(service)
        place = f"at {elsewhere}" if elsewhere else "in this process"
        if elsewhere is None and service not in {str(it) for it in SERVICES if settings.runs(it)}:
            sentence = f"does not run here, and ARMILLARY_{service.upper()}_URL is not set"
            yield Finding(service, "warning", sentence)
            continue
        try:
            connect(service, timeout_s=10).get(probe)
        except (ClientError, httpx.HTTPError) as error:
            yield Finding(service, "error", f"{place}: {error}")
        else:
            yield Finding(service, "ok", f"answers {place}")
