from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from armillary.cli.supervisor import Program, Supervisor

SLEEP = ("-c", "import time; time.sleep(60)")


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervised = Supervisor(tmp_path / "logs", lambda _: None)
    yield supervised
    supervised.stop()


def _watch_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    supervisor.watch(lambda: condition() or time.monotonic() > deadline, interval_s=0.02)
    assert condition()


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_that_is_killed_is_started_again(supervisor: Supervisor) -> None:
    supervisor.start([Program("sleeper", SLEEP)])
    first = supervisor.pids()["sleeper"]
    os.kill(first, signal.SIGKILL)
    _watch_until(supervisor, lambda: supervisor.pids().get("sleeper", first) != first)
    assert supervisor.restarts() == {"sleeper": 1}


def test_a_program_that_was_started_again_outlives_the_thread_that_watched(supervisor: Supervisor) -> None:
    supervisor.start([Program("sleeper", SLEEP)])
    first = supervisor.pids()["sleeper"]
    os.kill(first, signal.SIGKILL)
    watcher = threading.Thread(
        target=_watch_until, args=(supervisor, lambda: supervisor.pids().get("sleeper", first) != first)
    )
    watcher.start()
    watcher.join()
    second = supervisor.pids()["sleeper"]
    time.sleep(0.5)
    assert _is_alive(second)


def test_a_program_that_fails_at_once_is_started_again_ever_more_slowly(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(tmp_path, said.append)
    supervisor.start([Program("failing", ("-c", "raise SystemExit(3)"))])
    _watch_until(supervisor, lambda: supervisor.restarts()["failing"] >= 2)
    supervisor.stop()
    assert "exit status 3" in said[0]
    assert "0.2 s" in said[0]
    assert "0.4 s" in said[1]


def test_what_a_program_prints_is_in_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([Program("talker", ("-c", "import os; print(os.environ['WORD'], flush=True)"), {"WORD": "hello"})])
    log = tmp_path / "logs" / "talker.log"
    _watch_until(supervisor, lambda: "hello" in log.read_text())


def test_stopping_ends_every_program(supervisor: Supervisor) -> None:
    supervisor.start([Program("one", SLEEP), Program("two", SLEEP)])
    pids = supervisor.pids().values()
    supervisor.stop()
    assert not any(_is_alive(pid) for pid in pids)
    assert supervisor.pids() == {}


def test_watching_ends_when_somebody_stops_it(supervisor: Supervisor) -> None:
    supervisor.start([Program("sleeper", SLEEP)])
    threading.Timer(0.1, supervisor.stop).start()
    supervisor.watch()
    assert supervisor.pids() == {}


def test_programs_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from armillary.cli.supervisor import Program, Supervisor\n"
        f"s = Supervisor(Path({str(tmp_path)!r}), print); s.start([Program('sleeper', {SLEEP!r})])\n"
        "print(s.pids()['sleeper'], flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_alive(pid)


def test_what_the_supervising_process_sets_later_for_itself_reaches_no_program(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SET_LATER", "secret")
    supervisor.start(
        [Program("curious", ("-c", "import os; print(os.environ.get('SET_LATER', 'nothing'), flush=True)"))]
    )
    log = tmp_path / "logs" / "curious.log"
    _watch_until(supervisor, lambda: log.exists() and b"\n" in log.read_bytes())
    assert log.read_text(encoding="utf-8").startswith("nothing")
