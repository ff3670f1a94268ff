from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from armillary import clock
from armillary.archive.models import Frame, StoredFile, Version
from armillary.archive.services.save_frame import NewFrame, NewVersion, save_frame
from armillary.archive.tasks import make_thumbnails
from armillary.platform.changes import record_change
from armillary.platform.database import retry_conflicts, serialised
from armillary.platform.errors import Refusal
from armillary.platform.prepared import Prepared

_like: Final = Prepared[tuple[str, str]](
    lambda md5, key: Version.objects.filter(Q(md5=md5) | Q(key=key)).order_by().values_list("md5", "key"),
    md5=str,
    key=str,
)
_stored: Final = Prepared[tuple[int, str]](
    lambda key: StoredFile.objects.filter(key=key).values_list("pk", "md5"), key=str
)


@retry_conflicts()
def record_frame(new: NewFrame, *, by: str) -> Frame:
    """Take a data product in: the frame, its versions, its header and its links, all or nothing.

    A frame of the same name is brought up to date; its earlier versions stay.

    Args:
        new: What is taken in.
        by: Who hands it in, for the history of data rights.

    Raises:
        Refusal: The content is in the archive already, under this or another name.
    """
    with transaction.atomic():
        serialised(f"archive.frame:{new.basename}")
        _refuse_known_content(new.versions)
        now = clock.now()
        frame = save_frame(new, by=by, now=now)
        versions = Version.objects.bulk_create([_version(frame, version, now) for version in new.versions])
        if versions:
            record_change("frame.archived", str(frame.pk), _announcement(frame, versions[-1]))
            _order_thumbnails(frame, versions[-1])
    return frame


def _refuse_known_content(versions: Sequence[NewVersion]) -> None:
    rows = [row for version in versions for row in _like.all(md5=version.md5, key=version.key)]
    known_md5s, known_keys = {md5 for md5, _ in rows}, {key for _, key in rows}
    errors: list[dict[str, list[str]]] = []
    for version in versions:
        problems: dict[str, list[str]] = {}
        if version.md5 in known_md5s:
            problems["md5"] = ["version with this md5 already exists."]
        if version.key in known_keys:
            problems["key"] = ["version with this key already exists."]
        errors.append(problems)
        known_md5s.add(version.md5)
        known_keys.add(version.key)
    if any(errors):
        raise Refusal({"version_set": errors})


def _version(frame: Frame, new: NewVersion, now: datetime) -> Version:
    file, md5 = _stored.first(key=new.key) or (None, new.md5)
    if md5 != new.md5:
        raise Refusal({
            "version_set": [{"md5": [f"the stored file {new.key} has the md5 {md5}, not {new.md5}."]}]
        })  # fmt: skip
    return Version(frame=frame, file_id=file, key=new.key, md5=new.md5, extension=new.extension, created=now)


def _announcement(frame: Frame, version: Version) -> dict[str, Any]:
    return {
        "id": frame.pk,
        "basename": frame.basename,
        "filename": frame.basename + version.extension,
        "proposal_id": frame.proposal_id,
        "request_id": frame.request_id,
        "observation_id": frame.observation_id,
        "configuration_type": frame.configuration_type,
        "reduction_level": frame.reduction_level,
    }


def _order_thumbnails(frame: Frame, version: Version) -> None:
    if version.file_id is None or not version.extension.startswith(".fits"):
        return
    make_thumbnails.enqueue(frame.pk)
