"""Nothing is lost and nothing doubled, whatever fails in between.

The archive here is a real HTTP server of its own, small enough to be made to fail exactly when a test wants it to.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from armillary import clock
from armillary.clients.archive import ArchiveClient
from armillary.clients.transport import connect
from armillary.ingester import ArchiveUnreachable, Patience, UnacceptableFile, command, ingest
from armillary.ingester.command import IngestRun, ingest_files, watch_directory
from armillary.ingester.journal import FileState, Fingerprint, Journal

QUICK = Patience(attempts=3, first_pause_s=0.01)


class TwoLooks(threading.Event):
    """Says stop after the second look at a folder."""

    looks = 0

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        self.looks += 1
        if self.looks == 2:
            self.set()
        return self.is_set()


class SmallArchive:
    """Speaks the ingester's part of the archive's wire, keeps what it is given, and fails on demand."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.frames: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.failures: list[tuple[str, int, bool]] = []
        """Method, status, and whether the work is done before the failure is answered."""

    def fail(self, method: str, status: int = 503, *, after_the_work: bool = False, times: int = 1) -> None:
        self.failures += [(method, status, after_the_work)] * times

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        self.calls.append(method)
        failure = next((found for found in self.failures if found[0] == method), None)
        if failure is not None:
            self.failures.remove(failure)
            if failure[2]:
                self._work(method, path, body)
            return failure[1], {"detail": "made to fail"}
        return self._work(method, path, body)

    def _work(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == "GET":
            md5 = path.rpartition("md5=")[2]
            found = [version for frame in self.frames for version in frame["version_set"] if version["md5"] == md5]
            return 200, {"count": len(found), "next": None, "results": found}
        if method == "PUT":
            key = hashlib.sha256(path.encode() + body).hexdigest()[:32]
            self.files[key] = body
            md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
            return 201, {"key": key, "md5": md5, "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}
        frame = json.loads(body)
        known = {version["md5"] for other in self.frames for version in other["version_set"]}
        if frame["version_set"][0]["md5"] in known:
            return 400, {"version_set": [{"md5": ["version with this md5 already exists."]}]}
        self.frames.append(frame)
        return 201, {"id": len(self.frames), "url": "http://archive.example/files/1"}


@pytest.fixture
def small_archive() -> Iterator[tuple[SmallArchive, ArchiveClient]]:
    model = SmallArchive()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command == "PUT":
                digest = self.headers["Content-Digest"].split("sha-256=:")[1].split(":")[0]
                assert base64.b64decode(digest) == hashlib.sha256(body).digest()
            status, answer = model.answer(self.command, self.path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = _do  # noqa: N815  the names that http.server calls

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with connect("archive", token="t", url=f"http://127.0.0.1:{server.server_port}") as http:
        yield model, ArchiveClient(http)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "a-e00.fits", value: int = 0, folder: str = "in", **changes: Any) -> Path:
        words = {
            "PROPID": "p", "DATE-OBS": "2026-11-23T02:03:04", "DAY-OBS": "20261122", "INSTRUME": "i", "SITEID": "s",
            "TELID": "t", "OBSTYPE": "EXPOSE", "BLKUID": 1,
        }  # fmt: skip
        header = fits.Header({key: word for key, word in (words | changes).items() if word is not None})
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fits.PrimaryHDU(np.full((3, 3), value, np.int16), header).writeto(path)
        return path

    return make


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@pytest.mark.parametrize("after_the_work", [False, True])
def test_a_failure_at_any_step_is_waited_out(
    small_archive: tuple[SmallArchive, ArchiveClient], write: Callable[..., Path], method: str, after_the_work: bool
) -> None:
    model, client = small_archive
    model.fail(method, after_the_work=after_the_work, times=2)
    path = write()
    result = ingest(path, archive=client, patience=QUICK)
    assert len(model.frames) == 1
    assert list(model.files.values()) == [path.read_bytes()]
    assert result.was_there_already == (method == "POST" and after_the_work)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@pytest.mark.parametrize("after_the_work", [False, True])
def test_a_crash_after_any_step_heals_on_the_next_run(
    small_archive: tuple[SmallArchive, ArchiveClient], write: Callable[..., Path], method: str, after_the_work: bool
) -> None:
    model, client = small_archive
    model.fail(method, after_the_work=after_the_work)
    path = write()
    with pytest.raises(ArchiveUnreachable):
        ingest(path, archive=client, patience=Patience(attempts=1))
    ingest(path, archive=client, patience=Patience(attempts=1))
    assert len(model.frames) == 1
    assert len(model.files) == 1


def test_a_refusal_is_not_repeated(
    small_archive: tuple[SmallArchive, ArchiveClient], write: Callable[..., Path]
) -> None:
    model, client = small_archive
    model.fail("POST", 400)
    with pytest.raises(UnacceptableFile, match="made to fail"):
        ingest(write(), archive=client, patience=QUICK)
    assert model.calls == ["GET", "PUT", "POST"]


def test_private_data_wait_while_the_proposal_cannot_be_looked_up(
    small_archive: tuple[SmallArchive, ArchiveClient], write: Callable[..., Path]
) -> None:
    from armillary.clients.errors import RequestRefused, ServiceUnavailable

    model, client = small_archive
    path = write()

    def away(_proposal: str) -> list[str]:
        raise ServiceUnavailable("portal", "gone fishing")

    def unknown(_proposal: str) -> list[str]:
        raise RequestRefused("portal", 404, "no such proposal")

    with pytest.raises(ArchiveUnreachable, match="gone fishing"):
        ingest(path, archive=client, tags_of=away, patience=Patience(attempts=1))
    assert model.frames == []
    ingest(path, archive=client, tags_of=unknown, patience=QUICK)
    assert len(model.frames) == 1


def test_the_command_reports_every_file_and_remembers(
    small_archive: tuple[SmallArchive, ArchiveClient], write: Callable[..., Path], tmp_path: Path
) -> None:
    model, client = small_archive
    paths = [write(f"n{number}-e00.fits", number) for number in range(5)] + [write("bad-e00.fits", 9, PROPID=None)]
    run = IngestRun(client, Journal(tmp_path / "journal.sqlite3"), patience=QUICK)
    states = [outcome.state for outcome in ingest_files([*paths, tmp_path / "gone-e00.fits"], run)]
    assert states == [FileState.INGESTED] * 5 + [FileState.REFUSED] * 2
    calls = len(model.calls)
    again = IngestRun(client, Journal(tmp_path / "journal.sqlite3"), patience=QUICK)
    assert [outcome.state for outcome in ingest_files(paths[:5], again)] == [FileState.INGESTED] * 5
    assert len(model.calls) == calls


def test_a_watched_folder_is_emptied_into_the_archive_through_an_outage(
    small_archive: tuple[SmallArchive, ArchiveClient], write: Callable[..., Path], tmp_path: Path
) -> None:
    model, client = small_archive
    model.fail("PUT", times=2)
    done: list[Path] = []
    stop = threading.Event()

    def note(outcome: Any) -> None:
        if outcome.state is FileState.INGESTED:
            done.append(outcome.path)
        if len(done) == 3:
            stop.set()

    for number in range(2):
        write(f"early{number}-e00.fits", number)
    (tmp_path / "in" / "half-e00.fits.part").write_bytes(b"not whole")
    run = IngestRun(client, Journal(tmp_path / "journal.sqlite3"), patience=Patience(attempts=1), report=note)
    watching = threading.Thread(
        target=watch_directory,
        args=(tmp_path / "in", run, stop),
        kwargs={"poll_s": 0.05, "settled_s": 0.1, "retry_s": 0.1},
    )
    watching.start()
    write("late-e00.fits", 7)
    watching.join(timeout=20)
    assert not watching.is_alive()
    assert sorted(frame["basename"] for frame in model.frames) == ["early0-e00", "early1-e00", "late-e00"]


def test_more_files_than_are_remembered_come_in_through_an_outage_all_the_same(
    small_archive: tuple[SmallArchive, ArchiveClient],
    write: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "_REMEMBERED", 2)
    monkeypatch.setattr(command, "_AT_A_TIME", 3)
    model, client = small_archive
    model.fail("PUT", times=5)
    for number in range(8):
        write(f"m{number}-e00.fits", number, folder=f"in/night{number % 3}")
    stop = threading.Event()
    run = IngestRun(client, Journal(tmp_path / "journal.sqlite3"), patience=Patience(attempts=1), workers=2)
    watching = threading.Thread(
        target=watch_directory,
        args=(tmp_path / "in", run, stop),
        kwargs={"poll_s": 0.02, "settled_s": 0.05, "retry_s": 0.1},
    )
    watching.start()
    until = time.monotonic() + 20
    while len(model.frames) < 8 and time.monotonic() < until:
        time.sleep(0.02)
    stop.set()
    watching.join(timeout=20)
    assert sorted(frame["basename"] for frame in model.frames) == [f"m{number}-e00" for number in range(8)]


def test_a_watched_folder_needs_no_more_memory_for_more_files(
    small_archive: tuple[SmallArchive, ArchiveClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_AT_A_TIME", 50)

    def peak(count: int) -> int:
        folder = tmp_path / f"in{count}"
        folder.mkdir()
        journal = Journal(tmp_path / f"{count}.sqlite3")
        for number in range(count):
            path = folder / f"m{number:04d}-e00.fits"
            path.write_bytes(b"")
            journal.note(path, Fingerprint.of(path), FileState.INGESTED, "", at=clock.now())
        # What threads of others need at the same moment counts too: the least is what is needed.
        return min(look(folder, IngestRun(small_archive[1], journal)) for _ in range(4))

    def look(folder: Path, run: IngestRun) -> int:
        stop = TwoLooks()
        gc.collect()  # what others left behind is told of now, and not while we measure
        gc.disable()
        tracemalloc.start()
        try:
            watch_directory(folder, run, stop, poll_s=0.01)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            gc.enable()

    peak(10)  # imports what it needs
    assert peak(600) < 1.5 * peak(200)


def test_a_watched_folder_that_cannot_be_read_is_said(
    small_archive: tuple[SmallArchive, ArchiveClient], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watch_directory(tmp_path / "gone", IngestRun(small_archive[1], Journal(tmp_path / "j.sqlite3")), TwoLooks())
    told = capsys.readouterr()
    assert "folder_not_read" in told.out + told.err


def test_a_file_that_still_grows_is_left_alone(
    small_archive: tuple[SmallArchive, ArchiveClient], write: Callable[..., Path], tmp_path: Path
) -> None:
    model, client = small_archive
    whole = write("whole-e00.fits", folder="elsewhere").read_bytes()
    target = tmp_path / "in" / "grows-e00.fits"
    target.parent.mkdir(exist_ok=True)
    stop, finished = threading.Event(), threading.Event()
    run = IngestRun(
        client, Journal(tmp_path / "j.sqlite3"), patience=Patience(attempts=1), report=lambda _outcome: finished.set()
    )
    watching = threading.Thread(
        target=watch_directory, args=(target.parent, run, stop), kwargs={"poll_s": 0.02, "settled_s": 0.5}
    )
    watching.start()
    with target.open("wb") as stream:
        for start in range(0, len(whole), len(whole) // 4):
            stream.write(whole[start : start + len(whole) // 4])
            stream.flush()
            assert not finished.wait(0.1)
    assert finished.wait(20)
    stop.set()
    watching.join(timeout=20)
    assert len(model.frames) == 1
