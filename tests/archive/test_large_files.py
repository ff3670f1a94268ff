"""Memory does not grow with the size of files."""

from __future__ import annotations

import hashlib
import io
import resource
import signal
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from rest_framework.test import APIClient

from armillary.archive import products
from armillary.archive.api.raw_bodies import chunks_of
from armillary.archive.pictures import image_of
from armillary.archive.products import NotThatKind, uncompressed
from armillary.archive.services.keep_file import keep_file
from armillary.archive.stores import file_store
from armillary.archive.stores.file_system import FileSystemStore
from armillary.clients.archive import ArchiveClient, digests_of_file
from armillary.ingester import ArchiveUnreachable, Patience, frame_exists, ingest, validate

MEBIBYTE = 1024 * 1024
WORDS: dict[str, Any] = {
    "PROPID": "p", "DATE-OBS": "2026-11-23T02:03:04", "DAY-OBS": "20261122", "INSTRUME": "i", "SITEID": "s",
    "TELID": "t", "OBSTYPE": "EXPOSE", "BLKUID": 1,
}  # fmt: skip


@contextmanager
def at_most(mebibytes: float) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < mebibytes * MEBIBYTE
    finally:
        tracemalloc.stop()


def _sparse(path: Path, edge: int) -> Path:
    """An image of zeros that takes no room on the disk."""
    header = fits.PrimaryHDU(np.zeros((1, 1), np.int16), fits.Header(WORDS)).header
    header["NAXIS1"], header["NAXIS2"] = edge, edge
    header.tofile(path)
    size = path.stat().st_size + edge * edge * 2
    with path.open("r+b") as stream:
        stream.truncate(-(-size // 2880) * 2880)
    return path


def test_a_file_of_ten_gigabytes_is_described_without_reading_it(tmp_path: Path) -> None:
    path = _sparse(tmp_path / "large-e00.fits", 72_000)
    assert path.stat().st_size > 10_000_000_000
    with at_most(20):
        assert validate(path).wire([])["proposal_id"] == "p"


def test_a_file_of_ten_gigabytes_that_lacks_its_end_is_refused(tmp_path: Path) -> None:
    from armillary.ingester import UnacceptableFile

    path = _sparse(tmp_path / "large-e00.fits", 72_000)
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size - 2880)
    with pytest.raises(UnacceptableFile, match="truncated"):
        validate(path)


@pytest.mark.django_db
def test_a_large_file_is_sent_kept_and_zipped_in_pieces(
    tmp_path: Path, web: APIClient, record: Callable[..., dict[str, Any]]
) -> None:
    path = _sparse(tmp_path / "large-e00.fits", 7_000)
    with at_most(12), path.open("rb") as stream:
        digests = digests_of_file(path)
        body = chunks_of(stream, digests.size_bytes)
        file, _ = keep_file("s/t/i/20261122/raw/large-e00.fits", body, md5=digests.md5, sha256=digests.sha256)
        version = {"key": file.key, "md5": file.md5, "extension": ".fits"}
    key = web.post("/frames/", record("large-e00", version_set=[version])).json()["id"]
    with at_most(12), (tmp_path / "all.zip").open("wb") as target:
        for chunk in web.post("/frames/zip/", {"frame_ids": [key]}).streaming_content:
            target.write(chunk)
    with zipfile.ZipFile(tmp_path / "all.zip") as archive, archive.open(archive.namelist()[0]) as member:
        assert hashlib.file_digest(member, "sha256").hexdigest() == digests.sha256
    file_store().delete(file.path)


def _packed(path: Path, data: NDArray[Any], **tiles: Any) -> Path:
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data, fits.Header(WORDS), **tiles)]).writeto(path)
    return path


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.float32])
def test_a_large_packed_image_is_unpacked_in_pieces(tmp_path: Path, kind: type) -> None:
    _packed(tmp_path / "large.fits.fz", np.full((6_000, 7_000), 7, kind))
    with at_most(24), uncompressed(FileSystemStore(tmp_path), "large.fits.fz") as stream:
        assert stream.seek(0, 2) > 6_000 * 7_000 * np.dtype(kind).itemsize


@pytest.mark.parametrize("shape", [(5_000,), (300, 400), (3, 50, 70), (2, 3, 20, 30)])
def test_an_image_that_is_unpacked_in_pieces_is_the_one_that_was_packed(
    tmp_path: Path, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_BAND_BYTES", 5_000)
    data = np.random.default_rng(1).integers(0, 60_000, shape).astype(np.uint16)
    _packed(tmp_path / "frame.fits.fz", data, tile_shape=(7,) * len(shape))
    with uncompressed(FileSystemStore(tmp_path), "frame.fits.fz") as stream:
        content = io.BytesIO(stream.read())
    with fits.open(content) as units:
        assert [type(unit) for unit in units] == [fits.PrimaryHDU]
        assert units[0].header["PROPID"] == "p"
        assert units[0].header["BZERO"] == 32768
        assert units[0].data.dtype == data.dtype
        assert np.array_equal(units[0].data, data)


def _plain(path: Path, *, without_bytes: int) -> Path:
    fits.PrimaryHDU(np.full((100, 100), 7, np.int16), fits.Header(WORDS)).writeto(path)
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size - without_bytes)
    return path


def test_a_file_that_is_cut_is_refused_and_not_handed_out_short(tmp_path: Path) -> None:
    _plain(tmp_path / "cut.fits", without_bytes=5000)
    with pytest.raises(NotThatKind, match="ends too early"):
        uncompressed(FileSystemStore(tmp_path), "cut.fits")


def test_a_file_without_the_filling_of_its_last_block_gets_it(tmp_path: Path) -> None:
    _plain(tmp_path / "sloppy.fits", without_bytes=100)  # 20,000 bytes of pixels fill 160 less than seven blocks
    with uncompressed(FileSystemStore(tmp_path), "sloppy.fits") as stream:
        content = stream.read()
    assert len(content) % 2880 == 0
    with fits.open(io.BytesIO(content)) as units:
        assert (units[0].data == 7).all()


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_large_image_is_drawn_in_pieces(tmp_path: Path, is_packed: bool) -> None:
    path = tmp_path / "large.fits"
    if is_packed:
        _packed(path, np.full((6_000, 7_000), 7, np.int16))
    else:
        _sparse(path, 7_000)
    with at_most(24):
        pixels = image_of(path, edge_pixels=200).pixels
    assert max(pixels.shape) in range(400, 800)
    assert (pixels == (7 if is_packed else 0)).all()


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_answered_with_503_and_the_file_is_kept_when_there_is_room_again(
    tmp_path: Path, archive: ArchiveClient
) -> None:
    path = _sparse(tmp_path / "wide-e00.fits", 400)
    assert not frame_exists(path, archive=archive)  # what a first call writes into the database has found its room
    with no_room_for(100_000), pytest.raises(ArchiveUnreachable, match="503"):
        ingest(path, archive=archive, patience=Patience(attempts=1))
    assert not frame_exists(path, archive=archive)
    frame = ingest(path, archive=archive, patience=Patience(attempts=1))
    assert not frame.was_there_already
    fetched = archive.download(archive.frame(int(frame.frame_id or 0)), tmp_path / "fetched")
    assert fetched.read_bytes() == path.read_bytes()


@contextmanager
def no_room_for(size_bytes: int) -> Iterator[None]:
    """The operating system refuses to make files larger than this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
