from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q

from armillary import clock
from armillary.archive.models import Frame, Headers, RightsChange, SearchableWord, StoredFile, Version
from armillary.archive.services.occurring import note_occurring, occurrences, recheck_occurring
from armillary.archive.sky.index import index_entry
from armillary.archive.sky.polygons import Polygon
from armillary.archive.words import folded
from armillary.configuration import configuration
from armillary.platform.changes import record_change
from armillary.platform.database import retry_conflicts, serialised
from armillary.platform.errors import Refusal
from armillary.platform.prepared import Prepared

_LONGEST_WORD: Final = 200

_id_of_name: Final = Prepared[tuple[int]](
    lambda basename: Frame.objects.filter(basename=basename).order_by().values_list("pk"), basename=str
)
_like: Final = Prepared[tuple[str, str]](
    lambda md5, key: Version.objects.filter(Q(md5=md5) | Q(key=key)).order_by().values_list("md5", "key"),
    md5=str,
    key=str,
)
_stored: Final = Prepared[tuple[int, str]](
    lambda key: StoredFile.objects.filter(key=key).values_list("pk", "md5"), key=str
)


@dataclass(frozen=True)
class NewVersion:
    """A content of a frame, as an ingester announces it."""

    key: str
    md5: str
    extension: str


@dataclass(frozen=True)
class NewFrame:
    """A data product, as an ingester announces it; checked for shape."""

    basename: str
    fields: Mapping[str, Any]
    area: Mapping[str, Any] | None
    footprint: Polygon | None
    headers: Mapping[str, Any]
    related: Sequence[str]
    versions: Sequence[NewVersion]


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


def save_frame(new: NewFrame, *, by: str, now: datetime) -> Frame:
    """Create or update a frame with its header and links, inside the caller's transaction."""
    values = dict(new.fields) | sky_columns(new) | {"modified": now}
    if new.versions:
        values["has_versions"] = True
    before = _known_frame(new.basename)
    frame = Frame(basename=new.basename, created=now, **values)
    Frame.objects.bulk_create(
        [frame], update_conflicts=True, unique_fields=["basename"], update_fields=list(values)
    )  # one statement, also when somebody else refers to the same name at this moment
    if before is not None:
        frame.refresh_from_db()
    if before is not None and before.observation_date is not None:
        rights = {"public_date": before.public_date, "proposal_id": before.proposal_id}
        note_rights_change(frame, rights, by=by, now=now, reason="taken in again")
    Headers.objects.bulk_create(
        [Headers(frame=frame, data=dict(new.headers))],
        update_conflicts=True,
        unique_fields=["frame"],
        update_fields=["data"],
    )
    record_words(frame, new.headers, is_new=before is None)
    link_related(frame, new.related, now)
    _list_occurring(frame, before)
    return frame


def _known_frame(basename: str) -> Frame | None:
    known = _id_of_name.first(basename=basename)  # mostly none: a new frame
    return Frame.objects.get(pk=known[0]) if known else None


def _list_occurring(frame: Frame, before: Frame | None) -> None:
    if before is not None and before.has_versions:
        recheck_occurring(occurrences(before))
    if frame.has_versions:
        note_occurring(frame)


def note_rights_change(frame: Frame, before: Mapping[str, Any], *, by: str, now: datetime, reason: str) -> None:
    """Write down that it changed who may see a frame, if it did."""
    if (before["public_date"], before["proposal_id"]) == (frame.public_date, frame.proposal_id):
        return
    RightsChange.objects.create(
        frame=frame,
        changed_by=by,
        at=now,
        public_date_before=before["public_date"],
        public_date_after=frame.public_date,
        proposal_before=before["proposal_id"],
        proposal_after=frame.proposal_id,
        reason=reason,
    )


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


def sky_columns(new: NewFrame) -> dict[str, Any]:
    """The footprint of a frame as it is stored and found."""
    if new.footprint is None:
        names = (
            "area",
            "vertices",
            "cell",
            "size_class",
            "center_x",
            "center_y",
            "center_z",
            "cosine_radius",
            "sine_radius",
        )
        return dict.fromkeys(names)
    entry = index_entry(new.footprint)
    return {
        "area": new.area,
        "vertices": new.footprint.vertices.astype("<f8").tobytes(),
        "cell": entry.cell,
        "size_class": entry.size_class,
        "center_x": entry.x,
        "center_y": entry.y,
        "center_z": entry.z,
        "cosine_radius": entry.cosine_radius,
        "sine_radius": entry.sine_radius,
    }


def record_words(frame: Frame, headers: Mapping[str, Any], *, is_new: bool = False) -> None:
    """Keep the keywords that frames can be searched by, in the place of those that were kept before."""
    if not is_new:
        SearchableWord.objects.filter(frame=frame).delete()
    words = []
    for keyword in configuration().archive_searchable_keywords:
        value = headers.get(keyword)
        if isinstance(value, bool) or value is None or value == "":
            continue
        number = float(value) if isinstance(value, int | float) else None
        text = folded(str(value))[:_LONGEST_WORD] if isinstance(value, str) else ""
        words.append(SearchableWord(frame=frame, keyword=keyword, number=number, text=text))
    SearchableWord.objects.bulk_create(words)


def link_related(frame: Frame, names: Sequence[str], now: datetime) -> None:
    """Link a frame with others, which may not have arrived yet: then a stub holds their place."""
    wanted = dict.fromkeys(name for name in names if name and name != frame.basename)
    if not wanted:
        return
    others = _known_names(wanted)
    if missing := wanted.keys() - others.keys():
        stubs = [Frame(basename=name, created=now, modified=now) for name in wanted if name in missing]
        Frame.objects.bulk_create(stubs, ignore_conflicts=True)
        others = _known_names(wanted)
    pairs = [pair for other in others.values() for pair in ((frame.pk, other), (other, frame.pk))]
    table = Frame.related_frames.through._meta.db_table  # noqa: SLF001  Django documents _meta
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (from_frame_id, to_frame_id) VALUES {', '.join(['(%s, %s)'] * len(pairs))} "  # noqa: S608  only names and placeholders
            "ON CONFLICT DO NOTHING",
            [key for pair in pairs for key in pair],
        )


def _known_names(names: Collection[str]) -> dict[str, int]:
    """The ids of frames and stubs, by name."""
    return dict(Frame.objects.filter(basename__in=names).order_by().values_list("basename", "pk"))


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
    from armillary.archive.tasks import make_thumbnails

    make_thumbnails.enqueue(frame.pk)
