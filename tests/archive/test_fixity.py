from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary import clock
from armillary.archive.models import Frame, StoredFile
from armillary.archive.services.delete_frames import delete_frames
from armillary.archive.services.verify_files import Finding, repair_from, verify_files
from armillary.archive.stores import FileSystemStore, file_store
from armillary.clients.archive import ContentDigests
from armillary.ingester import IngestedFrame

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_store() -> None:
    """The store outlives a test's database."""
    for held in list(file_store().everything()):
        file_store().delete(held.place)


def _copy(target: Path) -> FileSystemStore:
    copy = FileSystemStore(target)
    for held in file_store().everything():
        copy.write(held.place, file_store().read(held.place))
    return copy


def _put(web: APIClient, content: bytes, *, place: str = "s/t/i/20261122/raw/a-e00.fits", **claims: Any) -> Any:
    digest = ContentDigests(
        len(content), hashlib.md5(content, usedforsecurity=False).hexdigest(), hashlib.sha256(content).hexdigest()
    )
    headers = {"Content-Digest": replace(digest, **claims).header}
    return web.put(f"/archive/store/{place}", content, content_type="image/fits", headers=headers)


@pytest.mark.parametrize("claims", [{"md5": "0" * 32}, {"sha256": "0" * 64}])
def test_bytes_that_are_not_the_announced_ones_are_not_kept(web: APIClient, claims: dict[str, str]) -> None:
    answer = _put(web, b"content", **claims)
    assert answer.status_code == 400
    assert "nothing was kept, send the file again" in answer.json()["detail"]
    assert list(file_store().everything()) == []
    assert StoredFile.objects.count() == 0


@pytest.mark.parametrize("header", ["", "md5=:AAAA:", "sha-256=:!!!:, md5=:AAAA:"])
def test_bytes_without_checksums_are_not_taken(web: APIClient, header: str) -> None:
    answer = web.put("/archive/store/s/a-e00.fits", b"x", content_type="image/fits", headers={"Content-Digest": header})
    assert answer.status_code == 400
    assert "Content-Digest" in answer.json()["detail"]


@pytest.mark.parametrize("place", ["../../etc/passwd", "s/.hidden.fits", "s//a.fits", "s/a b.fits"])
def test_a_place_that_leads_elsewhere_is_refused(web: APIClient, place: str) -> None:
    assert _put(web, b"content", place=place).status_code in {400, 404}
    assert list(file_store().everything()) == []


def test_a_sound_archive_has_nothing_to_report(taken_in: Callable[..., IngestedFrame]) -> None:
    taken_in()
    assert list(verify_files()) == []


def test_loss_and_rot_are_reported_and_repaired_from_a_second_store(
    taken_in: Callable[..., IngestedFrame], data_directory: Path, tmp_path: Path
) -> None:
    taken_in(), taken_in(), taken_in()
    second = _copy(tmp_path / "second")
    lost, rotten, short = StoredFile.objects.order_by("pk")
    (data_directory / "archive" / lost.path).unlink()
    bytes_of = bytearray((data_directory / "archive" / rotten.path).read_bytes())
    bytes_of[5000] ^= 1
    (data_directory / "archive" / rotten.path).write_bytes(bytes_of)
    (data_directory / "archive" / short.path).write_bytes(b"short")
    assert [(problem.finding, problem.place) for problem in verify_files()] == [
        (Finding.LOST, lost.path), (Finding.ROTTEN, rotten.path), (Finding.ROTTEN, short.path),
    ]  # fmt: skip
    assert [problem.finding for problem in verify_files(reread=False)] == [Finding.LOST, Finding.ROTTEN]
    assert list(repair_from(second)) == [(lost.path, True), (rotten.path, True), (short.path, True)]
    assert list(verify_files()) == []


def test_a_copy_that_is_wrong_itself_repairs_nothing(
    taken_in: Callable[..., IngestedFrame], data_directory: Path, tmp_path: Path
) -> None:
    taken_in()
    second = _copy(tmp_path / "second")
    file = StoredFile.objects.get()
    (tmp_path / "second" / file.path).write_bytes(b"x" * file.size_bytes)
    (data_directory / "archive" / file.path).unlink()
    assert list(repair_from(second)) == [(file.path, False)]


def test_what_nothing_refers_to_is_reported_after_a_day(
    taken_in: Callable[..., IngestedFrame], set_clock: Callable[..., None]
) -> None:
    taken_in()
    file_store().write("left/over.fits", [b"x"])
    Frame.objects.all().delete()
    assert list(verify_files()) == []
    set_clock(clock.now() + timedelta(days=2))
    assert {problem.finding for problem in verify_files()} == {Finding.ORPHAN, Finding.UNRECORDED}


def test_deleted_frames_take_their_bytes_along(taken_in: Callable[..., IngestedFrame]) -> None:
    taken_in(), taken_in()
    assert delete_frames(Frame.objects.all()) == 2
    assert list(file_store().everything()) == []
    assert StoredFile.objects.count() == 0
