"""``armillary ingest``: files given by name, or a folder that is watched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from armillary import clock
from armillary.clients.archive import ArchiveClient
from armillary.clients.errors import ServiceUnavailable
from armillary.ingester.errors import UnacceptableFile
from armillary.ingester.ingest import IngestedFrame, TagsOf, ingest
from armillary.ingester.journal import FileState, Fingerprint, Journal
from armillary.ingester.settings import IngestSettings, Patience
from armillary.ingester.stores import ByteStore

_ENDINGS: Final = (".fits", ".fits.fz", ".fits.gz", ".tar.gz", ".pdf", ".jpg", ".jpeg")
_UNFINISHED: Final = (".part", ".tmp", ".partial")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    path: Path
    state: FileState
    detail: str
    """Where it is, or what is wrong with it."""
    frame: IngestedFrame | None = None


@dataclass(frozen=True, slots=True)
class IngestRun:
    """How a run of the command treats files."""

    archive: ArchiveClient
    journal: Journal
    settings: IngestSettings | None = None
    tags_of: TagsOf | None = None
    patience: Patience | None = None
    store: ByteStore | None = None
    """Where the bytes go; default: to the archive itself."""
    workers: int = 4
    """Files ingested at the same time."""
    report: Callable[[Outcome], None] = lambda _outcome: None
    """Is told about each file as it is done."""


def ingest_files(paths: Iterable[Path], run: IngestRun) -> list[Outcome]:
    """Ingest files, several at a time, and say what became of each.

    A file that the journal knows as ingested, unchanged since, is not read again. An unreadable one is refused.
    """
    with ThreadPoolExecutor(run.workers, thread_name_prefix="ingest") as pool:
        return list(pool.map(lambda path: _ingest_one(path, run), paths))


def watch_directory(
    directory: Path,
    run: IngestRun,
    stop: threading.Event,
    *,
    poll_s: float = 2.0,
    settled_s: float = 4.0,
    retry_s: float = 60.0,
) -> None:
    """Ingest every file that appears under a directory, until told to stop.

    A file is whole when its size and modification time have stayed the same for ``settled_s``; writers that rename a
    finished file into place do best. Files that could not be handed over because the archive was away are tried again
    every ``retry_s``. Times are real seconds: they are about disks and networks, not about the observatory's clock.
    """
    pending = _Pending(run.journal, settled_s=settled_s, retry_s=retry_s)
    while not stop.is_set():
        ready = list(pending.ready(directory, time.monotonic()))
        for outcome in ingest_files(ready, run):
            pending.done(outcome, time.monotonic())
        stop.wait(poll_s)


class _Pending:
    """Decides which files of a directory are ready to be ingested."""

    def __init__(self, journal: Journal, *, settled_s: float, retry_s: float) -> None:
        self._journal = journal
        self._settled_s = settled_s
        self._retry_s = retry_s
        self._seen: dict[Path, tuple[Fingerprint, float]] = {}
        self._finished: dict[Path, Fingerprint] = {}
        self._not_before: dict[Path, float] = {}

    def ready(self, directory: Path, now_s: float) -> Iterator[Path]:
        for path, fingerprint in _data_products(directory):
            if self._finished.get(path) == fingerprint or self._not_before.get(path, 0.0) > now_s:
                continue
            if self._is_known(path, fingerprint):
                self._finished[path] = fingerprint
            elif self._is_settled(path, fingerprint, now_s):
                yield path

    def done(self, outcome: Outcome, now_s: float) -> None:
        if outcome.state is FileState.WAITING:
            self._not_before[outcome.path] = now_s + self._retry_s
        elif outcome.path in self._seen:
            self._finished[outcome.path] = self._seen.pop(outcome.path)[0]

    def _is_known(self, path: Path, fingerprint: Fingerprint) -> bool:
        return self._journal.state(path, fingerprint) in {FileState.INGESTED, FileState.REFUSED}

    def _is_settled(self, path: Path, fingerprint: Fingerprint, now_s: float) -> bool:
        before = self._seen.get(path)
        if before is None or before[0] != fingerprint:
            self._seen[path] = (fingerprint, now_s)
            return self._settled_s <= 0
        return now_s - before[1] >= self._settled_s


def _data_products(directory: Path) -> Iterator[tuple[Path, Fingerprint]]:
    for path in sorted(directory.rglob("*")):
        name = path.name.lower()
        if name.startswith(".") or name.endswith(_UNFINISHED) or not name.endswith(_ENDINGS):
            continue
        try:
            if path.is_file():
                yield path, Fingerprint.of(path)
        except FileNotFoundError:
            continue  # renamed or removed while we looked


def _ingest_one(path: Path, run: IngestRun) -> Outcome:
    try:
        fingerprint = Fingerprint.of(path)
    except OSError as error:
        outcome = Outcome(path, FileState.REFUSED, f"{path} cannot be read: {error.strerror or error}")
        run.report(outcome)
        return outcome
    if run.journal.state(path, fingerprint) is FileState.INGESTED:
        outcome = Outcome(path, FileState.INGESTED, "was ingested before")
    else:
        outcome = _attempt(path, run)
        run.journal.note(path, fingerprint, outcome.state, outcome.detail, at=clock.now())
    run.report(outcome)
    return outcome


def _attempt(path: Path, run: IngestRun) -> Outcome:
    try:
        frame = ingest(
            path,
            archive=run.archive,
            settings=run.settings,
            tags_of=run.tags_of,
            patience=run.patience,
            store=run.store,
        )
    except UnacceptableFile as error:
        log.warning("file_refused", file=str(path), problems=error.problems)
        return Outcome(path, FileState.REFUSED, str(error))
    except ServiceUnavailable as error:
        log.warning("file_waits", file=str(path), reason=str(error))
        return Outcome(path, FileState.WAITING, str(error))
    return Outcome(path, FileState.INGESTED, frame.url or "was in the archive before", frame)
