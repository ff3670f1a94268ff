from __future__ import annotations

import hashlib
import math
from typing import Final

import structlog
from django.db import transaction

from armillary.archive.models import Frame, StoredFile
from armillary.archive.pictures import EDGE_PIXELS, FrameImage, aligned, image_of, picture
from armillary.archive.products import NotThatKind, local_copy
from armillary.archive.queries.colours import colour_frames
from armillary.archive.services.keep_file import keep_file
from armillary.archive.services.record_thumbnail import keep_thumbnail
from armillary.archive.services.save_frame import NewVersion
from armillary.archive.stores import file_store

_SIZES: Final = ("small", "large")
_COLOUR: Final = "colour"

log = structlog.get_logger(__name__)


def make_thumbnails_of(key: int) -> int:
    """Draw the thumbnails of a frame's newest version, and say how many were drawn.

    If the frame completes three filters of a request, pictures in colour are drawn too; they belong to that of the
    three frames that becomes public last, so that nobody sees more of the others than they may. A frame that is gone,
    or holds no image, has none; that is no error.

    Raises:
        StoreError: The bytes cannot be read; trying again later may help.
    """
    frame = Frame.objects.filter(pk=key).first()
    if frame is None:
        return 0
    image = newest_image(frame, edge_pixels=max(EDGE_PIXELS[size] for size in _SIZES))
    if image is None:
        return 0
    for size in _SIZES:
        _keep(frame, size, picture([image.pixels], width=EDGE_PIXELS[size], height=EDGE_PIXELS[size]))
    return len(_SIZES) + _draw_in_colour(frame)


def newest_image(frame: Frame, *, edge_pixels: int) -> FrameImage | None:
    """The image of a frame's newest version, if it has one.

    Raises:
        StoreError: The bytes cannot be read.
    """
    file = _newest_file(frame)
    if file is None:
        return None
    try:
        with local_copy(file_store(), file.path) as path:
            return image_of(path, edge_pixels=edge_pixels)
    except NotThatKind as reason:
        log.info("no_picture", frame=frame.basename, reason=str(reason))
        return None


def _draw_in_colour(frame: Frame) -> int:
    together = colour_frames(frame, Frame.objects.filter(observation_date__isnull=False))
    if together is None or frame not in together:
        return 0
    if len({other.proposal_id for other in together}) != 1:
        return 0
    edge = max(EDGE_PIXELS[size] for size in _SIZES)
    images = [image for other in together if (image := newest_image(other, edge_pixels=edge)) is not None]
    if len(images) != len(together):
        return 0
    channels, owner = aligned(images), max(together, key=_becomes_public)
    for size in _SIZES:
        jpeg = picture(channels, width=EDGE_PIXELS[size], height=EDGE_PIXELS[size])
        _keep(owner, size, jpeg, kind=f"-{_COLOUR}")
    return len(_SIZES)


def _becomes_public(frame: Frame) -> float:
    return math.inf if frame.public_date is None else frame.public_date.timestamp()


def _newest_file(frame: Frame) -> StoredFile | None:
    version = frame.version_set.select_related("file").first()
    return version.file if version else None


def _keep(frame: Frame, size: str, jpeg: bytes, *, kind: str = "") -> None:
    original = _newest_file(frame)
    if original is None:
        return  # it was deleted meanwhile
    folder = original.path.rpartition("/")[0]
    basename = f"{frame.basename}{kind}-{size}"
    file, _ = keep_file(
        f"{folder}/thumbnails/{basename}.jpg",
        [jpeg],
        md5=hashlib.md5(jpeg, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(jpeg).hexdigest(),
    )
    picture_of = NewVersion(key=file.key, md5=file.md5, extension=".jpg")
    with transaction.atomic():
        keep_thumbnail(frame, basename=basename, size=size, picture=picture_of)
