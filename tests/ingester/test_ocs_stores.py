"""Our ingester against an OCS archive: records over HTTP, bytes into the archive's bucket or folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from astropy.io import fits
from s3 import start_s3, stop_s3

from armillary.clients.archive import ArchiveClient, digests_of_file
from armillary.clients.errors import ServiceUnavailable
from armillary.clients.transport import connect
from armillary.core.frames import FrameRecord
from armillary.ingester import Patience, ingest, open_byte_store, validate
from armillary.ingester.stores import Bucket, SharedFolder

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

NAME = "tst1m0a-kb01-20261122-0001-e00.fits"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    words = {
        "PROPID": "p", "DATE-OBS": "2026-11-23T02:03:04", "DAY-OBS": "20261122", "INSTRUME": "kb01", "SITEID": "tst",
        "TELID": "1m0a", "OBSTYPE": "EXPOSE", "BLKUID": 1,
    }  # fmt: skip
    fits.PrimaryHDU(np.zeros((3, 3), np.int16), fits.Header(words)).writeto(tmp_path / NAME)
    return tmp_path / NAME


def test_a_shared_folder_holds_the_file_where_the_archive_looks_for_it(path: Path, tmp_path: Path) -> None:
    store, record, digests = SharedFolder(tmp_path / "shared"), validate(path), digests_of_file(path)
    assert store.keep(path, record, digests) == store.keep(path, record, digests)
    kept = [found for found in (tmp_path / "shared").rglob("*") if found.is_file()]
    assert kept == [tmp_path / "shared" / "tst/kb01/20261122/raw" / NAME]
    assert kept[0].read_bytes() == path.read_bytes()


def test_a_folder_that_cannot_be_written_is_an_outage(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ServiceUnavailable, match="file"):
        SharedFolder(tmp_path / "file").keep(path, validate(path), digests_of_file(path))


def test_bad_pixel_masks_have_a_place_of_their_own(path: Path) -> None:
    record = validate(path, metadata={"OBSTYPE": "BPM"})
    assert record.shared_place == f"tst/kb01/bpm/{NAME}"


@pytest.mark.django_db(transaction=True)
def test_a_bucket_with_versions_and_a_record_make_a_frame(path: Path, live_server: LiveServer) -> None:
    """The bucket is the archive's own S3 door, which speaks as much S3 as an OCS ingester needs."""
    from armillary.accounts.services import api_token, create_user

    user = create_user("ingester", is_superuser=True, is_staff=True)
    bucket = Bucket(
        "frames", endpoint_url=f"{live_server.url}/archive/s3", access_key="ingester", secret_key=api_token(user)
    )
    with connect("archive", url=live_server.url, token=api_token(user)) as http:  # at the root, like an OCS archive
        frame = ingest(path, archive=ArchiveClient(http), store=bucket, patience=Patience(attempts=1))
        assert httpx.get(str(frame.url)).content == path.read_bytes()
        assert ingest(path, archive=ArchiveClient(http), store=bucket).was_there_already


def test_a_bucket_that_is_away_is_an_outage(path: Path) -> None:
    bucket = Bucket("frames", endpoint_url="http://127.0.0.1:9", access_key="a", secret_key="b")
    with pytest.raises(ServiceUnavailable):
        bucket.keep(path, validate(path), digests_of_file(path))


def test_a_bucket_without_versions_is_told_and_nothing_is_recorded(path: Path, s3_address: str) -> None:
    bucket = Bucket("frames", endpoint_url=s3_address, access_key="ACCESSKEY1", secret_key="SECRETSECRET")
    with pytest.raises(ServiceUnavailable, match="switch versioning on"):
        bucket.keep(path, validate(path), digests_of_file(path))


@pytest.mark.parametrize("url", ["", "ftp://x/y", "s3://", "s3://bucket?colour=red", "file:"])
def test_an_address_that_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not a store"):
        open_byte_store(url)


def test_addresses_name_stores(tmp_path: Path) -> None:
    assert open_byte_store(tmp_path.as_uri()) == SharedFolder(tmp_path)
    assert isinstance(open_byte_store("s3://bucket?endpoint_url=http://localhost:1"), Bucket)


def test_a_record_knows_both_places(path: Path) -> None:
    record = validate(path)
    assert isinstance(record, FrameRecord)
    assert (record.place, record.shared_place) == (
        os.path.join("tst/1m0a/kb01/20261122/raw", NAME),  # noqa: PTH118  a place in a store, not a path
        os.path.join("tst/kb01/20261122/raw", NAME),  # noqa: PTH118
    )


@pytest.fixture
def s3_address(tmp_path: Path) -> Iterator[str]:
    server = start_s3(tmp_path / "s3")
    yield server.address
    stop_s3(server)
