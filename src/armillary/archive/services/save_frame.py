"""What a frame is made of: its columns, header, links and words, written together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from armillary.archive.models import Frame, Headers, RightsChange, SearchableWord
from armillary.archive.services.occurring import note_occurring, occurrences, recheck_occurring
from armillary.archive.sky.index import index_entry
from armillary.archive.sky.polygons import Polygon
from armillary.archive.words import folded
from armillary.configuration import configuration
from armillary.platform.prepared import Prepared

_LONGEST_WORD: Final = 200

_id_of_name: Final = Prepared[tuple[int]](
    lambda basename: Frame.objects.filter(basename=basename).order_by().values_list("pk"), basename=str
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
