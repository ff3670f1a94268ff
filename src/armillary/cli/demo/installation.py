"""Where the demonstration lives: its directory, addresses, processes and the environment of each of them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import httpx

from armillary import clock
from armillary.cli.demo.databases import ARRANGEMENT_FILE, Arrangement, PostgreSQL
from armillary.cli.supervisor import Program
from armillary.clients.transport import Service

ALL_SERVICES: Final[tuple[Service, ...]] = ("portal", "configdb", "downtime", "archive")
_PREFIXES: Final[dict[Service, str]] = {
    "portal": "",
    "configdb": "/configdb",
    "downtime": "/downtime",
    "archive": "/archive",
}
_START_TIMEOUT_S: Final = 300.0
_LOWEST_PORT: Final = 10_000
_FIRST_EPHEMERAL_PORT: Final = 32_768
_LAST_LINES: Final = 8

Server = Literal["observatory", "portal", "configdb", "downtime", "archive"]
"""A server process: one that runs everything, or one for each service."""


class DemoError(RuntimeError):
    """The demonstration cannot go on; the message says why."""


@dataclass(frozen=True)
class Installation:
    """The directory and the addresses of one demonstration."""

    directory: Path
    port: int
    """First port; four separate services use this one and the three after it."""
    is_split: bool = False
    """Whether the four services run as separate processes with separate databases."""
    database: str | None = field(default=None, repr=False)
    """PostgreSQL server that holds the databases (it may hold a password); ``None``: SQLite files in the directory."""
    host: str = "localhost"

    @property
    def clock_file(self) -> Path:
        """The clock that all processes read."""
        return self.directory / "clock.json"

    @property
    def log_directory(self) -> Path:
        """What the processes print, a file for each."""
        return self.directory / "logs"

    @property
    def servers(self) -> tuple[Server, ...]:
        """The server processes, in the order in which they start."""
        return ("configdb", "downtime", "archive", "portal") if self.is_split else ("observatory",)

    def url(self, service: Service) -> str:
        """Address of a service."""
        if not self.is_split:
            return f"http://{self.host}:{self.port}{_PREFIXES[service]}"
        return f"http://{self.host}:{self.port_of(service)}"

    def port_of(self, server: Server) -> int:
        """Port of a server process."""
        return self.port if server == "observatory" else self.port + ALL_SERVICES.index(server)

    def environment(self, server: Server | None, *, token: str | None = None) -> dict[str, str]:
        """Environment of a server process, or of a process that only uses the services (``None``)."""
        common = {
            "ARMILLARY_MODE": "demo",
            "ARMILLARY_CLOCK_FILE": str(self.clock_file),
            "ARMILLARY_DATA_DIRECTORY": str(self.directory / (server or "clients")),
            "ARMILLARY_ORGANIZATION_NAME": "Armillary Demo Observatory",
            "ARMILLARY_DAYS_UNTIL_PUBLIC": "365",
        }
        if token is not None:
            common["ARMILLARY_API_TOKEN"] = token
        if server is None:
            return common | {f"ARMILLARY_{service.upper()}_URL": self.url(service) for service in ALL_SERVICES}
        common |= {
            "ARMILLARY_SECRET_KEY": self.secret(f"secret_key_{server}"),
            "ARMILLARY_PUBLIC_URL": f"http://{self.host}:{self.port_of(server)}",
            "ARMILLARY_OAUTH_SERVER_KEY": self.secret("oauth_server_key"),
        }
        if self.postgresql is not None:
            common["ARMILLARY_DATABASE_URL"] = self.postgresql.url(server)
        if server == "observatory":
            return common
        elsewhere = {f"ARMILLARY_{it.upper()}_URL": self.url(it) for it in ALL_SERVICES if it != server}
        return common | elsewhere | {"ARMILLARY_COMPONENTS": "portal,web" if server == "portal" else server}

    @property
    def postgresql(self) -> PostgreSQL | None:
        """The databases, when they are on a PostgreSQL server."""
        return None if self.database is None else PostgreSQL(self.database, self.directory)

    def make_databases(self) -> None:
        """Make the databases that are not there, and remember how this demonstration is arranged."""
        _write_privately(self.directory / ARRANGEMENT_FILE, asdict(Arrangement(self.is_split, self.database)))
        if self.postgresql is not None:
            for server in self.servers:
                self.postgresql.make(server)

    def forget(self) -> None:
        """Remove everything that this demonstration keeps."""
        if self.postgresql is not None:
            for server in self.servers:
                self.postgresql.drop(server)
        shutil.rmtree(self.directory, ignore_errors=True)

    def server_programs(self) -> list[Program]:
        """The web servers."""
        return [
            Program(
                name="web" if server == "observatory" else server,
                arguments=("-m", "armillary", "serve", "--host", self.host, "--port", str(self.port_of(server))),
                environment=self.environment(server),
            )
            for server in self.servers
        ]

    def worker_programs(self) -> list[Program]:
        """A task worker for each database."""
        return [
            Program(
                name="worker" if server == "observatory" else f"{server}-worker",
                arguments=("-m", "armillary", "worker"),
                environment=self.environment(server),
            )
            for server in self.servers
        ]

    def observing_programs(self, telescopes: tuple[str, ...], token: str) -> list[Program]:
        """The scheduler and one agent for each telescope."""
        environment = self.environment(None, token=token)
        return [
            Program("scheduler", ("-m", "armillary", "scheduler", "run"), environment),
            *(
                Program(f"telescope-{key}", ("-m", "armillary", "telescope", "run", key), environment)
                for key in telescopes
            ),
        ]

    def secret(self, name: str) -> str:
        """A secret of this installation, made at its first use and kept in a file only its owner can read."""
        known = self._kept_secrets
        if name not in known:
            known[name] = secrets.token_urlsafe(48 if name.startswith("secret_key") else 12)
            _write_privately(self.directory / "secrets.json", known)
        return known[name]

    @cached_property
    def _kept_secrets(self) -> dict[str, str]:
        path = self.directory / "secrets.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def set_clock(self, moment: datetime, speed: float) -> None:
        """Set the clock of all processes, this one included."""
        clock.set_clock(self.clock_file, moment, speed)

    def enter(self, token: str | None = None) -> None:
        """Make this process one that uses the installation's services and clock."""
        for name in [name for name in os.environ if name.startswith("ARMILLARY_")]:
            del os.environ[name]
        os.environ.update(self.environment(None, token=token))

    def wait_until_served(self) -> None:
        """Wait until every server answers.

        Raises:
            DemoError: One of them does not within five minutes.
        """
        for server, program in zip(self.servers, self.server_programs(), strict=True):
            log = self.log_directory / f"{program.name}.log"
            _wait_for(f"http://{self.host}:{self.port_of(server)}/health/", server, log)

    def require_free_ports(self) -> None:
        """Raises: DemoError: Something else listens on one of the ports."""
        for server in self.servers:
            with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
                if probe.connect_ex((self.host, self.port_of(server))) == 0:
                    raise DemoError(f"port {self.port_of(server)} is in use; choose another one with --port")


