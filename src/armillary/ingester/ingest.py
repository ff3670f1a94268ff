from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from armillary.clients.archive import ArchiveClient, ContentDigests, digests_of_file
from armillary.clients.errors import RequestRefused, ServiceUnavailable, UnexpectedAnswer
from armillary.core.frames import FrameRecord, InvalidFrame, record_from_header
from armillary.core.thumbnail_records import ThumbnailRecord, thumbnail_from_metadata
from armillary.ingester.errors import ArchiveUnreachable, UnacceptableFile
from armillary.ingester.files import PICTURES, describe, metadata_beside
from armillary.ingester.settings import IngestSettings, Patience
from armillary.ingester.stores import ArchiveStore, ByteStore, KeptFile

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
) -> FrameRecord | ThumbnailRecord:
    """What the archive would be told about a file; the archive itself is not asked.

    Args:
        path: The file.
        metadata: Keywords that the file lacks, or that are to win over those in the file. More may lie beside the file
            in ``NAME.json``.
        settings: How files are understood.
        tags_of: Looks up the tags of a proposal.

    Returns:
        A frame; of a picture (JPEG), which frame's thumbnail it is.

    Raises:
        UnacceptableFile: With everything that is wrong.
        ServiceUnavailable: ``tags_of`` could not be answered: guessing could make private data public.
    """
    known = settings or IngestSettings()
    try:
        found = describe(path, metadata_beside(path) | dict(metadata or {}), known.vocabulary)
        proposal = found.header.get(known.vocabulary.proposal_id)
        is_dated = bool(found.header.get(known.vocabulary.public_date))
        tags = _tags(tags_of, str(proposal)) if tags_of and proposal and not is_dated else ()
        described = thumbnail_from_metadata if path.name.lower().endswith(PICTURES) else record_from_header
        record = described(path.name, found.header, vocabulary=known.vocabulary, rights=known.rights, tags=tags)
    except InvalidFrame as error:
        raise UnacceptableFile(path.name, error.problems) from error
    except OSError as error:
        raise UnacceptableFile(path.name, [f"it cannot be read: {error.strerror or error}"]) from error
    return record.with_area(found.area) if isinstance(record, FrameRecord) else record


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
    store: ByteStore | None = None,
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
        store: Where the bytes go; default: to the archive itself. An OCS archive needs its bucket or folder here.

    Raises:
        UnacceptableFile: The file is broken, or the archive refuses it; trying again will not help.
        ArchiveUnreachable: The archive did not answer for as long as ``patience`` allows.
    """
    waiting = _Waiting(patience or Patience(), path.name)
    record = waiting.until_answered(lambda: validate(path, metadata=metadata, settings=settings, tags_of=tags_of))
    digests = digests_of_file(path)
    is_frame = isinstance(record, FrameRecord)
    if is_frame and waiting.until_answered(lambda: archive.version_exists(digests.md5)):
        return _known(record, digests)
    kept = waiting.until_answered(lambda: _stored(store or ArchiveStore(archive), path, record, digests))
    version = {"key": kept.key, "md5": kept.md5, "extension": record.extension}
    if not is_frame:
        answer = waiting.until_answered(lambda: archive.post_thumbnail(record.wire([version])))
        return _taken_in(record, digests, answer.get("frame") or {}, answer.get("url"))
    try:
        answer = waiting.until_answered(lambda: archive.post_frame(record.wire([version])))
    except UnacceptableFile:
        # The answer to an earlier attempt may have been lost on its way: then the frame is recorded.
        if waiting.attempts > 1 and archive.version_exists(digests.md5):
            return _known(record, digests)
        raise
    return _taken_in(record, digests, answer, answer.get("url"))


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


def _stored(store: ByteStore, path: Path, record: FrameRecord | ThumbnailRecord, digests: ContentDigests) -> KeptFile:
    kept = store.keep(path, record, digests)
    if kept.md5 != digests.md5:
        raise UnexpectedAnswer(f"the store kept {record.file_name} with the MD5 {kept.md5} instead of {digests.md5}")
    return kept


def _taken_in(
    record: FrameRecord | ThumbnailRecord, digests: ContentDigests, frame: Mapping[str, Any], url: str | None
) -> IngestedFrame:
    return replace(_known(record, digests), was_there_already=False, frame_id=frame.get("id"), url=url)


def _known(record: FrameRecord | ThumbnailRecord, digests: ContentDigests) -> IngestedFrame:
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
