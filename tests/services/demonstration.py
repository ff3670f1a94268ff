"""Starts the demonstration as a person would, and looks at it as the telescope's operator."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from armillary import clock
from armillary.cli.demo.installation import free_ports
from armillary.clients.portal import PortalClient
from armillary.clients.transport import connect


def environment() -> dict[str, str]:
    """The surroundings of a person who has set nothing."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ARMILLARY_", "DJANGO_"))}


def on_the_database_of_this_run() -> list[str]:
    """Options that put the demonstration on the PostgreSQL server that the tests run on, if they do."""
    address = os.environ.get("ARMILLARY_DATABASE_URL", "")
    return ["--database", address] if address.startswith("postgresql") else []


def night_at_once(directory: Path, *options: str, timeout_s: float = 1800) -> dict[str, Any]:
    """Run ``armillary demo --once`` to its end and read its report."""
    report = directory / "report.json"
    outcome = subprocess.run(
        [
            sys.executable,
            "-m",
            "armillary",
            "demo",
            "--once",
            "--json",
            str(report),
            *on_the_database_of_this_run(),
            *options,
        ],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr[-6000:]
    return dict(json.loads(report.read_text(encoding="utf-8")))


@dataclass
class LiveDemonstration:
    """A demonstration that runs on a fast clock under its supervisor."""

    directory: Path
    port: int
    process: subprocess.Popen[str]
    connections: list[httpx.Client] = field(default_factory=list)

    @classmethod
    def start(cls, directory: Path, *, speed: float, port: int | None = None, more: int = 0) -> LiveDemonstration:
        port = port or free_ports()
        with (directory.parent / "demo.log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "armillary", "demo"),
                    *("--speed", str(speed), "--port", str(port), "--directory", str(directory), "--more", str(more)),
                    *on_the_database_of_this_run(),
                ],
                env=environment() | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        demonstration = cls(directory, port, process)
        demonstration.wait_for(
            lambda: "telescope-" in " ".join(demonstration.children()), "the telescope to be started"
        )
        return demonstration

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def output(self) -> str:
        return (self.directory.parent / "demo.log").read_text(encoding="utf-8")

    def password(self, person: str) -> str:
        secrets = json.loads((self.directory / "secrets.json").read_text(encoding="utf-8"))
        return str(secrets[f"password_{person}"])

    def portal(self, person: str = "operator") -> PortalClient:
        answer = httpx.post(
            f"{self.url}/api/api-token-auth/", data={"username": person, "password": self.password(person)}, timeout=30
        )
        answer.raise_for_status()
        self.connections.append(connect("portal", url=self.url, token=answer.json()["token"]))
        return PortalClient(self.connections[-1])

    def children(self) -> dict[str, int]:
        """Names and process ids of what the supervisor runs."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
                command = (path / "cmdline").read_bytes().decode().split("\0")
            except (OSError, IndexError, ValueError):
                continue
            if parent == self.process.pid and "armillary" in command:
                found[_name_of(command[command.index("armillary") + 1 :])] = int(path.name)
        return found

    def kill(self, name: str) -> None:
        """Kill a process as a power cut would, and wait until the supervisor has started another in its place."""
        victim = self.children()[name]
        os.kill(victim, signal.SIGKILL)
        self.wait_for(lambda: self.children().get(name, victim) != victim, f"{name} to be started again")

    def wait_for(self, condition: Any, what: str, timeout_s: float = 600) -> Any:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the demonstration ended while waiting for {what}:\n{self.output[-4000:]}")
            if found := condition():
                return found
            time.sleep(0.2)
        raise AssertionError(f"waited {timeout_s} s in vain for {what}:\n{self.output[-4000:]}")

    def now(self) -> datetime:
        """What the observatory's clock shows."""
        with self._its_clock():
            return clock.now()

    def clock_speed(self) -> float:
        """Observatory seconds per real second; 0 when it stands still."""
        with self._its_clock():
            return clock.speed()

    def skip_to(self, moment: datetime) -> None:
        """Set the clock forward, as somebody who does not want to wait would."""
        with self._its_clock():
            if moment > clock.now():
                clock.set_clock(self._clock_file, moment, clock.speed())

    def run_at(self, speed: float) -> None:
        """From now on let the observatory's clock go at another speed, in observatory seconds per real second."""
        with self._its_clock():
            clock.set_clock(self._clock_file, clock.now(), speed)

    @property
    def _clock_file(self) -> Path:
        return self.directory / "clock.json"

    @contextmanager
    def _its_clock(self) -> Iterator[None]:
        before = os.environ.get(clock.CLOCK_FILE_VARIABLE)
        os.environ[clock.CLOCK_FILE_VARIABLE] = str(self._clock_file)
        try:
            yield
        finally:
            del os.environ[clock.CLOCK_FILE_VARIABLE]
            if before is not None:
                os.environ[clock.CLOCK_FILE_VARIABLE] = before

    def interrupt(self) -> int:
        """Press Ctrl-C and wait."""
        for connection in self.connections:
            connection.close()
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def _name_of(arguments: list[str]) -> str:
    if arguments[:2] == ["telescope", "run"]:
        return f"telescope-{arguments[2]}"
    return re.sub("^serve$", "web", arguments[0])
