"""A sky full of stars that is always the same.

The sky is cut into cells of a quarter of a degree; each cell's stars are drawn from a generator seeded by the cell, so
the same field shows the same stars whoever looks, overlapping fields agree, and nothing has to be stored. Density and
magnitudes follow the run of star counts with galactic latitude.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from armillary.telescope.drivers.simulator import numbers

_CELL_DEG: Final = 0.25
_SEED: Final = 20_000_101  # changing it changes every star of the sky
_POLE_RA_DEG: Final = 192.8595  # north galactic pole, ICRS (Hipparcos catalogue, vol. 1, section 1.5.3)
_POLE_DEC_DEG: Final = 27.1283


@dataclass(frozen=True, slots=True)
class Stars:
    """Stars of a field; arrays of equal length."""

    ra_deg: npt.NDArray[np.float64]
    """ICRS right ascension."""
    dec_deg: npt.NDArray[np.float64]
    """ICRS declination."""
    v_magnitude: npt.NDArray[np.float64]
    """Johnson V."""
    colour: npt.NDArray[np.float64]
    """B-V."""

    def __len__(self) -> int:
        return len(self.ra_deg)

    def brighter_than(self, v_magnitude: float) -> Stars:
        """The stars with V below a limit."""
        keep = self.v_magnitude < v_magnitude
        return Stars(self.ra_deg[keep], self.dec_deg[keep], self.v_magnitude[keep], self.colour[keep])


def stars_around(ra_deg: float, dec_deg: float, radius_deg: float) -> Stars:
    """The stars within a radius of an ICRS position, down to V = 20."""
    cells = [_stars_of_cell(band, index) for band, index in _cells_around(ra_deg, dec_deg, radius_deg)]
    ra, dec, magnitude, colour = (np.concatenate(column) for column in zip(*cells, strict=True))
    near = separation_deg(ra_deg, dec_deg, ra, dec) <= radius_deg
    return Stars(ra[near], dec[near], magnitude[near], colour[near])


def separation_deg(
    ra_deg: float, dec_deg: float, other_ra_deg: npt.NDArray[np.float64], other_dec_deg: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Angular distance on the sphere (haversine, good at small and large angles)."""
    dec, other_dec = np.radians(dec_deg), np.radians(other_dec_deg)
    half_ra = np.radians(other_ra_deg - ra_deg) / 2
    chord = np.sin((other_dec - dec) / 2) ** 2 + np.cos(dec) * np.cos(other_dec) * np.sin(half_ra) ** 2
    distance: npt.NDArray[np.float64] = np.degrees(2 * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0))))
    return distance


def galactic_latitude_deg(ra_deg: float, dec_deg: float) -> float:
    """Galactic latitude of an ICRS position."""
    dec, pole_dec = np.radians(dec_deg), np.radians(_POLE_DEC_DEG)
    sine = np.sin(dec) * np.sin(pole_dec) + np.cos(dec) * np.cos(pole_dec) * np.cos(np.radians(ra_deg - _POLE_RA_DEG))
    return float(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def _cells_around(ra_deg: float, dec_deg: float, radius_deg: float) -> list[tuple[int, int]]:
    """Cells that may hold stars of the circle: (declination band, index along it)."""
    last_band = round(180 / _CELL_DEG) - 1
    first = max(0, int((dec_deg - radius_deg + 90) / _CELL_DEG))
    last = min(last_band, int((dec_deg + radius_deg + 90) / _CELL_DEG))
    cells: list[tuple[int, int]] = []
    for band in range(first, last + 1):
        count = _cells_in_band(band)
        half_width = _half_width_deg(dec_deg, radius_deg)
        width = 360 / count
        low, high = int(np.floor((ra_deg - half_width) / width)), int(np.floor((ra_deg + half_width) / width))
        cells += [(band, index % count) for index in range(low, min(high, low + count - 1) + 1)]
    return cells


def _half_width_deg(dec_deg: float, radius_deg: float) -> float:
    """How far in right ascension a circle reaches; everywhere if it holds a pole."""
    if abs(dec_deg) + radius_deg >= 90:
        return 180.0
    return float(np.degrees(np.arcsin(np.sin(np.radians(radius_deg)) / np.cos(np.radians(dec_deg)))))


def _cells_in_band(band: int) -> int:
    middle_deg = (band + 0.5) * _CELL_DEG - 90
    return max(1, round(360 * float(np.cos(np.radians(middle_deg))) / _CELL_DEG))


def _stars_of_cell(
    band: int, index: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    random = np.random.default_rng([_SEED, band, index])
    width = 360 / _cells_in_band(band)
    low, high = band * _CELL_DEG - 90, (band + 1) * _CELL_DEG - 90
    sine_low, sine_high = np.sin(np.radians(low)), np.sin(np.radians(high))
    area = np.degrees(sine_high - sine_low) * width
    latitude = galactic_latitude_deg((index + 0.5) * width, (low + high) / 2)
    density = numbers.STARS_PER_SQUARE_DEGREE_POLE + numbers.STARS_PER_SQUARE_DEGREE_PLANE * np.exp(
        -abs(latitude) / numbers.GALACTIC_SCALE_DEG
    )
    count = int(random.poisson(density * area))
    ra = (index + random.random(count)) * width
    dec = np.degrees(np.arcsin(sine_low + (sine_high - sine_low) * random.random(count)))
    magnitude = numbers.FAINTEST_STAR + np.log10(1 - random.random(count)) / numbers.STAR_COUNT_SLOPE
    colour = np.clip(random.normal(0.75, 0.35, count), -0.25, 1.9)
    return ra, dec, np.maximum(magnitude, numbers.BRIGHTEST_STAR), colour
