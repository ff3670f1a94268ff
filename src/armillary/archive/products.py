"""Other shapes of stored FITS files, made when they are asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from armillary.archive.stores import FileStore
from armillary.archive.stores.interface import CHUNK_BYTES


class NotThatKind(ValueError):
    """A file does not hold what was asked for."""


@contextmanager
def local_copy(store: FileStore, place: str) -> Iterator[Path]:
    """A stored file as a local, temporary one, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="armillary-") as folder:
        path = Path(folder) / "file.fits"
        with path.open("wb") as stream:
            for chunk in store.read(place):
                stream.write(chunk)
        yield path


def uncompressed(store: FileStore, place: str) -> IO[bytes]:
    """An fpacked FITS file, unpacked, as an open temporary file at its beginning; others are copied as they are.

    One image is unpacked at a time, so memory is bounded by the largest image and not by the file.

    Raises:
        NotThatKind: It is no FITS file.
    """
    from astropy.io import fits

    unpacked = tempfile.TemporaryFile(prefix="armillary-")  # noqa: SIM115  the caller closes it, when it has been sent
    try:
        with local_copy(store, place) as path, _opened(path) as units:
            for unit in _meaningful(units):
                plain = _plain(unit, is_first=unpacked.tell() == 0)
                fits.HDUList([plain]).writeto(unpacked, output_verify="silentfix", checksum=False)
    except BaseException:
        unpacked.close()
        raise
    unpacked.seek(0)
    return unpacked


def catalogue(store: FileStore, place: str) -> IO[bytes]:
    """The source catalogue of a reduced frame: the header of its image, and the table ``CAT``.

    Raises:
        NotThatKind: It is no FITS file, or has no such table.
    """
    from astropy.io import fits

    result = tempfile.TemporaryFile(prefix="armillary-")  # noqa: SIM115  the caller closes it, when it has been sent
    try:
        with local_copy(store, place) as path, _opened(path) as units:
            source = _unit_named("CAT", units)
            header = units["SCI"].header if "SCI" in units else units[0].header
            table = fits.BinTableHDU(source.data, source.header)
            fits.HDUList([fits.PrimaryHDU(header=_of_no_image(header)), table]).writeto(
                result, output_verify="silentfix"
            )
    except BaseException:
        result.close()
        raise
    result.seek(0)
    return result


def _unit_named(name: str, units: Any) -> Any:
    if name not in units:
        raise NotThatKind(f"this frame has no table {name}, so it has no catalogue")
    return units[name]


def chunks_of(stream: IO[bytes]) -> Iterator[bytes]:
    """The rest of a file in pieces; it is closed at the end."""
    with stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import warnings

    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # headers from telescopes are rarely quite standard
            units = fits.open(path, memmap=True, lazy_load_hdus=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NotThatKind(f"this file cannot be read as FITS: {error}") from error
    with units:
        yield units


def _meaningful(units: Any) -> list[Any]:
    """Without the empty primary unit that fpack puts before a single image."""
    from astropy.io import fits

    packed = [unit for unit in units if isinstance(unit, fits.CompImageHDU)]
    if packed and units[0].data is None and len(units[0].header) <= _BARE_HEADER:
        return list(units[1:])
    return list(units)


_BARE_HEADER = 8
"""Cards of a primary header that only says that extensions follow."""


def _plain(unit: Any, *, is_first: bool) -> Any:
    from astropy.io import fits

    if isinstance(unit, fits.CompImageHDU):
        kind = fits.PrimaryHDU if is_first else fits.ImageHDU
        return kind(data=unit.data, header=unit.header)
    return unit


def _of_no_image(header: Any) -> Any:
    bare = header.copy()
    for keyword in ("BSCALE", "BZERO", "XTENSION", "PCOUNT", "GCOUNT", "EXTNAME", "EXTVER"):
        bare.remove(keyword, ignore_missing=True)
    return bare
