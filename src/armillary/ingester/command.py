"""``armillary ingest``: files given by name, or a folder that is watched."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, takewhile
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
_AHEAD: Final = 4
"""Files begun or waiting for each worker."""
_AT_A_TIME: Final = 500
"""Files that the journal is asked about at once."""
_REMEMBERED: Final = 10_000
"""New files, and files that wait for the archive, that are kept in mind."""

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


def ingest_files(paths: Iterable[Path], run: IngestRun) -> Iterator[Outcome]:
    """Ingest files, several at a time, and say what became of each, in their order, as it is asked for.

    A file that the journal knows as ingested, unchanged since, is not read again. An unreadable one is refused. Only a
    few files are held at once, however many there are.
    """
    with ThreadPoolExecutor(run.workers, thread_name_prefix="ingest") as pool:
        begun: deque[Future[Outcome]] = deque()
        for path in paths:
            if len(begun) >= run.workers * _AHEAD:
                yield begun.popleft().result()
            begun.append(pool.submit(_ingest_one, path, run))
        while begun:
            yield begun.popleft().result()


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

    What was done is looked up in the journal, and of files that wait only so many are remembered: memory does not grow
    with the folder.
    """
    pending = _Pending(run.journal, settled_s=settled_s, retry_s=retry_s)
    while not stop.is_set():
        ready = takewhile(lambda _path: not stop.is_set(), pending.ready(directory, time.monotonic()))
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
        """New files as they were when they were first seen so, and when that was."""
        self._not_before: dict[Path, float] = {}
        """When files are tried again for which the archive was away."""

    def ready(self, directory: Path, now_s: float) -> Iterator[Path]:
        """Files that have settled and are not done; more than are remembered wait for a later look."""
        self._not_before = {path: until_s for path, until_s in self._not_before.items() if until_s > now_s}
        seen, self._seen = self._seen, {}
        files = _data_products(directory)
        while batch := list(islice(files, _AT_A_TIME)):
            done = self._journal.finished(batch)
            for path, fingerprint in batch:
                before = seen.pop(path, None)
                if path in done or path in self._not_before:
                    continue
                if len(self._not_before) >= _REMEMBERED:
                    return  # the archive is away: it need not be asked about every file there is
                if self._is_settled(fingerprint, before, now_s):
                    yield path
                elif before is not None or len(self._seen) + len(seen) < _REMEMBERED:
                    is_same = before is not None and before[0] == fingerprint
                    self._seen[path] = before if is_same and before else (fingerprint, now_s)

    def done(self, outcome: Outcome, now_s: float) -> None:
        """The journal knows what is done; what waits is remembered here."""
        if outcome.state is FileState.WAITING:
            self._not_before[outcome.path] = now_s + self._retry_s

    def _is_settled(self, fingerprint: Fingerprint, before: tuple[Fingerprint, float] | None, now_s: float) -> bool:
        if self._settled_s <= 0:
            return True
        return before is not None and before[0] == fingerprint and now_s - before[1] >= self._settled_s


def _data_products(directory: Path) -> Iterator[tuple[Path, Fingerprint]]:
    """Every data product under a directory, as it is found: nothing is listed first."""
    folders = [directory]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    elif _is_data_product(entry.name.lower()):
                        with suppress(FileNotFoundError):  # renamed or removed while we looked
                            if entry.is_file():
                                path = Path(entry.path)
                                yield path, Fingerprint.of(path)
        except OSError as error:
            log.warning("folder_not_read", folder=str(folder), error=str(error))


def _is_data_product(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(_UNFINISHED) and name.endswith(_ENDINGS)


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
