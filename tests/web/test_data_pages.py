"""The pages of frames: gallery, picture with a stretch, place on the sky, header."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from django.test import Client

from armillary.accounts.services import api_token, create_user
from armillary.clients.archive import ArchiveClient
from armillary.clients.transport import connect
from armillary.ingester import ingest
from armillary.web.sky_map import sky_map

PUBLIC = "2020-01-01T00:00:00"


@pytest.fixture
def frame_id(db: None, tmp_path: Path) -> int:  # noqa: ARG001  the fixture opens the database
    words: dict[str, Any] = {
        "PROPID": "p", "DATE-OBS": "2026-11-23T02:03:04", "DAY-OBS": "20261122", "INSTRUME": "sim01", "SITEID": "tst",
        "TELID": "1m0a", "OBSTYPE": "EXPOSE", "BLKUID": 1, "OBJECT": "<b>M42</b>", "FILTER": "rp", "L1PUBDAT": PUBLIC,
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 83.82, "CRVAL2": -5.39, "CRPIX1": 32.5, "CRPIX2": 32.5,
        "CD1_1": -0.001, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.001, "AIRMASS": 1.25,
    }  # fmt: skip
    path = tmp_path / "tst1m0a-sim01-20261122-0001-e00.fits"
    sky = np.random.default_rng(1).normal(1000, 10, (64, 64)).astype(np.float32)
    fits.PrimaryHDU(sky, fits.Header(words)).writeto(path)
    user = create_user("ingester", is_superuser=True, is_staff=True)
    return int(ingest(path, archive=ArchiveClient(connect("archive", token=api_token(user)))).frame_id or 0)


def _text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_frame_shows_its_picture_its_place_and_its_header(frame_id: int, client: Client) -> None:
    text = _text(client, f"/data/{frame_id}/")
    assert re.search(r"05:35:16\.[78]\d -05:23:2[34]\.\d \(ICRS\), 3\.84 arcmin by 3\.84 arcmin", text)
    assert "&lt;b&gt;M42" in text
    assert "<b>M42" not in text
    assert "AIRMASS" in text
    address = re.search(r'class="preview" src="([^"]+)"', text)
    assert address is not None
    assert client.get(address[1].replace("&amp;", "&"))["Content-Type"] == "image/jpeg"


@pytest.mark.django_db(transaction=True)
def test_the_stretch_can_be_chosen_and_nonsense_is_told_on_the_page(frame_id: int, client: Client) -> None:
    chosen = _text(client, f"/data/{frame_id}/?stretch=log&limits=minmax&black=900&white=1100&percentile=")
    assert "black=900.0" in chosen
    assert "<option selected>log</option>" in chosen
    wrong = _text(client, f"/data/{frame_id}/?black=5&white=1")
    assert "white: The value of white must be larger" in wrong
    assert 'class="preview"' not in wrong


@pytest.mark.django_db(transaction=True)
def test_frames_are_found_around_an_object_by_its_name(frame_id: int, client: Client) -> None:
    assert f"/data/{frame_id}/" in _text(client, "/data/?name=M+42&radius=0.5")
    assert "No frames match" in _text(client, "/data/?name=M+31")
    assert "not known here" in _text(client, "/data/?name=Nowhere", status=400)


@pytest.mark.django_db(transaction=True)
def test_a_frame_that_does_not_exist_for_somebody_has_no_page(client: Client) -> None:
    _text(client, "/data/999999/", status=404)


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (359.9, 45.0), (180.0, -30.0), (10.0, 89.9), (200.0, -89.95)])
def test_the_close_up_is_right_anywhere_on_the_sky(ra: float, dec: float) -> None:
    """A square of 0.2 degrees around a place, from the definition of the gnomonic projection (Calabretta 2002)."""
    from astropy.wcs import WCS

    system = WCS(naxis=2)
    system.wcs.ctype, system.wcs.crval = ["RA---TAN", "DEC--TAN"], [ra, dec]
    system.wcs.crpix, system.wcs.cdelt = [0, 0], [-0.1, 0.1]
    ring = [[float(a), float(d)] for a, d in system.all_pix2world([(-2, -2), (0, -2), (0, 0), (-2, 0)], 0)]
    drawn = sky_map({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})
    assert drawn is not None
    points = [tuple(float(part) for part in point.split(",")) for point in drawn.outline.split()]
    # Columns run to the west, so the first corner is the eastern one below.
    assert points == [(24.0, 176.0), (176.0, 176.0), (176.0, 24.0), (24.0, 24.0)]
    assert drawn.size_text == "12 arcmin by 12 arcmin"
    assert 0 <= drawn.x <= 360
    assert 0 <= drawn.y <= 180


@pytest.mark.parametrize("area", [None, {}, {"type": "Point", "coordinates": [1, 2]}])
def test_a_frame_without_a_place_has_no_map(area: Any) -> None:
    assert sky_map(area) is None
