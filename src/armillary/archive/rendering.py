"""The wire's shape of frames, made straight from columns: no serializer, a constant number of queries for any page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, Q, QuerySet, TextField
from django.db.models.sql.compiler import SQLCompiler

from armillary.archive.links import LinkMaker
from armillary.archive.models import Frame, Thumbnail, Version
from armillary.archive.queries.among import among, rows_among
from armillary.archive.queries.visibility import rights
from armillary.archive.sky.words import wire_area
from armillary.core.frames import Viewer
from armillary.platform.wire import wire_time

FRAME_COLUMNS: Final = (
    "id", "basename", "observation_date", "observation_day", "proposal_id", "instrument_id", "target_name",
    "reduction_level", "site_id", "telescope_id", "exposure_time", "primary_optical_element", "public_date",
    "configuration_type", "observation_id", "request_id",
)  # fmt: skip

ROW_COLUMNS: Final = (*FRAME_COLUMNS, "area")
_MOMENTS: Final = frozenset({"observation_date", "public_date"})

_OLD_NAMES: Final = (
    ("DATE_OBS", "observation_date"), ("DAY_OBS", "observation_day"), ("PROPID", "proposal_id"),
    ("INSTRUME", "instrument_id"), ("OBJECT", "target_name"), ("RLEVEL", "reduction_level"), ("SITEID", "site_id"),
    ("TELID", "telescope_id"), ("EXPTIME", "exposure_time"), ("FILTER", "primary_optical_element"),
    ("L1PUBDAT", "public_date"), ("OBSTYPE", "configuration_type"), ("BLKUID", "observation_id"),
    ("REQNUM", "request_id"),
)  # fmt: skip
"""Keys that older clients read: every frame has each value under both names."""


_SQLITE_TIME: Final = "replace(CAST(%(expressions)s AS TEXT), ' ', 'T') || 'Z'"


class WireTime(Func):
    """A moment as the wire shows it.

    SQLite keeps moments as texts, in UTC and without zeros that say nothing: there it writes the text itself, which is
    not made into a moment first, and again into a text.
    """

    template = "%(expressions)s"
    output_field = TextField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, Any]:
        """The text."""
        return self.as_sql(compiler, connection, template=_SQLITE_TIME, **extra_context)


def frame_rows(frames: QuerySet[Frame]) -> QuerySet[Frame, tuple[Any, ...]]:
    """What is shown of frames, one tuple each, in the order of :data:`ROW_COLUMNS`."""
    return frames.values_list(*(WireTime(name) if name in _MOMENTS else name for name in ROW_COLUMNS))


def rendered_frames(
    rows: Iterable[tuple[Any, ...]],
    *,
    links: LinkMaker,
    who: Viewer,
    now: datetime,
    with_related: bool = True,
    with_thumbnails: bool = False,
) -> list[dict[str, Any]]:
    """Frames as the wire shows them.

    Args:
        rows: What :func:`frame_rows` found.
        links: Makes the download addresses.
        who: Who will see it: links to frames that do not exist for them are left out.
        now: Decides what is public.
        with_related: Whether to list the ids of related frames.
        with_thumbnails: Whether to list thumbnails.
    """
    frames = [dict(zip(ROW_COLUMNS, row, strict=True)) for row in rows]
    ids = [frame["id"] for frame in frames]
    names = {frame["id"]: frame["basename"] for frame in frames}
    versions = rendered_versions(names, links)
    related = _related(ids, who, now) if with_related else {}
    thumbnails = _thumbnails(ids, links) if with_thumbnails else {}
    for frame in frames:
        key = frame["id"]
        if (area := wire_area(frame.pop("area"))) is not None:
            frame["area"] = area
        frame.update(_newest(frame["basename"], versions.get(key, [])))
        for old, new in _OLD_NAMES:
            frame[old] = frame[new]
        if with_related:
            frame["related_frames"] = related.get(key, [])
        if with_thumbnails:
            frame["thumbnails"] = thumbnails.get(key, [])
    return frames


def rendered_new_frame(frame: Frame, area: Mapping[str, Any] | None, *, links: LinkMaker) -> dict[str, Any]:
    """The answer to taking a frame in: without the old names, with the footprint as it was sent."""
    versions = rendered_versions({frame.pk: frame.basename}, links).get(frame.pk, [])
    others = rows_among(_RELATED, [frame.pk])
    row = {
        "id": frame.pk,
        "basename": frame.basename,
        "area": None if area is None else dict(area),
        "related_frames": [other for (other,) in others],
    }
    return row | _newest(frame.basename, versions) | {column: getattr(frame, column) for column in FRAME_COLUMNS[2:]}


def rendered_thumbnail(thumbnail: Thumbnail, links: LinkMaker) -> dict[str, Any]:
    """A thumbnail as the wire shows it."""
    name = thumbnail.basename + thumbnail.extension
    return {
        "id": thumbnail.pk,
        "frame": thumbnail.frame_id,
        "size": thumbnail.size,
        "basename": thumbnail.basename,
        "extension": thumbnail.extension,
        "key": thumbnail.key,
        "url": links.link(thumbnail.key, name) if thumbnail.file_id else "",
    }


VERSION_COLUMNS: Final = ("id", "created", "key", "md5", "extension", "file_id", "frame__basename")


def rendered_version(row: tuple[Any, ...], links: LinkMaker) -> dict[str, Any]:
    """A version, given by its :data:`VERSION_COLUMNS`, as ``/versions/`` shows it."""
    version = dict(zip(VERSION_COLUMNS, row, strict=True))
    name = version.pop("frame__basename") + version["extension"]
    version["url"] = links.link(version["key"], name) if version.pop("file_id") else ""
    return version


def _newest(basename: str, versions: list[dict[str, Any]]) -> dict[str, Any]:
    """What a frame's newest version says: its address and name, with all versions, the newest first."""
    if not versions:
        return {"version_set": [], "url": None, "filename": None}
    return {"version_set": versions, "url": versions[0]["url"], "filename": basename + versions[0]["extension"]}