def free_ports(count: int = len(ALL_SERVICES)) -> int:
    """The first of ``count`` consecutive ports that nothing uses.

    They lie below those that the system gives to whoever connects to something: of these, one that is free now may be
    somebody's end of a connection by the time that a server wants to listen there.

    Raises:
        DemoError: None are found.
    """
    for _ in range(100):
        first = _LOWEST_PORT + secrets.randbelow(_first_ephemeral_port() - count - _LOWEST_PORT)
        if all(_is_free(first + offset) for offset in range(count)):
            return first
    raise DemoError(f"no {count} free ports in a row were found")


def _first_ephemeral_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    except OSError:
        return _FIRST_EPHEMERAL_PORT  # not Linux


def python(*arguments: str) -> list[str]:
    """Command line of a Python module of ours."""
    return [sys.executable, *arguments]


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind(("localhost", port))
        except OSError:
            return False
        return True


def _wait_for(url: str, name: str, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    reason = "no answer"
    with httpx.Client(timeout=5) as http:
        while time.monotonic() < deadline:
            try:
                answer = http.get(url)
            except httpx.TransportError as error:
                reason = str(error)
            else:
                if answer.is_success:
                    return
                reason = f"status {answer.status_code}"
            time.sleep(0.1)
    raise DemoError(f"the {name} server does not answer at {url}: {reason}; its log ends so:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return (
        "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]) if log.exists() else ""
    )


def _write_privately(path: Path, content: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
    temporary.replace(path)
