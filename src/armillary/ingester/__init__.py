"""Takes data products from the telescope into the archive: never lost, never doubled."""

from __future__ import annotations

from armillary.ingester.errors import ArchiveUnreachable, IngestError, UnacceptableFile
from armillary.ingester.ingest import IngestedFrame, frame_exists, ingest, validate
from armillary.ingester.settings import IngestSettings, Patience

__all__ = [
    "ArchiveUnreachable",
    "IngestError",
    "IngestSettings",
    "IngestedFrame",
    "Patience",
    "UnacceptableFile",
    "frame_exists",
    "ingest",
    "validate",
]
