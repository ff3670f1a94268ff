"""A frame's whole way: file, ingester, archive, search, download."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from rest_framework.test import APIClient

from armillary.archive.models import Frame, Thumbnail
from armillary.clients.archive import ArchiveClient
from armillary.ingester import IngestedFrame, ingest
from armillary.platform import worker
from armillary.platform.models import Change

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_that_is_ingested_can_be_found_and_downloaded_byte_by_byte(
    archive: ArchiveClient, fits_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = fits_file()
    ingested = ingest(path, archive=archive)
    found = list(archive.frames(request_id=77))
    assert [frame["id"] for frame in found] == [ingested.frame_id]
    assert archive.headers(found[0]["id"])["OBJECT"] == "M42"
    fetched = archive.download(found[0], tmp_path / "fetched")
    assert fetched.name == path.name
    assert fetched.read_bytes() == path.read_bytes()


def test_a_download_address_is_absolute_and_needs_no_token(
    taken_in: Callable[..., IngestedFrame], stranger: APIClient
) -> None:
    ingested = taken_in()
    url = httpx.URL(str(ingested.url))
    assert url.is_absolute_url
    answer = stranger.get(f"{url.path}?{url.query.decode()}")
    content = b"".join(answer.streaming_content)
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == ingested.md5
    assert answer["Content-Length"] == str(ingested.size_bytes)


def test_a_forged_or_altered_address_leads_nowhere(taken_in: Callable[..., IngestedFrame], stranger: APIClient) -> None:
    url = httpx.URL(str(taken_in().url))
    later = url.copy_set_param("expires", str(int(url.params["expires"]) + 3600))
    other = url.copy_with(path=url.path.replace(url.path.split("/")[-2], "0" * 32))
    for altered in (later, other, url.copy_set_param("signature", "AAAA"), url.copy_set_param("expires", "soon")):
        assert stranger.get(f"{altered.path}?{altered.query.decode()}").status_code == 404


def _status(client: APIClient, address: str, **options: Any) -> int:
    answer = client.get(address, **options)
    answer.close()
    return int(answer.status_code)


def test_an_address_expires(
    taken_in: Callable[..., IngestedFrame], stranger: APIClient, set_clock: Callable[..., None]
) -> None:
    set_clock(datetime(2026, 11, 23, 12, tzinfo=UTC))
    url = httpx.URL(str(taken_in().url))
    address = f"{url.path}?{url.query.decode()}"
    assert _status(stranger, address) == 200
    set_clock(datetime(2026, 11, 26, 12, tzinfo=UTC))
    assert stranger.get(address).status_code == 404


def test_a_download_continues_where_it_broke_off(
    archive: ArchiveClient, taken_in: Callable[..., IngestedFrame], tmp_path: Path
) -> None:
    ingested = taken_in()
    frame = archive.frame(int(ingested.frame_id or 0))
    whole = archive.download(frame, tmp_path / "whole").read_bytes()
    folder = tmp_path / "part"
    folder.mkdir()
    (folder / f"{ingested.filename}.part").write_bytes(whole[:5000])
    assert archive.download(frame, folder).read_bytes() == whole


@pytest.mark.parametrize(
    ("asked", "status", "content_range"),
    [
        ("bytes=0-9", 206, "bytes 0-9/{size}"),
        ("bytes=10-", 206, "bytes 10-{last}/{size}"),
        ("bytes=-5", 206, "bytes {minus5}-{last}/{size}"),
        ("bytes=999999999-", 416, "bytes */{size}"),
        ("furlongs=1-2", 200, None),
    ],
)
def test_parts_of_a_file_can_be_asked_for(
    taken_in: Callable[..., IngestedFrame], stranger: APIClient, asked: str, status: int, content_range: str | None
) -> None:
    ingested = taken_in()
    url = httpx.URL(str(ingested.url))
    answer = stranger.get(f"{url.path}?{url.query.decode()}", headers={"Range": asked})
    size = ingested.size_bytes
    expected = content_range and content_range.format(size=size, last=size - 1, minus5=size - 5)
    answer.close()
    assert (answer.status_code, answer.headers.get("Content-Range")) == (status, expected)


def test_an_unchanged_file_is_not_sent_again(taken_in: Callable[..., IngestedFrame], stranger: APIClient) -> None:
    url = httpx.URL(str(taken_in().url))
    address = f"{url.path}?{url.query.decode()}"
    tag = stranger.head(address)["ETag"]
    assert _status(stranger, address, headers={"If-None-Match": tag}) == 304
    assert _status(stranger, address, headers={"If-None-Match": '"other"'}) == 200


def test_ingesting_a_file_again_changes_nothing(archive: ArchiveClient, fits_file: Callable[..., Path]) -> None:
    path = fits_file()
    assert not ingest(path, archive=archive).was_there_already
    assert ingest(path, archive=archive).was_there_already
    assert Frame.objects.count() == 1


def test_other_content_under_the_same_name_is_a_further_version(
    archive: ArchiveClient, fits_file: Callable[..., Path], tmp_path: Path
) -> None:
    first = ingest(fits_file("a-e00.fits"), archive=archive)
    (tmp_path / "a-e00.fits").unlink()
    second = ingest(fits_file("a-e00.fits", OBJECT="M43"), archive=archive)
    frame = archive.frame(int(second.frame_id or 0))
    assert first.frame_id == second.frame_id
    assert [version["md5"] for version in frame["version_set"]] == [second.md5, first.md5]
    assert frame["OBJECT"] == "M43"


def test_an_archived_frame_is_announced(taken_in: Callable[..., IngestedFrame]) -> None:
    ingested = taken_in()
    change = Change.objects.get(kind="frame.archived")
    assert change.key == str(ingested.frame_id)
    assert change.payload["request_id"] == 77


def test_thumbnails_are_drawn_in_the_background(
    taken_in: Callable[..., IngestedFrame], archive: ArchiveClient, stranger: APIClient
) -> None:
    ingested = taken_in("x-e00.fits.fz", pixels=300)
    assert Thumbnail.objects.count() == 0
    from armillary import clock

    worker.work_once(clock.now())
    frame = next(archive.frames(include_thumbnails=True))
    assert frame["id"] == ingested.frame_id
    assert {thumbnail["size"] for thumbnail in frame["thumbnails"]} == {"small", "large"}
    url = httpx.URL(frame["thumbnails"][0]["url"])
    answer = stranger.get(f"{url.path}?{url.query.decode()}")
    assert answer["Content-Type"] == "image/jpeg"
    assert b"".join(answer.streaming_content).startswith(b"\xff\xd8")
