"""Pictures of frames: what astronomers see first."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from armillary.archive.products import NotThatKind, bands, rows_of_a_band

EDGE_PIXELS: Final = {"small": 200, "medium": 512, "large": 1024}
_MOST_PIXELS: Final = 400_000_000
_SAMPLED: Final = 100_000
"""Pixels from which limits are taken."""

Pixels = NDArray[np.float32]


class Curve(StrEnum):
    """How brightness becomes grey."""

    ASINH = "asinh"
    LINEAR = "linear"
    SQRT = "sqrt"
    LOG = "log"


class Limits(StrEnum):
    """What becomes black and what white."""

    ZSCALE = "zscale"
    PERCENTILE = "percentile"
    MINMAX = "minmax"


@dataclass(frozen=True, slots=True)
class Stretch:
    """How the values of an image are shown."""

    curve: Curve = Curve.ASINH
    limits: Limits = Limits.ZSCALE
    percentile: float = 99.5
    """With ``Limits.PERCENTILE``: the part of the pixels, in percent, that is neither black nor white."""
    black: float | None = None
    """Value that is black, in the image's unit; goes before the limits."""
    white: float | None = None
    """Value that is white, in the image's unit."""
    is_median_black: bool = False
    """The median, which is the sky, is black."""


@dataclass(frozen=True, slots=True)
class FrameImage:
    """The image of a frame, reduced in size."""

    pixels: Pixels
    """Row 0 at the bottom, as in FITS."""
    step: int
    """Pixels of the file in one of these, along each axis."""
    header: Any
    """Of the image in the file."""


