"""Synthetic frames for benchmarks/archive.py, written straight into the tables: ten million in minutes.

The rows are made by the database itself from a number each (INSERT ... SELECT), with the indexes dropped meanwhile.
Their footprints lie in 20,000 fields all over the sky, as those of a survey would.
"""

# ruff: noqa: S608  every statement is made of constants of this file; values are parameters
from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np

FIELDS, NIGHTS, PROPOSALS = 20_000, 365, 200
START = datetime(2025, 11, 1, tzinfo=UTC)
_BATCH = 500_000
_PREFIX = "armillary_archive_"
_TABLES = ("frame", "version", "headers", "searchableword", "frame_related_frames")

_DIALECTS = {
    "sqlite": {
        "numbers": "WITH RECURSIVE numbers(n) AS "
        "(SELECT %(first)s UNION ALL SELECT n + 1 FROM numbers WHERE n < %(last)s)",
        "moment": "strftime('%%Y-%%m-%%d %%H:%%M:%%S', %(start)s, '+' || ({seconds}) || ' seconds')",
        "day": "date(%(start)s, '+' || ({seconds}) || ' seconds')",
        "key": "printf('%%032x', n)",
        "padded": "printf('%%0{width}d', {value})",
        "element": "substr('BVRIgriz', 1 + n %% 8, 1)",
        "integer": "CAST({value} AS INTEGER)",
    },
    "postgresql": {
        "numbers": "WITH numbers(n) AS (SELECT generate_series(%(first)s::bigint, %(last)s::bigint))",
        "moment": "%(start)s::timestamptz + ({seconds}) * interval '1 second'",
        "day": "((%(start)s::timestamptz + ({seconds}) * interval '1 second') AT TIME ZONE 'UTC')::date",
        "key": "lpad(to_hex(n), 32, '0')",
        "padded": "lpad(({value})::text, {width}, '0')",
        "element": "substr('BVRIgriz', (1 + n %% 8)::int, 1)",
        "integer": "({value})::bigint",
    },
}  # fmt: skip


