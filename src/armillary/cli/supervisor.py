"""Keeps the processes of an observatory on one machine running.

In a cluster that is Kubernetes' work and on a server systemd's; this is for ``armillary up`` and ``armillary demo``. A
program that dies is started again, at once at first and then with growing pauses; all of them stop when the supervisor
does, also when it is killed (Linux tells them).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Final

from armillary.server.processes import end_with_parent

_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 30.0
_STABLE_AFTER_S: Final = 30.0
_GRACE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep running."""

    name: str
    arguments: tuple[str, ...]
    """Command line after the Python interpreter, e.g. ``("-m", "armillary", "worker")``."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the one that all programs of a supervisor share."""


@dataclass(slots=True)
class _Running:
    program: Program
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    started: float
    pause_s: float = _FIRST_PAUSE_S
    restarts: int = 0
    due: float | None = None


class Supervisor:
    """Starts programs, starts those that die again, and stops all of them in reverse order."""

    def __init__(
        self, log_directory: Path, say: Callable[[str], None], *, environment: Mapping[str, str] | None = None
    ) -> None:
        """Make a supervisor that runs nothing yet.

        Args:
            log_directory: Where each program's output is kept, in a file of its name.
            say: Told in a sentence when a program ends.
            environment: What all programs share; by default the environment of this process as it is now, so that
                what is set later for this process's own use reaches none of them.
        """
        self._log_directory = log_directory
        self._say = say
        self._environment = dict(os.environ if environment is None else environment)
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        # Linux ends a child when the *thread* that started it ends: this one lives as long as the process.
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="supervisor")
        self._stopping = threading.Event()
        log_directory.mkdir(parents=True, exist_ok=True)

    def start(self, programs: Sequence[Program]) -> None:
        """Start programs; they are watched from now on."""
        for program in programs:
            log = (self._log_directory / f"{program.name}.log").open("ab")
            with self._lock:
                self._running[program.name] = _Running(program, self._spawn(program, log), log, time.monotonic())

    def watch(self, until: Callable[[], bool] = lambda: False, *, interval_s: float = 0.1) -> None:
        """Keep the programs running until :meth:`stop` is called or ``until()`` is true."""
        while not self._stopping.is_set() and not until():
            with self._lock:
                for running in self._running.values():
                    self._look_after(running)
            self._stopping.wait(interval_s)

    def pids(self) -> dict[str, int]:
        """Process ids of the programs that run now."""
        with self._lock:
            return {name: it.process.pid for name, it in self._running.items() if it.process.poll() is None}

    def restarts(self) -> dict[str, int]:
        """How often each program was started again."""
        with self._lock:
            return {name: it.restarts for name, it in self._running.items()}

    def stop(self) -> None:
        """Ask all programs to end, the last started first, and wait; those that do not end in time are killed."""
        self._stopping.set()
        with self._lock:
            for running in reversed(self._running.values()):
                if running.process.poll() is None:
                    running.process.terminate()
            deadline = time.monotonic() + _GRACE_S
            for running in reversed(self._running.values()):
                self._wait_for(running, deadline)
                running.log.close()
            self._running.clear()
        self._starter.shutdown()

    def _wait_for(self, running: _Running, deadline: float) -> None:
        try:
            running.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._say(f"{running.program.name} does not end; killing it")
            running.process.kill()
            running.process.wait()

    def _look_after(self, running: _Running) -> None:
        status = running.process.poll()
        if status is None:
            return
        now = time.monotonic()
        if running.due is None:
            if now - running.started > _STABLE_AFTER_S:
                running.pause_s = _FIRST_PAUSE_S
            self._say(
                f"{running.program.name} ended ({_describe(status)}); starting it again in {running.pause_s:g} s, "
                f"its log is {running.log.name}"
            )
            running.due = now + running.pause_s
            running.pause_s = min(2 * running.pause_s, _LONGEST_PAUSE_S)
        elif now >= running.due:
            running.process = self._spawn(running.program, running.log)
            running.started, running.due = now, None
            running.restarts += 1

    def _spawn(self, program: Program, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return self._starter.submit(self._open, program, log).result()

    def _open(self, program: Program, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  the command lines are our own
            [sys.executable, *program.arguments],
            env=self._environment | dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops the others in order
            preexec_fn=partial(end_with_parent, os.getpid(), signal.SIGTERM),  # noqa: PLW1509  a single prctl call; no locks are taken
        )


def _describe(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
