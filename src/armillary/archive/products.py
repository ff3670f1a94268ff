"""Other shapes of stored FITS files, made when they are asked for."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from armillary.archive.stores import FileStore
from armillary.archive.stores.interface import CHUNK_BYTES

_BLOCK_BYTES: Final = 2880
_BAND_BYTES: Final = 4 * CHUNK_BYTES
"""About so much of an image is in memory at once."""


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

    A band of rows is unpacked at a time, so memory does not grow with images (unless they are packed as one tile).

    Raises:
        NotThatKind: It is no FITS file.
    """
    from astropy.io import fits

    unpacked = tempfile.TemporaryFile(prefix="armillary-")  # noqa: SIM115  the caller closes it, when it has been sent
    try:
        with local_copy(store, place) as path, _opened(path) as units, path.open("rb") as original:
            for unit in _meaningful(units):
                if isinstance(unit, fits.CompImageHDU):
                    _unpack(unit, unpacked)
                else:
                    _copy(unit, original, unpacked)
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
            units = fits.open(path, memmap=False, lazy_load_hdus=False, do_not_scale_image_data=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NotThatKind(f"this file cannot be read as FITS: {error}") from error
    with units:
        yield units


def _meaningful(units: Any) -> list[Any]:
    """Without the empty primary unit that fpack puts before a single image."""
    from astropy.io import fits

    packed = [unit for unit in units if isinstance(unit, fits.CompImageHDU)]
    if packed and not units[0].size and len(units[0].header) <= _BARE_HEADER:
        return list(units[1:])
    return list(units)


_BARE_HEADER = 8
"""Cards of a primary header that only says that extensions follow."""


def bands(unit: Any, rows_together: int) -> Iterator[NDArray[Any]]:
    """An image in bands of so many rows, the first ones first; of a cube, plane by plane."""
    *planes, rows = unit.shape[:-1] or unit.shape
    for plane in np.ndindex(*planes):
        for first in range(0, rows, rows_together):
            yield np.asarray(unit.section[(*plane, slice(first, min(first + rows_together, rows)))])


def rows_of_a_band(unit: Any) -> int:
    """How many rows of an image are read at once: whole tiles of a packed one."""
    row_bytes = abs(unit.header["BITPIX"]) // 8 * (unit.shape[-1] if len(unit.shape) > 1 else 1)
    tile_rows = getattr(unit, "tile_shape", (1,))[-2:][0]
    return int(tile_rows * max(1, _BAND_BYTES // (row_bytes * tile_rows)))


def _unpack(unit: Any, target: IO[bytes]) -> None:
    """A packed image as a plain one. Values stay as they were packed, and so does what scales them."""
    from astropy.io import fits

    kind = fits.ImageHDU if target.tell() else fits.PrimaryHDU
    shape_alone = np.broadcast_to(np.zeros((), unit.section.dtype), unit.shape)  # has no size in memory
    plain = kind(shape_alone, unit.header, do_not_scale_image_data=True)
    for keyword in ("BSCALE", "BZERO"):
        if keyword in unit.header:
            plain.header[keyword] = (unit.header[keyword], unit.header.comments[keyword])
    plain.verify("silentfix")
    target.write(plain.header.tostring().encode("ascii"))
    for band in bands(unit, rows_of_a_band(unit)):
        target.write(band.astype(band.dtype.newbyteorder(">")).tobytes())
    target.write(bytes(-math.prod(unit.shape) * unit.section.dtype.itemsize % _BLOCK_BYTES))


def _copy(unit: Any, original: IO[bytes], target: IO[bytes]) -> None:
    """A unit that is not packed, byte by byte."""
    from astropy.io import fits

    if not target.tell() and not isinstance(unit, fits.PrimaryHDU):
        target.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
    place = unit.fileinfo()
    original.seek(place["hdrLoc"])
    left = place["datLoc"] + place["datSpan"] - place["hdrLoc"]
    while left and (chunk := original.read(min(CHUNK_BYTES, left))):
        target.write(chunk)
        left -= len(chunk)
    if left > place["datSpan"] - unit.size:  # more is missing than what fills the last block
        raise NotThatKind(f"this file ends too early: {left} bytes of its unit {unit.name or 'PRIMARY'} are missing")
    target.write(bytes(left))


def _of_no_image(header: Any) -> Any:
    bare = header.copy()
    for keyword in ("BSCALE", "BZERO", "XTENSION", "PCOUNT", "GCOUNT", "EXTNAME", "EXTVER"):
        bare.remove(keyword, ignore_missing=True)
    return bare
