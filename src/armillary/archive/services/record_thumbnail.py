from __future__ import annotations

from django.db import transaction
from django.shortcuts import get_object_or_404

from armillary import clock
from armillary.archive.models import Frame, StoredFile, Thumbnail
from armillary.archive.services.save_frame import NewFrame, NewVersion, save_frame
from armillary.platform.database import retry_conflicts, serialised


@retry_conflicts()
def record_thumbnail(new: NewFrame, *, basename: str, size: str, picture: NewVersion, by: str) -> Thumbnail:
    """Take a thumbnail in. A frame that has not arrived yet is created without data; one that has is left alone.

    Args:
        new: The frame the thumbnail is of.
        basename: The thumbnail's own name; a thumbnail of the same name is replaced.
        size: ``small``, ``medium`` or ``large``.
        picture: The stored picture.
        by: Who hands it in.
    """
    with transaction.atomic():
        serialised(f"archive.frame:{new.basename}")
        frame = Frame.objects.filter(basename=new.basename, observation_date__isnull=False).first()
        if frame is None:
            frame = save_frame(new, by=by, now=clock.now())
        return keep_thumbnail(frame, basename=basename, size=size, picture=picture)


def change_thumbnail(key: int, *, size: str | None, picture: NewVersion | None) -> None:
    """Correct the size or the picture of a thumbnail; what is ``None`` stays.

    Raises:
        Http404: There is no such thumbnail.
    """
    with transaction.atomic():
        thumbnail = get_object_or_404(Thumbnail.objects.select_related("frame").select_for_update(of=("self",)), pk=key)
        new = picture or NewVersion(key=thumbnail.key, md5="", extension=thumbnail.extension)
        keep_thumbnail(thumbnail.frame, basename=thumbnail.basename, size=size or thumbnail.size, picture=new)


def keep_thumbnail(frame: Frame, *, basename: str, size: str, picture: NewVersion) -> Thumbnail:
    """Create or replace a thumbnail, inside the caller's transaction."""
    thumbnail, _ = Thumbnail.objects.update_or_create(
        basename=basename,
        defaults={
            "frame": frame,
            "file": StoredFile.objects.filter(key=picture.key).first(),
            "size": size,
            "extension": picture.extension,
            "key": picture.key,
        },
    )
    return thumbnail