_RELATED: Final = (
    f"SELECT to_frame_id FROM {Frame.related_frames.through._meta.db_table} "  # noqa: S608, SLF001  only names; Django documents _meta
    "WHERE from_frame_id {is_among} ORDER BY to_frame_id"
)


@cache
def _versions_statement(vendor: str) -> str:
    created = _SQLITE_TIME % {"expressions": "created"} if vendor == "sqlite" else "created"
    table = Version._meta.db_table  # noqa: SLF001  Django documents _meta
    return (
        f"SELECT id, frame_id, key, md5, extension, {created}, file_id FROM {table} "  # noqa: S608  only names
        "WHERE frame_id {is_among} ORDER BY created DESC, id DESC"
    )


def rendered_versions(names: Mapping[int, str], links: LinkMaker) -> dict[int, list[dict[str, Any]]]:
    """The versions of frames, given by id and name, the newest first, as ``version_set`` shows them."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for key, frame, name, md5, extension, created, file in rows_among(_versions_statement(connection.vendor), names):
        moment = created if isinstance(created, str) else wire_time(created)
        address = links.link(name, names[frame] + extension) if file else ""
        found[frame].append(
            {"id": key, "key": name, "md5": md5, "extension": extension, "url": address, "created": moment}
        )
    return found


def _related(ids: Collection[int], who: Viewer, now: datetime) -> dict[int, list[int]]:
    """Ids of related frames: those that exist for the viewer, and stubs, which say nothing."""
    links = among(Frame.related_frames.through.objects.all(), "from_frame", ids)
    if not who.sees_all:
        links = links.filter(Q(to_frame__observation_date__isnull=True) | rights(who, now, prefix="to_frame__"))
    found: dict[int, list[int]] = defaultdict(list)
    for start, end in links.order_by("from_frame_id", "to_frame_id").values_list("from_frame_id", "to_frame_id"):
        found[start].append(end)
    return found


def _thumbnails(ids: Collection[int], links: LinkMaker) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for thumbnail in among(Thumbnail.objects.order_by("id"), "frame", ids):
        found[thumbnail.frame_id].append(rendered_thumbnail(thumbnail, links))
    return found
