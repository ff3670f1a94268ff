"""Small pictures of frames, as an ingester announces them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from armillary.core.frames import (
    THUMBNAIL_SIZES,
    DataRights,
    FrameRecord,
    HeaderVocabulary,
    InvalidFrame,
    place_segment,
    record_from_header,
    split_file_name,
)

FRAME: Final = "frame_basename"
SIZE: Final = "size"
_UNLESS_SAID: Final = "EXPOSE"


@dataclass(frozen=True, slots=True)
class ThumbnailRecord:
    """What an archive is told about a thumbnail: the fields of ``POST /thumbnails/`` except versions."""

    frame: FrameRecord
    """The frame of which it is a picture; created without data if the archive does not know it yet."""
    basename: str
    extension: str
    size: str

    @property
    def file_name(self) -> str:
        """The name of the picture's file."""
        return self.basename + self.extension

    @property
    def place(self) -> str:
        """Where the picture belongs in the archive's store."""
        return f"{self.frame.place.rpartition('/')[0].rpartition('/')[0]}/thumbnails/{self.file_name}"

    @property
    def shared_place(self) -> str:
        """Where an OCS archive looks for it."""
        frame = self.frame
        parts = (frame.site_id, frame.instrument_id, f"{frame.observation_day:%Y%m%d}", "thumbnails")
        return "/".join((*(place_segment(part) for part in parts), self.file_name))

    def wire(self, versions: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """The body of ``POST /thumbnails/``."""
        said = {"basename": self.basename, FRAME: self.frame.basename, SIZE: self.size}
        return self.frame.wire(versions) | said


def thumbnail_from_metadata(
    file_name: str,
    metadata: Mapping[str, Any],
    *,
    vocabulary: HeaderVocabulary,
    rights: DataRights,
    tags: Iterable[str] = (),
) -> ThumbnailRecord:
    """Describe a picture by what is said beside it.

    Args:
        file_name: Name of the picture's file, without folders.
        metadata: ``frame_basename``, ``size``, and the frame's keywords.
        vocabulary: Which keyword says what.
        rights: When frames become public.
        tags: The tags of the frame's proposal.

    Raises:
        InvalidFrame: With everything that is missing or wrong.
    """
    basename, extension = split_file_name(file_name)
    needed = (
        FRAME, SIZE, vocabulary.observation_date, vocabulary.observation_day, vocabulary.instrument_id,
        vocabulary.site_id, vocabulary.telescope_id,
    )  # fmt: skip
    if missing := [keyword for keyword in needed if not metadata.get(keyword)]:
        raise InvalidFrame(f"the picture's {keyword} is missing from its metadata" for keyword in missing)
    if metadata[SIZE] not in THUMBNAIL_SIZES:
        raise InvalidFrame([f"the picture's size is {metadata[SIZE]!r}; use one of {', '.join(THUMBNAIL_SIZES)}"])
    words = {vocabulary.configuration_type: _UNLESS_SAID} | {
        keyword: value for keyword, value in metadata.items() if keyword not in {FRAME, SIZE}
    }
    frame = record_from_header(
        str(metadata[FRAME]), words, vocabulary=replace(vocabulary, required=()), rights=rights, tags=tags
    )
    return ThumbnailRecord(frame, basename, extension, str(metadata[SIZE]))
