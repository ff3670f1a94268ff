from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from armillary.clients.archive import ArchiveClient, ContentDigests, digests_of_file
from armillary.clients.errors import RequestRefused, ServiceUnavailable, UnexpectedAnswer
from armillary.core.frames import FrameRecord, InvalidFrame, record_from_header
from armillary.ingester.errors import ArchiveUnreachable, UnacceptableFile
from armillary.ingester.files import describe
from armillary.ingester.settings import IngestSettings, Patience

_NOT_FOUND: Final = 404
_T = TypeVar("_T")
_RETRIED_REFUSALS: Final = frozenset({408, 409, 429})
"""Refusals that say "not now": a timeout, a conflict with somebody else's write, too many requests."""

TagsOf = Callable[[str], Iterable[str]]
"""The tags of a proposal, by its id: they decide when its frames become public."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IngestedFrame:
    """A data product that is in the archive."""

    basename: str
    filename: str
    md5: str
    sha256: str
    size_bytes: int
    was_there_already: bool
    frame_id: int | None
    """``None`` if the content was in the archive before."""
    url: str | None
    """Where to download it, for a while; ``None`` if the content was in the archive before."""


def validate(
    path: Path,
    *,
    metadata: Mapping[str, Any] | None = None,
    settings: IngestSettings | None = None,
    tags_of: TagsOf | None = None,
) -> FrameRecord:
    """What the archive would be told about a file; the archive itself is not asked.

    Args:
        path: The file.
        metadata: Keywords that the file lacks, or that are to win over those in the file.
        settings: How files are understood.
        tags_of: Looks up the tags of a proposal.

    Raises:
        UnacceptableFile: With everything that is wrong.
        ServiceUnavailable: ``tags_of`` could not be answered: guessing could make private data public.
    """
    known = settings or IngestSettings()
    try:
        found = describe(path, metadata or {}, known.vocabulary)
        proposal = found.header.get(known.vocabulary.proposal_id)
        is_dated = bool(found.header.get(known.vocabulary.public_date))
        tags = _tags(tags_of, str(proposal)) if tags_of and proposal and not is_dated else ()
        record = record_from_header(
            path.name, found.header, vocabulary=known.vocabulary, rights=known.rights, tags=tags
        )
    except InvalidFrame as error:
        raise UnacceptableFile(path.name, error.problems) from error
    except OSError as error:
        raise UnacceptableFile(path.name, [f"it cannot be read: {error.strerror or error}"]) from error
    return record.with_area(found.area)


def _tags(tags_of: TagsOf, proposal: str) -> tuple[str, ...]:
    """The tags of a proposal; one that the portal does not know (calibrations, engineering) has none."""
    try:
        return tuple(tags_of(proposal))
    except RequestRefused as refusal:
        if refusal.status != _NOT_FOUND:
            raise
        return ()


def frame_exists(path: Path, *, archive: ArchiveClient) -> bool:
    """Whether the content of a file is in the archive, under whatever name."""
    return archive.version_exists(digests_of_file(path).md5)


def ingest(
    path: Path,
    *,
    archive: ArchiveClient,
    metadata: Mapping[str, Any] | None = None,
    settings: IngestSettings | None = None,
    tags_of: TagsOf | None = None,
    patience: Patience | None = None,
) -> IngestedFrame:
    """Take a file into the archive.

    The order is: checksum, known already?, store, verify, record. Each step can be repeated, so that a crash between
    any two heals when the file is ingested again, and nothing is ever doubled.

    Args:
        path: The file; its name up to the first dot is the frame's name.
        archive: The archive, with a superuser's token.
        metadata: Keywords that the file lacks, or that are to win over those in the file.
        settings: How files are understood.
        tags_of: Looks up the tags of a proposal.
        patience: How long an outage is waited for.

    Raises:
        UnacceptableFile: The file is broken, or the archive refuses it; trying again will not help.
        ArchiveUnreachable: The archive did not answer for as long as ``patience`` allows.
    """
    waiting = _Waiting(patience or Patience(), path.name)
    record = waiting.until_answered(lambda: validate(path, metadata=metadata, settings=settings, tags_of=tags_of))
    digests = digests_of_file(path)
    if waiting.until_answered(lambda: archive.version_exists(digests.md5)):
        return _known(record, digests)
    stored = waiting.until_answered(lambda: archive.put_file(path, place=record.place, digests=digests))
    version = {"key": stored.key, "md5": stored.md5, "extension": record.extension}
    try:
        answer = waiting.until_answered(lambda: archive.post_frame(record.wire([version])))
    except UnacceptableFile:
        # The answer to an earlier attempt may have been lost on its way: then the frame is recorded.
        if waiting.attempts > 1 and archive.version_exists(digests.md5):
            return _known(record, digests)
        raise
    return IngestedFrame(
        basename=record.basename,
        filename=record.file_name,
        md5=digests.md5,
        sha256=digests.sha256,
        size_bytes=digests.size_bytes,
        was_there_already=False,
        frame_id=int(answer["id"]),
        url=answer.get("url"),
    )


class _Waiting:
    """Repeats what an outage prevented, with growing pauses."""

    def __init__(self, patience: Patience, name: str) -> None:
        self._patience = patience
        self._name = name
        self.attempts = 0
        """Attempts that the last step took."""

    def until_answered(self, step: Callable[[], _T]) -> _T:
        reason = ""
        self.attempts = 0
        for pause_s in (*self._patience.pauses_s(), None):
            self.attempts += 1
            try:
                return step()
            except (ServiceUnavailable, UnexpectedAnswer) as error:
                reason = str(error)
            except RequestRefused as refusal:
                if refusal.status not in _RETRIED_REFUSALS:
                    raise UnacceptableFile(self._name, [f"the archive refused it: {refusal.detail}"]) from refusal
                reason = str(refusal)
            log.warning("ingest_waits", file=self._name, reason=reason, pause_s=pause_s)
            if pause_s is not None:
                time.sleep(pause_s)
        raise ArchiveUnreachable("archive", f"{self._name}: {reason}")


def _known(record: FrameRecord, digests: ContentDigests) -> IngestedFrame:
    return IngestedFrame(
        basename=record.basename,
        filename=record.file_name,
        md5=digests.md5,
        sha256=digests.sha256,
        size_bytes=digests.size_bytes,
        was_there_already=True,
        frame_id=None,
        url=None,
    )
