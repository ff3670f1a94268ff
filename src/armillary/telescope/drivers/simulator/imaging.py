"""Pictures: stars, target and sky on a detector, with the noise they bring."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from armillary.telescope.drivers.simulator import numbers
from armillary.telescope.drivers.simulator.catalogue import Stars
from armillary.telescope.drivers.simulator.numbers import Band
from armillary.telescope.drivers.simulator.scenery import Appearance, Shape

Pixels = npt.NDArray[np.float64]
_FWHM_PER_SIGMA: Final = 2.3548
_STAMP_SIGMAS: Final = 5.0
_BRIGHT_STAMP_FACTOR: Final = 2.5  # saturated stars get wings
_MOFFAT_BETA: Final = 3.5  # of the wings of atmospheric seeing (Trujillo et al. 2001, MNRAS 328, 977, range 2.5-4.8)


@dataclass(frozen=True, slots=True)
class Optics:
    """How light becomes electrons in one exposure."""

    band: Band
    aperture_m: float
    pixel_scale_arcsec: float
    """Of a pixel of the image, binning included."""
    seeing_arcsec: float
    transmission: float
    exposure_time_s: float

    def electrons(self, magnitude: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
        """Electrons that sources of a magnitude in the band leave on the detector."""
        area = math.pi * (self.aperture_m / 2) ** 2
        zero_point = self.band.photon_rate * area * self.transmission * self.exposure_time_s
        return np.asarray(zero_point * 10 ** (-0.4 * np.asarray(magnitude, dtype=np.float64)), dtype=np.float64)

    def sky_electrons(self, background_magnitude: float) -> float:
        """Electrons of the sky per pixel; its brightness is what arrives, so extinction does not count again."""
        per_arcsec2 = float(self.electrons(background_magnitude)) / max(self.transmission, 1e-6)
        return per_arcsec2 * self.pixel_scale_arcsec**2


def add_stars(image: Pixels, x: Pixels, y: Pixels, stars: Stars, optics: Optics) -> None:
    """Add stars at 0-based pixel positions, each spread by the seeing."""
    magnitude = stars.v_magnitude + optics.band.colour_term * stars.colour
    electrons = optics.electrons(magnitude)
    noise = numbers.READ_NOISE_E
    for index in np.flatnonzero(electrons > noise):
        _add_point(image, float(x[index]), float(y[index]), float(electrons[index]), optics)


def add_target(image: Pixels, x: float, y: float, appearance: Appearance, optics: Optics) -> None:
    """Add the target itself, whatever its shape."""
    magnitude = appearance.v_magnitude + optics.band.colour_term * appearance.colour
    electrons = float(optics.electrons(magnitude))
    if appearance.shape is Shape.POINT:
        _add_point(image, x, y, electrons, optics)
        return
    rows, columns = np.indices(image.shape)
    distance = np.hypot(columns - x, rows - y)
    radius = max(appearance.radius_arcsec / optics.pixel_scale_arcsec, 1.0)
    if appearance.shape is Shape.RING:
        profile = np.exp(-0.5 * ((distance - radius) / (0.28 * radius)) ** 2) + 0.12 * (distance < radius)
        total = profile_sum(radius)
        electrons *= optics.band.line_fraction
    else:
        profile = np.exp(-distance / radius)
        total = 2 * math.pi * radius**2
    image += electrons * profile / total


def profile_sum(radius: float) -> float:
    """Sum over all pixels of a ring's profile of peak 1, analytically, so a cropped nebula keeps its brightness."""
    width = 0.28 * radius
    return 2 * math.pi * radius * width * math.sqrt(2 * math.pi) + 0.12 * math.pi * radius**2


def _add_point(image: Pixels, x: float, y: float, electrons: float, optics: Optics) -> None:
    fwhm = max(optics.seeing_arcsec / optics.pixel_scale_arcsec, 0.7)
    half = _STAMP_SIGMAS * fwhm / _FWHM_PER_SIGMA
    if electrons > numbers.FULL_WELL_ADU * numbers.GAIN_E_PER_ADU:
        half *= _BRIGHT_STAMP_FACTOR * (1 + 0.3 * math.log10(electrons / numbers.FULL_WELL_ADU))
    low_x, high_x = max(0, math.floor(x - half)), min(image.shape[1], math.ceil(x + half) + 1)
    low_y, high_y = max(0, math.floor(y - half)), min(image.shape[0], math.ceil(y + half) + 1)
    if low_x >= high_x or low_y >= high_y:
        return
    alpha2 = (fwhm / 2) ** 2 / (2 ** (1 / _MOFFAT_BETA) - 1)
    across = (np.arange(low_x, high_x) - x) ** 2
    along = (np.arange(low_y, high_y) - y) ** 2
    profile = (1 + (across[None, :] + along[:, None]) / alpha2) ** -_MOFFAT_BETA
    image[low_y:high_y, low_x:high_x] += electrons * (_MOFFAT_BETA - 1) / (math.pi * alpha2) * profile


def expose(electrons: Pixels, exposure_time_s: float, random: np.random.Generator) -> npt.NDArray[np.uint16]:
    """Read the detector out: shot noise, dark current, read noise, gain, bias, saturation."""
    expected = np.clip(electrons + numbers.DARK_CURRENT_E_PER_S * exposure_time_s, 0, None)
    counted = random.poisson(expected).astype(np.float64)
    counted += random.normal(0.0, numbers.READ_NOISE_E, electrons.shape)
    adu = np.rint(counted / numbers.GAIN_E_PER_ADU + numbers.BIAS_ADU)
    return np.clip(adu, 0, numbers.FULL_WELL_ADU).astype(np.uint16)


def flat_field(shape: tuple[int, int]) -> Pixels:
    """The same uneven illumination for every frame: vignetting of three per cent in the corners."""
    rows, columns = np.indices(shape)
    reach = math.hypot(*shape) / 2
    distance = np.hypot(columns - shape[1] / 2, rows - shape[0] / 2) / reach
    return np.asarray(1 - 0.03 * distance**2, dtype=np.float64)
