from __future__ import annotations

from collections.abc import Iterable

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from armillary.archive.models import Frame, StoredFile, Thumbnail
from armillary.archive.queries.aggregates import AGGREGATED
from armillary.archive.services.occurring import Occurrence, occurrences, recheck_occurring
from armillary.archive.stores import StoreError, file_store
from armillary.platform.changes import record_change

_AT_A_TIME = 1000

log = structlog.get_logger(__name__)


def delete_frame(key: int) -> None:
    """Delete one frame with everything that belongs to it.

    Raises:
        Http404: There is no such frame.
    """
    get_object_or_404(Frame, pk=key)
    delete_frames(Frame.objects.filter(pk=key))


def delete_frames(frames: QuerySet[Frame]) -> int:
    """Delete frames with everything that belongs to them, and say how many.

    The rows go first, in one transaction for each thousand, and then the bytes: a crash in between leaves bytes that
    nobody refers to, which ``armillary archive verify`` reports, and never a frame without its bytes.
    """
    deleted = 0
    while batch := list(frames.order_by("pk").values_list("pk", flat=True)[:_AT_A_TIME]):
        places = _delete_rows(batch)
        _delete_bytes(places)
        deleted += len(batch)
    return deleted


def _delete_rows(batch: list[int]) -> list[str]:
    with transaction.atomic():
        belongs = Q(version__frame__in=batch) | Q(thumbnail__frame__in=batch)
        files = dict(StoredFile.objects.filter(belongs).values_list("pk", "path"))
        doubtful: set[Occurrence] = set()
        for frame in Frame.objects.filter(pk__in=batch).only("basename", *AGGREGATED.values()):
            doubtful |= occurrences(frame)
            record_change("frame.deleted", str(frame.pk), {"id": frame.pk, "basename": frame.basename})
        Frame.objects.filter(pk__in=batch).delete()
        StoredFile.objects.filter(pk__in=files).delete()
        recheck_occurring(doubtful)
    return list(files.values())


def _delete_bytes(places: Iterable[str]) -> None:
    store = file_store()
    for place in places:
        try:
            store.delete(place)
        except StoreError as error:
            log.warning("orphan_left", place=place, error=str(error))


def delete_thumbnail(key: int) -> None:
    """Delete one thumbnail and its picture.

    Raises:
        Http404: There is no such thumbnail.
    """
    with transaction.atomic():
        thumbnail = get_object_or_404(Thumbnail.objects.select_related("file"), pk=key)
        file = thumbnail.file
        thumbnail.delete()
        if file is not None:
            file.delete()
    if file is not None:
        _delete_bytes([file.path])
