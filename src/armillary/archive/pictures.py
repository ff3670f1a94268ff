"""Pictures of frames: what astronomers see first."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from armillary.archive.products import NotThatKind

EDGE_PIXELS: Final = {"small": 200, "medium": 512, "large": 1024}
_QUALITY: Final = 85
_MOST_PIXELS: Final = 400_000_000

Pixels = NDArray[np.float32]


def image_of(path: Path, *, edge_pixels: int) -> Pixels:
    """The first two-dimensional image of a FITS file, reduced to about twice the wanted size, north as it is.

    Args:
        path: A FITS file, fpacked or not.
        edge_pixels: Longest side of the picture to be made.

    Raises:
        NotThatKind: The file is no FITS file, or holds no image of that kind.
    """
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            with fits.open(path, memmap=False) as units:
                data = _first_image(units)
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise NotThatKind(f"this file cannot be read as FITS: {error}") from error
    step = max(1, max(data.shape) // (2 * edge_pixels))
    return _averaged(data, step)


def picture(images: Sequence[Pixels], *, edge_pixels: int) -> bytes:
    """A JPEG of one image (grey) or of three (red, green, blue), stretched so that faint things show.

    The limits are those of the zscale algorithm; the stretch is an inverse hyperbolic sine.

    Args:
        images: One or three images, row 0 at the bottom, as in FITS.
        edge_pixels: Longest side of the picture.
    """
    from PIL import Image

    channels = [_stretched(image) for image in images]
    if len(channels) == 1:
        drawn = Image.fromarray(channels[0], mode="L")
    else:
        shape = tuple(min(channel.shape[axis] for channel in channels) for axis in (0, 1))
        drawn = Image.fromarray(np.dstack([channel[: shape[0], : shape[1]] for channel in channels]), mode="RGB")
    drawn.thumbnail((edge_pixels, edge_pixels))
    stream = io.BytesIO()
    drawn.save(stream, format="JPEG", quality=_QUALITY)
    return stream.getvalue()


def _first_image(units: Any) -> NDArray[Any]:
    for unit in units:
        header = unit.header
        axes = int(header.get("ZNAXIS", header.get("NAXIS", 0)))
        if not getattr(unit, "is_image", False) or axes != 2:
            continue
        if int(header.get("NAXIS1", 0)) * int(header.get("NAXIS2", 0)) > _MOST_PIXELS:
            raise NotThatKind("the image is too large for a picture")
        if unit.data is not None and unit.data.size:
            return np.asarray(unit.data)
    raise NotThatKind("this file holds no two-dimensional image")


def _averaged(data: NDArray[Any], step: int) -> Pixels:
    """The mean of squares of pixels: noise falls, and no star is lost between samples."""
    rows, columns = (size // step * step for size in data.shape)
    if step == 1 or not rows or not columns:
        return data.astype(np.float32)
    blocks = data[:rows, :columns].astype(np.float32).reshape(rows // step, step, columns // step, step)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def _stretched(image: Pixels) -> NDArray[np.uint8]:
    from astropy.visualization import AsinhStretch, ZScaleInterval

    finite = np.isfinite(image)
    if not finite.any():
        return np.zeros(image.shape, dtype=np.uint8)
    filled = np.where(finite, image, np.median(image[finite]))
    low, high = ZScaleInterval().get_limits(filled)
    # Twice the zscale range: stars keep their profile, and the sky stays dark.
    scaled = np.clip((filled - low) / max(2 * (high - low), np.finfo(np.float32).tiny), 0, 1)
    return np.asarray(np.flipud(AsinhStretch(0.1)(scaled) * 255), dtype=np.uint8)