def load(count: int, keywords: int) -> None:
    """Write so many frames with one version each.

    With ``keywords``, headers, links, a searchable word and the list of what occurs too.
    """
    from django.db import connection, transaction

    words = {name: text.replace("\n", " ") for name, text in _DIALECTS[connection.vendor].items()}
    with _without_indexes(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous=OFF")
            cursor.execute("PRAGMA cache_size=-1000000")
        _write_fields(cursor, connection.vendor)
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {_PREFIX}frame")
        before = int(cursor.fetchone()[0])
        for first in range(before + 1, before + count + 1, _BATCH):
            last = min(first + _BATCH - 1, before + count)
            with transaction.atomic():  # one for each batch: a log of everything would be as large as the tables
                for statement, parameters in _statements(words, first, last, keywords, count):
                    cursor.execute(statement, parameters)
        if connection.vendor == "postgresql":
            _move_sequences(cursor)
    if keywords:
        _know_what_occurs()
    with connection.cursor() as cursor:
        # What PostgreSQL does by itself in the background: without it, counts read rows beside the index.
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _statements(
    words: dict[str, str], first: int, last: int, keywords: int, count: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    parameters = {"first": first, "last": last, "start": f"{START:%Y-%m-%d %H:%M:%S}"}
    offset = words["integer"].format(value=f"n * {NIGHTS * 86400} / {count}")
    observed, public = (
        words["moment"].format(seconds=seconds) for seconds in (offset, f"{offset} + (n %% 2) * {365 * 86400}")
    )
    padded = words["padded"]
    # Two multiplicative hashes: fields and proposals that have nothing to do with each other or with the time.
    yield (
        (
            f"INSERT INTO {_PREFIX}frame (id, basename, observation_date, observation_day, proposal_id, instrument_id, "
            "target_name, reduction_level, site_id, telescope_id, exposure_time, primary_optical_element, public_date, "
            "configuration_type, observation_id, request_id, has_versions, area, vertices, cell, size_class, center_x, "
            f"center_y, center_z, cosine_radius, sine_radius, created, modified) {words['numbers']} "
            f"SELECT n, 'tst1m0' || (n %% 9) || '-kb' || {padded.format(width=2, value='n %% 80')} || '-' || "
            f"{padded.format(width=8, value='n')} || '-e00', {observed}, {words['day'].format(seconds=offset)}, "
            f"'PROP-' || {padded.format(width=3, value=f'(n * 40503) %% 65536 %% {PROPOSALS}')}, "
            f"'kb' || {padded.format(width=2, value='n %% 80')}, 'target-' || (n %% 1000), 0, "
            "CASE n %% 4 WHEN 0 THEN 'tst' WHEN 1 THEN 'lsc' WHEN 2 THEN 'cpt' ELSE 'coj' END, '1m0a', n %% 600, "
            f"{words['element']}, {public}, 'EXPOSE', n / 3, n / 5, true, area, vertices, cell, size_class, center_x, "
            f"center_y, center_z, cosine_radius, sine_radius, {observed}, {observed} "
            f"FROM numbers JOIN benchmark_field ON benchmark_field.id = (n * 2654435761) %% 4294967296 %% {FIELDS}"
        ),
        parameters,
    )
    yield (
        (
            f"INSERT INTO {_PREFIX}version (id, frame_id, key, md5, extension, created) {words['numbers']} "
            f"SELECT n, n, {words['key']}, {words['key']}, '.fits.fz', %(start)s FROM numbers"
        ),
        parameters,
    )
    if not keywords:
        return
    header = json.dumps({f"KEY{number:05d}"[:8]: float(number) for number in range(keywords)})
    yield (
        (f"INSERT INTO {_PREFIX}headers (frame_id, data) {words['numbers']} SELECT n, %(header)s FROM numbers"),
        parameters | {"header": header},
    )
    yield (
        (
            f"INSERT INTO {_PREFIX}searchableword (frame_id, keyword, text) {words['numbers']} "
            "SELECT n, 'USERID', 'user' || (n %% 300) FROM numbers"
        ),
        parameters,
    )
    # Every frame has three related ones, as in the study of the reference: its neighbours in a block of four.
    yield (
        (
            f"INSERT INTO {_PREFIX}frame_related_frames (from_frame_id, to_frame_id) {words['numbers']} "
            "SELECT n, (n - 1) / 4 * 4 + 1 + k FROM numbers JOIN (SELECT 0 AS k UNION ALL SELECT 1 UNION ALL "
            "SELECT 2 UNION ALL SELECT 3) AS places ON (n - 1) %% 4 <> k WHERE (n - 1) / 4 * 4 + 1 + k <= %(last)s"
        ),
        parameters,
    )


def _write_fields(cursor: Any, vendor: str) -> None:
    blob, document = ("bytea", "jsonb") if vendor == "postgresql" else ("blob", "text")
    cursor.execute(
        f"CREATE TEMPORARY TABLE benchmark_field (id integer PRIMARY KEY, area {document}, vertices {blob}, "
        "cell bigint, size_class smallint, center_x float, center_y float, center_z float, "
        "cosine_radius float, sine_radius float)"
    )
    cursor.executemany(
        "INSERT INTO benchmark_field VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        list(_fields(np.random.default_rng(1))),
    )


def _fields(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    """Footprints of 0.44 degrees a side, made all at once: one by one, as for frames taken in, they took 13 seconds."""
    from armillary.archive.sky.index import index_entries
    from armillary.archive.sky.polygons import unit_vectors

    half = 0.22
    ras = rng.uniform(0, 360, (FIELDS, 1))
    decs = np.degrees(np.arcsin(rng.uniform(-0.99, 0.99, (FIELDS, 1))))
    corner_ras = (ras + half / np.cos(np.radians(decs)) * [-1, 1, 1, -1]) % 360
    corner_decs = decs + half * np.array([-1, -1, 1, 1])
    vertices = unit_vectors(corner_ras, corner_decs)
    totals = vertices.sum(axis=1)
    centers = totals / np.linalg.norm(totals, axis=1, keepdims=True)
    cosine_radii = np.einsum("mkj,mj->mk", vertices, centers).min(axis=1)
    corners = np.round(np.stack([corner_ras, corner_decs], axis=-1), 6).tolist()
    for number, entry in enumerate(index_entries(centers, cosine_radii)):
        ring = [*corners[number], corners[number][0]]
        yield (
            number, json.dumps({"type": "Polygon", "coordinates": [ring]}), vertices[number].astype("<f8").tobytes(),
            entry.cell, entry.size_class, entry.x, entry.y, entry.z, entry.cosine_radius, entry.sine_radius,
        )  # fmt: skip


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Drop the indexes that are no constraints, and make them again afterwards: in order, and many times faster."""
    from django.db import connection

    names = [_PREFIX + table for table in _TABLES]
    places = ", ".join(["%s"] * len(names))
    query = (
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({places})"
        if connection.vendor == "sqlite"
        else f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ({places}) AND indexname NOT IN "
        "(SELECT conname FROM pg_constraint)"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, names)
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
    yield
    with connection.cursor() as cursor:
        for _, definition in indexes:
            cursor.execute(definition)


def _move_sequences(cursor: Any) -> None:
    for table in ("frame", "version"):
        name = _PREFIX + table
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))")


def _know_what_occurs() -> None:
    """The archive keeps a list of what people can choose from; rows that were smuggled in are not on it."""
    from armillary.archive.services.occurring import rebuild_occurring_values

    rebuild_occurring_values()
