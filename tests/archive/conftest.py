from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from armillary.clients.archive import ArchiveClient
from armillary.clients.transport import connect
from armillary.ingester import IngestedFrame, Patience, ingest

if TYPE_CHECKING:
    from armillary.accounts.models import User  # importable only after Django has been set up

_numbers = itertools.count(1)


@pytest.fixture
def superuser(db: None) -> User:  # noqa: ARG001  the fixture opens the database
    from armillary.accounts.services import create_user

    return create_user("ingester", is_superuser=True, is_staff=True)


@pytest.fixture
def archive(superuser: User) -> ArchiveClient:
    """The archive in this process, as a superuser."""
    from armillary.accounts.services import api_token

    return ArchiveClient(connect("archive", token=api_token(superuser)))


@pytest.fixture
def stranger() -> APIClient:
    return APIClient()


@pytest.fixture
def web(superuser: User) -> APIClient:
    """A superuser's plain HTTP client."""
    from armillary.accounts.services import api_token

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {api_token(superuser)}")
    return client


@pytest.fixture
def fits_file(tmp_path: Path) -> Callable[..., Path]:
    """Make a FITS file with a world coordinate system around a place; keywords can be changed or dropped (None)."""
    from astropy.io import fits

    def make(
        name: str | None = None, *, ra: float = 83.82, dec: float = -5.39, pixels: int = 64, **changes: Any
    ) -> Path:
        number = next(_numbers)
        header = fits.Header()
        words: dict[str, Any] = {
            "PROPID": "night-one", "DATE-OBS": "2026-11-23T02:03:04.567", "DAY-OBS": "20261122", "INSTRUME": "sim01",
            "SITEID": "tst", "TELID": "1m0a", "OBSTYPE": "EXPOSE", "BLKUID": 1000 + number, "REQNUM": 77,
            "TRACKNUM": 7, "MOLUID": 70, "OBJECT": "M42", "FILTER": "rp", "EXPTIME": 30.0, "RLEVEL": 0,
            "AIRMASS": 1.25, "USERID": "kepler",
            "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": ra, "CRVAL2": dec, "CRPIX1": pixels / 2 + 0.5,
            "CRPIX2": pixels / 2 + 0.5, "CD1_1": -0.001, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.001,
        }  # fmt: skip
        for keyword, value in (words | {key.replace("_OBS", "-OBS"): value for key, value in changes.items()}).items():
            if value is not None:
                header[keyword] = value
        path = tmp_path / (name or f"tst1m0a-sim01-20261122-{number:04d}-e00.fits")
        sky = np.random.default_rng(number).normal(1000, 10, (pixels, pixels)).astype(np.float32)
        if path.name.endswith(".fz"):
            units = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(sky.astype(np.int16), header)])
        else:
            units = fits.HDUList([fits.PrimaryHDU(sky, header)])
        units.writeto(path)
        return path

    return make


@pytest.fixture
def taken_in(archive: ArchiveClient, fits_file: Callable[..., Path]) -> Callable[..., IngestedFrame]:
    """Make a FITS file and ingest it."""

    def make(*args: Any, **kwargs: Any) -> IngestedFrame:
        return ingest(fits_file(*args, **kwargs), archive=archive, patience=Patience(attempts=1))

    return make


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    """The body of ``POST /frames/`` for a frame whose bytes are elsewhere."""

    def make(basename: str | None = None, **changes: Any) -> dict[str, Any]:
        number = next(_numbers)
        name = basename or f"tst1m0a-sim01-20261122-{number:04d}-e00"
        digest = hashlib.md5(f"{name}{number}".encode(), usedforsecurity=False).hexdigest()
        body: dict[str, Any] = {
            "basename": name, "area": None, "headers": {"USERID": "kepler"}, "related_frame_filenames": [],
            "version_set": [{"key": digest, "md5": digest, "extension": ".fits.fz"}], "configuration_type": "EXPOSE",
            "observation_day": "20261122", "observation_date": "2026-11-23T02:03:04.567", "proposal_id": "night-one",
            "instrument_id": "sim01", "target_name": "M42", "reduction_level": 0, "site_id": "tst",
            "telescope_id": "1m0a", "exposure_time": 30.0, "primary_optical_element": "rp",
            "public_date": "2027-11-23T02:03:04", "observation_id": 12, "request_id": 77,
        }  # fmt: skip
        return body | changes

    return make


@pytest.fixture
def members() -> Iterator[Callable[..., None]]:
    """Say which proposals somebody is a member of, in the portal's stead: ``members(user, "night-one")``."""
    from armillary.accounts import profile_sections

    proposals: dict[int, list[dict[str, str]]] = {}

    def section(user: User, *, include_current_time_allocations: bool) -> profile_sections.ProfileSection:
        del include_current_time_allocations
        return profile_sections.ProfileSection(proposals=proposals.get(user.pk, []))

    def add(user: User, *codes: str) -> None:
        proposals[user.pk] = [{"id": code} for code in codes]

    profile_sections.register(section)
    yield add
    profile_sections._providers.remove(section)


@pytest.fixture
def client_of() -> Callable[[User], APIClient]:
    """The HTTP client of somebody, with a token."""
    from armillary.accounts.services import api_token

    def make(user: User) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {api_token(user)}")
        return client

    return make
