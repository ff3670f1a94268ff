"""Every number of the simulated instruments and sky, in one place.

They are round figures of real instruments, not fits to any one: good enough that an exposure-time guess made with the
simulator is right within a factor of two at a dark site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Band:
    """A filter as the detector sees it."""

    photon_rate: float
    """Photons / s / m² above the atmosphere from a source of magnitude 0, times the system's efficiency."""
    extinction: float
    """Magnitudes per airmass."""
    dark_sky: float
    """Magnitude / arcsec² of the moonless sky at the zenith."""
    colour_term: float
    """Added to V per magnitude of B-V gives the magnitude in this band."""
    moonlight: float
    """Brightness of moonlight relative to V, as a factor (blue scatters more)."""
    line_fraction: float
    """Share of a nebula's light that passes, relative to broad-band V."""


# Photon rates: flux of Vega (Bessell 1979, PASP 91, 589) times bandwidth times an efficiency of 0.3 (0.15 in U).
# Extinction and dark sky: typical of a site at 2000 m (Patat 2003, A&A 400, 1183, table 4, rounded).
_BROAD: Final[dict[str, Band]] = {
    "U": Band(0.8e9, 0.50, 22.1, 1.30, 1.6, 0.6),
    "B": Band(3.9e9, 0.25, 22.6, 1.00, 1.4, 0.7),
    "V": Band(2.6e9, 0.14, 21.6, 0.00, 1.0, 1.0),
    "R": Band(2.5e9, 0.10, 20.9, -0.60, 0.7, 1.3),
    "I": Band(2.0e9, 0.06, 19.7, -1.10, 0.5, 0.5),
    "g": Band(3.9e9, 0.18, 22.0, 0.55, 1.2, 0.9),
    "r": Band(2.8e9, 0.10, 21.1, -0.45, 0.8, 1.3),
    "i": Band(2.1e9, 0.06, 20.2, -0.75, 0.6, 0.5),
    "z": Band(1.1e9, 0.04, 19.0, -1.00, 0.4, 0.3),
    "Y": Band(0.7e9, 0.04, 18.0, -1.10, 0.4, 0.3),
    "clear": Band(8.0e9, 0.16, 21.3, -0.25, 1.0, 2.0),
    "Halpha": Band(0.17e9, 0.09, 20.9, -0.55, 0.8, 1.2),
    "OIII": Band(0.17e9, 0.16, 21.8, 0.20, 1.1, 1.4),
    "SII": Band(0.15e9, 0.09, 20.9, -0.58, 0.8, 0.4),
    "dark": Band(0.0, 0.0, 30.0, 0.0, 0.0, 0.0),
}

BANDS: Final[Mapping[str, Band]] = MappingProxyType(_BROAD)

# Observatories name the same glass differently; compared without case, hyphens and underscores.
BAND_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "u": "U", "up": "U", "b": "B", "v": "V", "r": "R", "i": "I", "exo": "V",
        "gp": "g", "rp": "r", "ip": "i", "zp": "z", "zs": "z", "y": "Y", "w": "clear", "air": "clear",
        "clear": "clear", "in": "clear", "out": "clear", "ha": "Halpha", "halpha": "Halpha", "oiii": "OIII",
        "sii": "SII", "dark": "dark", "opaque": "dark",
    }
)  # fmt: skip
UNKNOWN_BAND: Final = "clear"
"""What an optical element without a known name is taken for: glass."""

ZENITH_SEEING_ARCSEC: Final = 1.3  # median of a good continental site
SEEING_SPREAD: Final = 0.25  # standard deviation of the night-to-night logarithm
SEEING_AIRMASS_EXPONENT: Final = 0.6  # Kolmogorov turbulence

GAIN_E_PER_ADU: Final = 1.5
READ_NOISE_E: Final = 8.0
DARK_CURRENT_E_PER_S: Final = 0.02
BIAS_ADU: Final = 400.0
FULL_WELL_ADU: Final = 65_535
FLAT_LEVEL_ADU: Final = 28_000.0
DETECTOR_TEMPERATURE_C: Final = -20.0

TWILIGHT_SKY_AT_SUNSET: Final = 7.0  # V magnitude / arcsec² with the Sun at -0.8 degrees
TWILIGHT_FADE_PER_DEGREE: Final = 1.0  # magnitudes per degree of depression, until astronomical darkness (-18 degrees)

STARS_PER_SQUARE_DEGREE_POLE: Final = 2_500.0  # brighter than V = 20, at the galactic poles
STARS_PER_SQUARE_DEGREE_PLANE: Final = 45_000.0  # added in the galactic plane
GALACTIC_SCALE_DEG: Final = 9.0  # of that addition
STAR_COUNT_SLOPE: Final = 0.30  # log10 of cumulative counts per magnitude
FAINTEST_STAR: Final = 20.0
BRIGHTEST_STAR: Final = 4.0

TARGET_BRIGHTEST: Final = 9.5  # V magnitude of an unknown point-like target lies in this range, chosen by its name
TARGET_FAINTEST: Final = 14.0
NEBULA_MAGNITUDE: Final = 9.5  # integrated V of an extended target of unknown brightness
NEBULA_RADIUS_ARCSEC: Final = 45.0

SPECTROGRAPH_EFFICIENCY: Final = 0.25  # of the whole way through slit and grating, relative to the imager in V
SPECTRUM_BLUE_NM: Final = 380.0  # wavelength range of a spectrograph whose grating is not known
SPECTRUM_RED_NM: Final = 780.0
