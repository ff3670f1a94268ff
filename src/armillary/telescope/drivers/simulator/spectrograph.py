"""Long-slit spectra: wavelength along x, position along the slit along y."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from armillary.telescope.drivers.simulator import numbers
from armillary.telescope.drivers.simulator.imaging import Optics, Pixels
from armillary.telescope.drivers.simulator.scenery import Appearance, Shape

_HYDROGEN_NM: Final = (656.28, 486.13, 434.05, 410.17)  # Balmer series, air wavelengths (NIST)
_NEBULAR_NM: Final = ((500.68, 1.0), (495.89, 0.33), (656.28, 0.45), (486.13, 0.12), (658.35, 0.25), (672.0, 0.1))
_SKY_NM: Final = ((557.73, 1.0), (630.03, 0.5), (636.38, 0.17), (589.3, 0.2))  # night-sky emission, air
_ARC_NM: Final = (
    404.66, 435.83, 546.07, 576.96, 579.07,  # mercury (NIST)
    585.25, 614.31, 640.22, 667.83, 692.95, 703.24, 724.52, 743.89,  # neon (NIST)
    696.54, 706.72, 738.40, 763.51, 772.38,  # argon (NIST)
)  # fmt: skip
_SLIT_TILT: Final = 0.012  # pixels of the trace's rise per pixel
_ARC_ELECTRONS: Final = 9_000.0
_LAMP_ELECTRONS: Final = 30_000.0
_PLANCK_NM_K: Final = 1.4388e7  # hc/k in nm K (CODATA 2018)


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Which wavelength falls where."""

    blue_nm: float
    red_nm: float
    columns: int

    @property
    def per_pixel_nm(self) -> float:
        """Linear dispersion."""
        return (self.red_nm - self.blue_nm) / (self.columns - 1)

    def wavelengths_nm(self) -> npt.NDArray[np.float64]:
        """Wavelength of every column, air."""
        return np.linspace(self.blue_nm, self.red_nm, self.columns)


def spectrum_image(
    shape: tuple[int, int], dispersion: Dispersion, appearance: Appearance, optics: Optics, background_magnitude: float
) -> Pixels:
    """Electrons of a target's spectrum over the sky's."""
    wavelengths = dispersion.wavelengths_nm()
    photons = float(optics.electrons(appearance.v_magnitude)) * numbers.SPECTROGRAPH_EFFICIENCY
    columns = photons / _bandwidths(dispersion) * _source_spectrum(wavelengths, appearance, dispersion)
    image = _trace(shape, appearance, optics) * columns[None, :]
    sky = optics.sky_electrons(background_magnitude) * numbers.SPECTROGRAPH_EFFICIENCY / _bandwidths(dispersion)
    sky_spectrum = np.full(dispersion.columns, sky) + 15 * sky * _lines(wavelengths, _SKY_NM, dispersion)
    return image + sky_spectrum[None, :]


def arc_image(shape: tuple[int, int], dispersion: Dispersion) -> Pixels:
    """Electrons of a wavelength-calibration lamp: lines along the whole slit."""
    lines = _lines(dispersion.wavelengths_nm(), tuple((line, 1.0) for line in _ARC_NM), dispersion)
    return np.broadcast_to(_ARC_ELECTRONS * lines, shape).copy()


def lamp_image(shape: tuple[int, int], dispersion: Dispersion) -> Pixels:
    """Electrons of a continuum lamp of 3000 K."""
    continuum = _black_body(dispersion.wavelengths_nm(), 3_000.0)
    return np.broadcast_to(_LAMP_ELECTRONS * continuum / continuum.max(), shape).copy()


def _bandwidths(dispersion: Dispersion) -> float:
    """How many pixels share the light of the V band (89 nm)."""
    return 89.0 / dispersion.per_pixel_nm


def _source_spectrum(
    wavelengths: npt.NDArray[np.float64], appearance: Appearance, dispersion: Dispersion
) -> npt.NDArray[np.float64]:
    """Relative photon flux per pixel, 1 in V."""
    if appearance.shape is Shape.RING:
        return 0.05 + 40 * _lines(wavelengths, _NEBULAR_NM, dispersion)
    temperature = 4_600 * (1 / (0.92 * appearance.colour + 1.7) + 1 / (0.92 * appearance.colour + 0.62))
    # Ballesteros 2012, EPL 97, 34008, equation 14
    continuum = _black_body(wavelengths, temperature)
    continuum /= _black_body(np.array([550.0]), temperature)[0]
    depth = 0.6 if appearance.colour < 0.4 else 0.25
    lines = _lines(wavelengths, tuple((line, 1.0) for line in _HYDROGEN_NM), dispersion, width_nm=1.6)
    return np.asarray(continuum * (1 - depth * np.clip(lines, 0, 1)), dtype=np.float64)


def _black_body(wavelengths_nm: npt.NDArray[np.float64], temperature_k: float) -> npt.NDArray[np.float64]:
    """Planck's law in photons per wavelength, unnormalised."""
    values: npt.NDArray[np.float64] = wavelengths_nm**-4 / np.expm1(_PLANCK_NM_K / (wavelengths_nm * temperature_k))
    return values


def _lines(
    wavelengths: npt.NDArray[np.float64],
    lines: tuple[tuple[float, float], ...],
    dispersion: Dispersion,
    *,
    width_nm: float = 0.0,
) -> npt.NDArray[np.float64]:
    sigma = max(width_nm, 1.6 * dispersion.per_pixel_nm) / 2
    total = np.zeros_like(wavelengths)
    for line, strength in lines:
        total += strength * np.exp(-0.5 * ((wavelengths - line) / sigma) ** 2)
    return total


def _trace(shape: tuple[int, int], appearance: Appearance, optics: Optics) -> Pixels:
    """Share of each column's light that falls on each row: the seeing profile along a slightly tilted trace."""
    rows, columns = np.indices(shape)
    middle = shape[0] / 2 + _SLIT_TILT * (columns - shape[1] / 2)
    sigma = max(optics.seeing_arcsec / optics.pixel_scale_arcsec / 2.3548, 0.6)
    if appearance.shape is not Shape.POINT:
        sigma = max(sigma, min(appearance.radius_arcsec / optics.pixel_scale_arcsec, shape[0] / 4) / 2)
    profile = np.exp(-0.5 * ((rows - middle) / sigma) ** 2)
    return np.asarray(profile / (sigma * math.sqrt(2 * math.pi)), dtype=np.float64)
