"""Many frames at once: found, fetched in parallel, checked, and listed in a table with the local paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from armillary.clients.archive import ArchiveClient
from armillary.clients.errors import ClientError

_COLUMNS: Final = (
    "id", "filename", "observation_date", "site_id", "telescope_id", "instrument_id", "target_name", "proposal_id",
    "exposure_time", "primary_optical_element", "configuration_type", "reduction_level", "observation_id", "request_id",
    "public_date",
)  # fmt: skip
_NUMBERS: Final = frozenset({"id", "exposure_time", "reduction_level", "observation_id", "request_id"})
_WAITING_PER_WORKER: Final = 2


@dataclass(frozen=True, slots=True)
class Download:
    """What became of one frame."""

    frame: Mapping[str, Any]
    """As the archive shows it."""
    path: Path | None
    """Where it is; ``None`` if it could not be fetched."""
    problem: str = ""
    """Why it could not."""


def download_frames(
    archive: ArchiveClient, frames: Iterable[Mapping[str, Any]], directory: Path, *, workers: int = 4
) -> Iterator[Download]:
    """Fetch frames several at a time, and say of each what became of it, as it is done.

    What is there and right is not fetched again; what broke off is continued; everything is checked against the
    archive's checksum. One frame that fails does not stop the others: run it again for those.

    Args:
        archive: Where they are.
        frames: As :meth:`ArchiveClient.frames` gives them; read as they are needed, so there may be millions.
        directory: Where to put them.
        workers: How many at the same time.
    """

    def fetched(frame: Mapping[str, Any]) -> Download:
        try:
            return Download(frame, archive.download(frame, directory))
        except (ClientError, OSError) as error:
            return Download(frame, None, str(error))

    remaining = iter(frames)
    with ThreadPoolExecutor(workers, thread_name_prefix="download") as pool:
        running: set[Future[Download]] = set()
        while True:
            room = workers * _WAITING_PER_WORKER - len(running)
            running |= {pool.submit(fetched, frame) for frame in islice(remaining, room)}
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)


def table_of(frames: Iterable[Mapping[str, Any]]) -> Any:
    """Frames as an :class:`astropy.table.QTable`-compatible table, one row each; what is unknown is masked.

    Needs the extra ``[fits]``. Times are ISO 8601 UTC, exposure times are in seconds.
    """
    from astropy.table import MaskedColumn, Table

    rows = list(frames)
    table = Table()
    for name in _COLUMNS:
        values = [row.get(name) for row in rows]
        kind, nothing = ((float, 0.0) if name == "exposure_time" else (int, 0)) if name in _NUMBERS else (str, "")
        filled = [nothing if value is None else value for value in values]
        table[name] = MaskedColumn(filled, dtype=kind, mask=[value is None for value in values])
    table["exposure_time"].unit = "s"
    return table


def fetch(archive: ArchiveClient, directory: Path, *, workers: int = 4, **filters: Any) -> Any:
    """Find frames, fetch them all, and give a table with the local path of each.

    Args:
        archive: Where to search.
        directory: Where to put the files.
        workers: How many at the same time.
        filters: Query parameters of ``GET /frames/``: ``request_id=12``, ``reduction_level=91``, ...

    Returns:
        An astropy table of :func:`table_of` with two more columns: ``local_path`` and ``problem``, of which exactly one
        is not empty in each row.
    """
    done = sorted(
        download_frames(archive, archive.frames(**filters), directory, workers=workers),
        key=lambda download: int(download.frame["id"]),
    )
    table = table_of(download.frame for download in done)
    table["local_path"] = [str(download.path or "") for download in done]
    table["problem"] = [download.problem for download in done]
    return table
