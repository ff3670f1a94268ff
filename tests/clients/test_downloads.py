"""Many frames fetched at once, from a real archive over a real socket, and listed in a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from astropy.io import fits

from armillary.clients.archive import ArchiveClient
from armillary.clients.downloads import download_frames, fetch
from armillary.clients.transport import connect
from armillary.ingester import ingest

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def archive(live_server: LiveServer, tmp_path: Path) -> Iterator[ArchiveClient]:
    from armillary.accounts.services import api_token, create_user

    token = api_token(create_user("ingester", is_superuser=True, is_staff=True))
    with connect("archive", url=f"{live_server.url}/archive", token=token) as http:
        client = ArchiveClient(http)
        for number in range(3):
            words: dict[str, Any] = {
                "PROPID": "p", "DATE-OBS": f"2026-11-23T02:03:0{number}", "DAY-OBS": "20261122", "INSTRUME": "i",
                "SITEID": "s", "TELID": "t", "OBSTYPE": "EXPOSE", "BLKUID": 1, "REQNUM": 7, "EXPTIME": 30.0,
            }  # fmt: skip
            path = tmp_path / f"n{number}-e00.fits"
            fits.PrimaryHDU(np.full((50, 50), number, np.int16), fits.Header(words)).writeto(path)
            ingest(path, archive=client)
        yield client


def test_a_call_returns_a_table_with_local_paths(archive: ArchiveClient, tmp_path: Path) -> None:
    table = fetch(archive, tmp_path / "fetched", request_id=7)
    assert list(table["filename"]) == ["n0-e00.fits", "n1-e00.fits", "n2-e00.fits"]
    assert table["exposure_time"].unit == "s"
    for name, path, problem in table["filename", "local_path", "problem"]:
        assert problem == ""
        assert Path(path).read_bytes() == (tmp_path / name).read_bytes()


def test_what_is_there_is_not_fetched_again_and_what_broke_off_is_continued(
    archive: ArchiveClient, tmp_path: Path
) -> None:
    folder = tmp_path / "fetched"
    fetch(archive, folder, request_id=7)
    (folder / "n1-e00.fits").replace(folder / "n1-e00.fits.part")
    (folder / "n2-e00.fits").write_bytes(b"spoiled")
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    table = fetch(archive, folder, request_id=7)
    assert list(table["problem"]) == ["", "", ""]
    assert (folder / "n0-e00.fits").stat().st_mtime_ns == times["n0-e00.fits"]
    assert (folder / "n2-e00.fits").read_bytes() == (tmp_path / "n2-e00.fits").read_bytes()


def test_one_frame_that_fails_does_not_stop_the_others(archive: ArchiveClient, tmp_path: Path) -> None:
    frames = list(archive.frames(request_id=7))
    frames[1] = frames[1] | {"version_set": [{"md5": "0" * 32}]}
    done = {str(found.frame["filename"]): found for found in download_frames(archive, frames, tmp_path / "fetched")}
    assert [found.path is None for _, found in sorted(done.items())] == [False, True, False]
    assert "instead of 00000" in done["n1-e00.fits"].problem
