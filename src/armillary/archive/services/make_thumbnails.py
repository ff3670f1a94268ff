from __future__ import annotations

import hashlib
from typing import Final

import structlog
from django.db import transaction

from armillary.archive.models import Frame, StoredFile
from armillary.archive.pictures import EDGE_PIXELS, image_of, picture
from armillary.archive.products import NotThatKind, local_copy
from armillary.archive.services.keep_file import keep_file
from armillary.archive.services.record_frame import NewVersion
from armillary.archive.services.record_thumbnail import keep_thumbnail
from armillary.archive.stores import file_store

_SIZES: Final = ("small", "large")

log = structlog.get_logger(__name__)


def make_thumbnails_of(key: int) -> int:
    """Draw the thumbnails of a frame's newest version, and say how many were drawn.

    A frame that is gone, or holds no image, has none; that is no error.

    Raises:
        StoreError: The bytes cannot be read; trying again later may help.
    """
    frame = Frame.objects.filter(pk=key).first()
    version = frame and frame.version_set.select_related("file").first()
    if frame is None or not version or version.file is None:
        return 0
    try:
        with local_copy(file_store(), version.file.path) as path:
            image = image_of(path, edge_pixels=max(EDGE_PIXELS[size] for size in _SIZES))
    except NotThatKind as reason:
        log.info("no_thumbnail", frame=frame.basename, reason=str(reason))
        return 0
    for size in _SIZES:
        _keep(frame, version.file, size, picture([image], edge_pixels=EDGE_PIXELS[size]))
    return len(_SIZES)


def _keep(frame: Frame, original: StoredFile, size: str, jpeg: bytes) -> None:
    folder = original.path.rpartition("/")[0]
    basename = f"{frame.basename}-{size}"
    file, _ = keep_file(
        f"{folder}/thumbnails/{basename}.jpg",
        [jpeg],
        md5=hashlib.md5(jpeg, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(jpeg).hexdigest(),
    )
    picture_of = NewVersion(key=file.key, md5=file.md5, extension=".jpg")
    with transaction.atomic():
        keep_thumbnail(frame, basename=basename, size=size, picture=picture_of)
