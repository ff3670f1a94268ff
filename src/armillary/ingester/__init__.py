"""Takes data products from the telescope into the archive: never lost, never doubled."""

from __future__ import annotations

from armillary.ingester.errors import ArchiveUnreachable, IngestError, UnacceptableFile
from armillary.ingester.ingest import IngestedFrame, frame_exists, ingest, validate
from armillary.ingester.settings import IngestSettings, Patience
from armillary.ingester.stores import ByteStore, open_byte_store

__all__ = [
    "ArchiveUnreachable",
    "ByteStore",
    "IngestError",
    "IngestSettings",
    "IngestedFrame",
    "Patience",
    "UnacceptableFile",
    "frame_exists",
    "ingest",
    "open_byte_store",
    "validate",
]
