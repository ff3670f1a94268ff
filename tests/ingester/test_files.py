"""What is read from files, and what is refused."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from armillary.ingester import IngestSettings, UnacceptableFile, validate


def test_an_image_and_its_packed_twin_have_the_same_footprint(write_fits: Callable[..., Path]) -> None:
    plain, packed = validate(write_fits("a-e00.fits")), validate(write_fits("b-e00.fits.fz"))
    assert plain.area is not None
    assert plain.area == packed.area
    assert packed.extension == ".fits.fz"


@pytest.mark.parametrize(("ra", "dec"), [(10.0, 20.0), (0.0, 0.0), (359.99, -45.0), (123.0, 89.99)])
def test_the_footprint_holds_the_center_and_the_corners_lie_on_it(
    write_fits: Callable[..., Path], ra: float, dec: float
) -> None:
    path = write_fits(CRVAL1=ra, CRVAL2=dec)
    area: Any = validate(path).area
    with fits.open(path) as units:
        system, (rows, columns) = WCS(units[0].header, fix=False), units[0].data.shape
    outer = system.all_pix2world([(-0.5, -0.5), (columns - 0.5, rows - 0.5)], 0)
    ring = np.array(area["coordinates"][0])
    for corner in outer:
        apart = np.hypot((ring[:, 0] - corner[0] + 180) % 360 - 180, 0) * np.cos(np.radians(corner[1]))
        assert np.hypot(apart, ring[:, 1] - corner[1]).min() < 1e-6


@pytest.mark.parametrize("dec", [-80.0, -5.39, 0.0, 33.3, 89.5])
def test_an_image_has_four_corners(write_fits: Callable[..., Path], dec: float) -> None:
    area: Any = validate(write_fits(CRVAL2=dec, pixels=64, CRPIX1=32.5, CRPIX2=32.5)).area
    assert len(area["coordinates"][0]) == 5


def test_a_mosaic_has_the_hull_of_its_images(tmp_path: Path, header: dict[str, Any]) -> None:
    units = fits.HDUList([fits.PrimaryHDU(header=fits.Header(header))])
    for shift in (-1.0, 1.0):
        unit = fits.ImageHDU(np.zeros((10, 10), np.float32))
        unit.header.update(WCS_WORDS | {"CRVAL1": 50 + shift, "CRVAL2": 0.0})
        units.append(unit)
    path = tmp_path / "mosaic-e00.fits"
    units.writeto(path)
    area: Any = validate(path).area
    right_ascensions = [position[0] for position in area["coordinates"][0]]
    assert (min(right_ascensions), max(right_ascensions)) == (
        pytest.approx(48.995, abs=0.01),
        pytest.approx(51.005, abs=0.01),
    )


def test_a_file_without_a_place_on_the_sky_is_accepted(write_fits: Callable[..., Path]) -> None:
    assert validate(write_fits(CTYPE1=None, CTYPE2=None)).area is None
    assert validate(write_fits(CRVAL1=1e300)).area is None


DISTORTED: dict[str, Any] = {
    "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2, "A_2_0": 2e-4, "A_0_2": 1e-4,
    "B_2_0": -1e-4, "B_0_2": 3e-4,
}  # fmt: skip
ROTATED: dict[str, Any] = {
    "CD1_1": None, "CD1_2": None, "CD2_1": None, "CD2_2": None, "CDELT1": -0.001, "CDELT2": 0.001,
    "PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8,
}  # fmt: skip


@pytest.mark.parametrize("changes", [{}, DISTORTED, ROTATED], ids=["plain", "distorted", "rotated"])
@pytest.mark.parametrize("name", ["w-e00.fits", "w-e00.fits.fz"])
def test_every_corner_of_an_image_is_in_its_footprint(
    write_fits: Callable[..., Path], changes: dict[str, Any], name: str
) -> None:
    """The world coordinate system as astropy reads it says where the corners are."""
    path = write_fits(name, pixels=100, CRPIX1=50.5, CRPIX2=50.5, **changes)
    with fits.open(path) as units:
        system = WCS(units[-1].header, fix=False)
    assert (system.sip is not None) == (changes is DISTORTED)
    corners = system.all_pix2world([(-0.5, -0.5), (99.5, -0.5), (99.5, 99.5), (-0.5, 99.5)], 0)
    ring: Any = validate(path).area
    for corner in corners:
        nearest = min(np.hypot(corner[0] - ra, corner[1] - dec) for ra, dec in ring["coordinates"][0])
        assert nearest < 1e-6


@pytest.mark.parametrize(
    "changes", [{"CRVAL1": None}, {"CD1_1": 0.0, "CD2_2": 0.0}, {"CTYPE1": "RA---XXX", "CTYPE2": "DEC--XXX"}]
)
def test_a_broken_world_coordinate_system_loses_no_frame(
    write_fits: Callable[..., Path], changes: dict[str, Any]
) -> None:
    record = validate(write_fits(**changes))
    assert record.proposal_id == "night-one"
    assert record.area is None or "CRVAL1" not in changes


def test_not_a_number_in_the_world_coordinate_system_loses_no_frame(write_fits: Callable[..., Path]) -> None:
    path = write_fits()
    card = b"CRVAL1  =                83.82"
    content = path.read_bytes()
    assert card in content
    path.write_bytes(content.replace(card, b"CRVAL1  =                  NaN"))
    record = validate(path)
    assert (record.proposal_id, record.area) == ("night-one", None)


def test_a_radius_says_the_footprint_right_at_every_declination(write_fits: Callable[..., Path]) -> None:
    area: Any = validate(write_fits(RADIUS=3600.0, RA="08:00:00", DEC="80:00:00")).area
    ring = np.array(area["coordinates"][0])
    assert np.ptp(ring[:, 0]) * np.cos(np.radians(80)) == pytest.approx(2, rel=0.05)
    assert ring[:, 0].mean() == pytest.approx(120, abs=0.5)


def test_every_missing_keyword_is_named(write_fits: Callable[..., Path]) -> None:
    with pytest.raises(UnacceptableFile) as refusal:
        validate(write_fits(PROPID=None, BLKUID=None))
    assert refusal.value.problems == (
        "the required keyword PROPID is missing", "the required keyword BLKUID is missing",
    )  # fmt: skip


def test_metadata_beside_the_file_win(write_fits: Callable[..., Path]) -> None:
    record = validate(write_fits(PROPID=None), metadata={"PROPID": "given", "OBJECT": "other"})
    assert (record.proposal_id, record.target_name) == ("given", "other")


def test_pictures_and_documents_have_only_metadata(tmp_path: Path, header: dict[str, Any]) -> None:
    path = tmp_path / "finding-chart.pdf"
    path.write_bytes(b"%PDF-1.7")
    assert validate(path, metadata=header).proposal_id == "night-one"
    with pytest.raises(UnacceptableFile, match="PROPID is missing"):
        validate(path)


def test_the_first_telling_member_of_an_archive_describes_it(tmp_path: Path, write_fits: Callable[..., Path]) -> None:
    bare, full = write_fits("bare.fits", PROPID=None), write_fits("full.fits")
    path = tmp_path / "spectrum-e91.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("readme.txt"), io.BytesIO())
        for member in (bare, full):
            archive.add(member, member.name)
    assert validate(path).proposal_id == "night-one"


@pytest.mark.parametrize("part", [0, 100, 2880, 5000, 9000])
def test_a_truncated_file_is_refused(write_fits: Callable[..., Path], tmp_path: Path, part: int) -> None:
    path = tmp_path / "cut-e00.fits"
    path.write_bytes(write_fits(pixels=64).read_bytes()[:part])
    with pytest.raises(UnacceptableFile):
        validate(path)


@pytest.mark.parametrize("name", ["a-e00.txt", "noextension", "a b.fits"])
def test_an_unknown_kind_of_file_is_refused_with_what_is_known(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    with pytest.raises(UnacceptableFile, match=r"known|accepted"):
        validate(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnacceptableFile, match="No such file"):
        validate(tmp_path / "gone-e00.fits")


@pytest.fixture(scope="module")
def good_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "g-e00.fits"
    unit = fits.PrimaryHDU(np.zeros((4, 4), np.int16), fits.Header(HEADER_WORDS))
    unit.writeto(path)
    return path.read_bytes()


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_file_breaks_the_front_door(
    good_bytes: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    damaged = bytearray(good_bytes)
    for _ in range(data.draw(st.integers(1, 12))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged-e00.fits"
    path.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    try:
        record = validate(path, settings=IngestSettings())
    except UnacceptableFile as refusal:
        assert refusal.problems  # noqa: PT017  either outcome is right; a refusal says why
    else:
        assert record.basename == "damaged-e00"


WCS_WORDS: dict[str, Any] = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 83.82, "CRVAL2": -5.39, "CRPIX1": 5.5, "CRPIX2": 5.5,
    "CD1_1": -0.001, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.001,
}  # fmt: skip
HEADER_WORDS: dict[str, Any] = {
    "PROPID": "night-one", "DATE-OBS": "2026-11-23T02:03:04.567", "DAY-OBS": "20261122", "INSTRUME": "sim01",
    "SITEID": "tst", "TELID": "1m0a", "OBSTYPE": "EXPOSE", "BLKUID": 1000,
}  # fmt: skip


@pytest.fixture
def header() -> dict[str, Any]:
    return dict(HEADER_WORDS)


@pytest.fixture
def write_fits(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "made-e00.fits", *, pixels: int = 10, **changes: Any) -> Path:
        words = HEADER_WORDS | WCS_WORDS | changes
        head = fits.Header({key: value for key, value in words.items() if value is not None})
        image = np.arange(pixels * pixels, dtype=np.int16).reshape(pixels, pixels)
        unit = fits.PrimaryHDU(image, head)
        if name.endswith(".fz"):
            fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(image, head)]).writeto(tmp_path / name, overwrite=True)
        else:
            unit.writeto(tmp_path / name, overwrite=True)
        return tmp_path / name

    return make
