"""What the atmosphere does: brightness of the background, extinction, seeing."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from armillary.telescope.conditions import Conditions
from armillary.telescope.drivers.simulator import numbers
from armillary.telescope.drivers.simulator.numbers import Band

_NANOLAMBERT_OF_MAGNITUDE: Final = 34.08
_ASTRONOMICAL_DARKNESS_DEG: Final = -18.0
_SUNSET_DEG: Final = -0.833


def band_of(optical_elements: dict[str, str]) -> tuple[str, Band]:
    """The band an exposure is taken in, from the optical elements in the beam: (element code, band).

    With several elements in the beam the narrowest one decides; an unknown one counts as glass.
    """
    chosen = (numbers.UNKNOWN_BAND, numbers.BANDS[numbers.UNKNOWN_BAND])
    for code in optical_elements.values():
        plain = code.lower().replace("-", "").replace("_", "")
        band = numbers.BANDS[numbers.BAND_NAMES.get(plain, numbers.UNKNOWN_BAND)]
        if chosen[0] == numbers.UNKNOWN_BAND or band.photon_rate < chosen[1].photon_rate:
            chosen = (code, band)
    return chosen


def seeing_arcsec(conditions: Conditions, *, site: str, night: str) -> float:
    """Full width at half maximum of a star: the night's own seeing, worse at high airmass."""
    random = np.random.default_rng([*site.encode(), *night.encode()])
    zenith = numbers.ZENITH_SEEING_ARCSEC * math.exp(random.normal(0.0, numbers.SEEING_SPREAD))
    return float(zenith * conditions.airmass**numbers.SEEING_AIRMASS_EXPONENT)


def transmission(band: Band, airmass: float) -> float:
    """Share of a star's light that comes through the atmosphere."""
    return float(10 ** (-0.4 * band.extinction * airmass))


def background_magnitude(band: Band, conditions: Conditions) -> float:
    """Surface brightness of the sky in magnitude / arcsec², from airglow, Moon and twilight."""
    dark = 10 ** (-0.4 * (band.dark_sky - 2.5 * math.log10(conditions.airmass)))
    colour = band.dark_sky - numbers.BANDS["V"].dark_sky
    moon = band.moonlight * _moonlight_nanolambert(conditions) / _NANOLAMBERT_OF_MAGNITUDE
    # Krisciunas & Schaefer give V surface brightness B nL = 34.08 exp(20.7233 - 0.92104 V)
    moonlight = moon * math.exp(-20.7233) * 10 ** (-0.4 * max(colour, -0.5))
    return float(-2.5 * math.log10(dark + moonlight + _twilight(conditions.sun_altitude_deg)))


def _moonlight_nanolambert(conditions: Conditions) -> float:
    """Krisciunas & Schaefer 1991, PASP 103, 1033, equations 3, 15, 20 and 21."""
    if conditions.moon_altitude_deg <= 0:
        return 0.0
    phase_angle_deg = math.degrees(math.acos(max(-1.0, min(1.0, 2 * conditions.moon_illumination - 1))))
    intensity = 10 ** (-0.4 * (3.84 + 0.026 * abs(phase_angle_deg) + 4e-9 * phase_angle_deg**4))
    separation = max(conditions.moon_separation_deg, 5.0)
    rayleigh = 10**5.36 * (1.06 + math.cos(math.radians(separation)) ** 2)
    mie = 10 ** (6.15 - separation / 40.0)
    extinction = numbers.BANDS["V"].extinction
    moon_depth = _sky_airmass(conditions.moon_altitude_deg)
    target_depth = _sky_airmass(conditions.altitude_deg)
    scattered = 1 - 10 ** (-0.4 * extinction * target_depth)
    return float((rayleigh + mie) * intensity * 10 ** (-0.4 * extinction * moon_depth) * scattered)


def _sky_airmass(altitude_deg: float) -> float:
    """Optical depth of the scattering layer towards an altitude (equation 3)."""
    return float((1 - 0.96 * math.cos(math.radians(max(altitude_deg, 0.0))) ** 2) ** -0.5)


def _twilight(sun_altitude_deg: float) -> float:
    """Light of the twilight sky relative to magnitude 0 / arcsec²."""
    if sun_altitude_deg <= _ASTRONOMICAL_DARKNESS_DEG:
        return 0.0
    depression = max(0.0, _SUNSET_DEG - sun_altitude_deg)
    return float(10 ** (-0.4 * (numbers.TWILIGHT_SKY_AT_SUNSET + numbers.TWILIGHT_FADE_PER_DEGREE * depression)))
