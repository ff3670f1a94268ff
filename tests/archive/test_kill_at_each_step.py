"""Archive and ingester are killed (SIGKILL) at each step; the next run heals it: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import mortal
import pytest

from armillary.archive.stores import FileSystemStore


class Program:
    """One of the programs of :mod:`mortal`, told what to do line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        lines = iter(self._process.stdout.readline, "")
        return dict(json.loads(next(line for line in lines if line.startswith("{"))))  # logs go there too

    def told(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self.heard()


@contextmanager
def _started(*arguments: str) -> Iterator[Program]:
    process = subprocess.Popen(
        [sys.executable, mortal.__file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Program(process)
    finally:
        process.communicate()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mortal")


@pytest.fixture(scope="module")
def archive(directory: Path) -> Iterator[tuple[Program, dict[str, Any]]]:
    with _started("archive", str(directory)) as program:
        yield program, program.heard()


@pytest.fixture(scope="module")
def ingester() -> Iterator[Program]:
    with _started("ingester") as program:
        yield program


def _kept(directory: Path) -> int:
    return len(list(FileSystemStore(directory / "archive").everything()))


def _check(frame: Path, found: dict[str, Any], directory: Path, before: int) -> None:
    url = f"http://127.0.0.1:{found['port']}"
    answer = httpx.get(f"{url}/frames/?basename_exact={frame.name.partition('.')[0]}", headers=_token(found)).json()
    assert answer["count"] == 1
    (result,) = answer["results"]
    assert len(result["version_set"]) == 1
    assert httpx.get(result["url"]).content == frame.read_bytes()
    assert _kept(directory) == before + 1


def _token(found: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Token {found['token']}"}


def _command(found: dict[str, Any], path: Path, directory: Path, die_at: str | None = None) -> dict[str, Any]:
    url, journal = f"http://127.0.0.1:{found['port']}", str(directory / "journal.sqlite3")
    return {"die_at": die_at, "url": url, "token": found["token"], "path": str(path), "journal": journal}


@pytest.mark.parametrize("step", mortal.ARCHIVE_STEPS)
def test_an_archive_that_is_killed_heals(
    step: str,
    archive: tuple[Program, dict[str, Any]],
    ingester: Program,
    fits_file: Callable[..., Path],
    directory: Path,
) -> None:
    program, found = archive
    path, before = fits_file(), _kept(directory)
    program.told(die_at=step)
    assert ingester.told(**_command(found, path, directory)) == {"states": ["waiting"]}
    program.told(die_at=None)
    assert ingester.told(**_command(found, path, directory)) == {"states": ["ingested"]}
    _check(path, found, directory, before)


@pytest.mark.parametrize("step", mortal.INGESTER_STEPS)
def test_an_ingester_that_is_killed_heals(
    step: str,
    archive: tuple[Program, dict[str, Any]],
    ingester: Program,
    fits_file: Callable[..., Path],
    directory: Path,
) -> None:
    program, found = archive
    path, before = fits_file(), _kept(directory)
    program.told(die_at=None)
    assert ingester.told(**_command(found, path, directory, step)) == {"killed": signal.SIGKILL}
    assert ingester.told(**_command(found, path, directory)) == {"states": ["ingested"]}
    _check(path, found, directory, before)