def image_of(path: Path, *, edge_pixels: int) -> FrameImage:
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
                unit = _first_image(units)
                step = max(1, max(unit.shape) // (2 * edge_pixels))
                return FrameImage(_averaged(unit, step), step, unit.header.copy())
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise NotThatKind(f"this file cannot be read as FITS: {error}") from error


def picture(
    images: Sequence[Pixels],
    *,
    width: int,
    height: int,
    stretch: Stretch | None = None,
    quality: int = 85,
    label: str = "",
) -> bytes:
    """A JPEG of one image (grey) or of three (red, green, blue), stretched so that faint things show.

    Args:
        images: One or three images, row 0 at the bottom, as in FITS.
        width: Most pixels across.
        height: Most pixels up.
        stretch: How values are shown; default: an inverse hyperbolic sine between the limits of zscale.
        quality: Of the JPEG: 1 to 95.
        label: A line of text in the lower left corner.
    """
    from PIL import Image

    channels = [_stretched(image, stretch or Stretch()) for image in images]
    if len(channels) == 1:
        drawn = Image.fromarray(channels[0])
    else:
        shape = tuple(min(channel.shape[axis] for channel in channels) for axis in (0, 1))
        drawn = Image.fromarray(np.dstack([channel[: shape[0], : shape[1]] for channel in channels]))
    drawn.thumbnail((width, height))
    if label:
        _write(drawn, label)
    stream = io.BytesIO()
    drawn.save(stream, format="JPEG", quality=quality)
    return stream.getvalue()


def aligned(images: Sequence[FrameImage]) -> list[Pixels]:
    """Images of one field, shifted by whole pixels so that the stars of all lie on those of the first.

    The world coordinate systems say by how much; images without one stay where they are.
    """
    first = images[0]
    return [first.pixels, *(_shifted(image, _offset(first, image)) for image in images[1:])]


def _offset(first: FrameImage, other: FrameImage) -> tuple[int, int]:
    """Columns and rows by which an image must be moved to lie on the first one."""
    from astropy.utils.exceptions import AstropyWarning
    from astropy.wcs import WCS, NoConvergence, WcsError

    rows, columns = (size * first.step / 2 for size in first.pixels.shape)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            systems = [WCS(image.header, relax=True) for image in (first, other)]
            if not all(system.has_celestial for system in systems):
                return 0, 0
            sky = systems[0].celestial.all_pix2world([[columns, rows]], 0)
            there = systems[1].celestial.all_world2pix(sky, 0)[0]
    except (ValueError, TypeError, KeyError, WcsError, NoConvergence):
        return 0, 0
    across, up = (columns - there[0]) / other.step, (rows - there[1]) / other.step
    is_near = abs(across) < other.pixels.shape[1] and abs(up) < other.pixels.shape[0]  # false for not-a-number too
    return (round(across), round(up)) if is_near else (0, 0)


def _shifted(image: FrameImage, offset: tuple[int, int]) -> Pixels:
    columns, rows = offset
    if not columns and not rows:
        return image.pixels
    moved = np.full_like(image.pixels, np.nan)
    height, width = image.pixels.shape
    target = (slice(max(0, rows), height + min(0, rows)), slice(max(0, columns), width + min(0, columns)))
    source = (slice(max(0, -rows), height + min(0, -rows)), slice(max(0, -columns), width + min(0, -columns)))
    moved[target] = image.pixels[source]
    return moved


def _first_image(units: Any) -> Any:
    for unit in units:
        header = unit.header
        axes = int(header.get("ZNAXIS", header.get("NAXIS", 0)))
        if not getattr(unit, "is_image", False) or axes != 2:
            continue
        if int(header.get("NAXIS1", 0)) * int(header.get("NAXIS2", 0)) > _MOST_PIXELS:
            raise NotThatKind("the image is too large for a picture")
        if all(unit.shape):
            return unit
    raise NotThatKind("this file holds no two-dimensional image")


def _averaged(unit: Any, step: int) -> Pixels:
    """The mean of squares of pixels: noise falls, and no star is lost between samples. Read in bands of rows."""
    columns = unit.shape[1] // step * step
    if step == 1 or not columns or unit.shape[0] < step:
        return np.asarray(unit.section[:, :], dtype=np.float32)
    rows_together = -(-rows_of_a_band(unit) // step) * step
    return np.concatenate([_squares(band[:, :columns], step) for band in bands(unit, rows_together)])


def _squares(band: NDArray[Any], step: int) -> Pixels:
    rows, columns = (size // step for size in band.shape)
    blocks = band[: rows * step].astype(np.float32).reshape(rows, step, columns, step)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def _stretched(image: Pixels, stretch: Stretch) -> NDArray[np.uint8]:
    finite = image[np.isfinite(image)]
    if not finite.size:
        return np.zeros(image.shape, dtype=np.uint8)
    low, high = _limits(finite, stretch)
    filled = np.where(np.isfinite(image), image, low)
    scaled = np.clip((filled - low) / max(high - low, float(np.finfo(np.float32).tiny)), 0, 1)
    return np.asarray(np.flipud(_curved(scaled, stretch.curve) * 255), dtype=np.uint8)


def _limits(finite: Pixels, stretch: Stretch) -> tuple[float, float]:
    """The values that are black and white."""
    from astropy.visualization import ZScaleInterval

    sample = finite[:: max(1, finite.size // _SAMPLED)].astype(np.float64)
    if stretch.limits is Limits.ZSCALE:
        low, high = ZScaleInterval().get_limits(sample)
        high = low + 2 * (high - low)  # twice the range: stars keep their profile, and the sky stays dark
    elif stretch.limits is Limits.PERCENTILE:
        outside = (100 - stretch.percentile) / 2
        low, high = np.percentile(sample, [outside, 100 - outside])
    else:
        low, high = finite.min(), finite.max()
    if stretch.is_median_black:
        low = np.median(sample)
    low = low if stretch.black is None else stretch.black
    high = high if stretch.white is None else stretch.white
    return float(low), float(high)


def _curved(scaled: NDArray[Any], curve: Curve) -> NDArray[Any]:
    from astropy.visualization import AsinhStretch, LogStretch, SqrtStretch

    if curve is Curve.LINEAR:
        return scaled
    kinds = {Curve.ASINH: AsinhStretch(0.1), Curve.SQRT: SqrtStretch(), Curve.LOG: LogStretch(1000)}
    return np.asarray(kinds[curve](scaled))


def _write(drawn: Any, label: str) -> None:
    from PIL import ImageDraw, ImageFont

    size = max(10, drawn.height // 20)
    place = (size // 2, drawn.height - size * 3 // 2)
    ImageDraw.Draw(drawn).text(
        place, label, fill="white", font=ImageFont.load_default(size), stroke_width=1, stroke_fill="black"
    )
