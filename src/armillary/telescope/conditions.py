"""Where a target, the Sun and the Moon stand, as an exposure's header tells it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import erfa

from armillary import riseset
from armillary.core.observatory import Telescope, riseset_site

_J2000_MJD: Final = 51_544.5
_UNIX_EPOCH_MJD: Final = 40_587.0
_MJD_ORIGIN_JD: Final = 2_400_000.5
_SUN: Final = riseset.SolarSystemBody("sun")
_MOON: Final = riseset.SolarSystemBody("moon")
_AIRMASS_AT_HORIZON: Final = 40.0
_DAYS_PER_JULIAN_YEAR: Final = 365.25
_MAS_PER_DEGREE: Final = 3_600_000.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """The geometry of an exposure at one instant."""

    at: datetime
    ra_deg: float
    """Right ascension of the target, ICRS direction of the telescope's field centre."""
    dec_deg: float
    altitude_deg: float
    azimuth_deg: float
    """From north through east."""
    hour_angle_h: float
    airmass: float
    sun_altitude_deg: float
    moon_altitude_deg: float
    moon_illumination: float
    """Illuminated fraction as seen from the site, 0 to 1."""
    moon_separation_deg: float
    sidereal_time_h: float
    """Local mean sidereal time."""


def conditions_at(target: riseset.Target, telescope: Telescope, at: datetime) -> Conditions:
    """The geometry for a target as seen from a telescope.

    Raises:
        armillary.riseset.RiseSetError: The elements of a moving target do not describe an orbit.
    """
    site = riseset_site(telescope)
    here = riseset.positions(target, site, at)
    sun = riseset.positions(_SUN, site, at)
    moon = riseset.positions(_MOON, site, at)
    ra, dec = _field_centre(target, at, float(here.ra_deg), float(here.dec_deg))
    separation = riseset.icrs_separation_deg(
        float(here.ra_deg), float(here.dec_deg), float(moon.ra_deg), float(moon.dec_deg)
    )
    airmass = float(here.airmass)
    return Conditions(
        at=at,
        ra_deg=ra,
        dec_deg=dec,
        altitude_deg=float(here.altitude_deg),
        azimuth_deg=float(here.azimuth_deg),
        hour_angle_h=float(here.hour_angle_h),
        airmass=_AIRMASS_AT_HORIZON if math.isnan(airmass) else airmass,
        sun_altitude_deg=float(sun.altitude_deg),
        moon_altitude_deg=float(moon.altitude_deg),
        moon_illumination=float(riseset.moon_illumination(at, site)),
        moon_separation_deg=float(separation),
        sidereal_time_h=sidereal_time_h(telescope.longitude_deg, at),
    )


def icrs_of_apparent(ra_deg: float, dec_deg: float, at: datetime) -> tuple[float, float]:
    """ICRS right ascension and declination, in degrees, of what is seen at an apparent place (true equinox of date).

    Undoes nutation, precession, aberration and the Sun's deflection (ERFA ``atic13``); 0.3" of diurnal aberration stay.
    """
    terrestrial = erfa.taitt(*erfa.utctai(_MJD_ORIGIN_JD, modified_julian_date(at)))
    from_the_equinox = math.radians(ra_deg) + erfa.eo06a(*terrestrial)
    ra, dec, _ = erfa.atic13(from_the_equinox, math.radians(dec_deg), *terrestrial)
    return math.degrees(ra) % 360.0, math.degrees(dec)


def modified_julian_date(at: datetime) -> float:
    """MJD, UTC."""
    return at.timestamp() / 86_400 + _UNIX_EPOCH_MJD


def sidereal_time_h(longitude_deg: float, at: datetime) -> float:
    """Local mean sidereal time in hours (IAU 1982 expression, UT1 taken as UTC: good to a second)."""
    days = modified_julian_date(at) - _J2000_MJD
    degrees = 280.460_618_37 + 360.985_647_366_29 * days + longitude_deg
    return (degrees % 360.0) / 15.0


def observing_night(at: datetime, longitude_deg: float) -> str:
    """The night a time belongs to, as YYYYMMDD: the local date at the preceding noon (by the Sun, not by the clock)."""
    local_noon_based = at + timedelta(hours=longitude_deg / 15.0 - 12.0)
    return local_noon_based.strftime("%Y%m%d")


def _field_centre(target: riseset.Target, at: datetime, ra_deg: float, dec_deg: float) -> tuple[float, float]:
    """ICRS direction: a star's catalogue position moved to the date, else that of a star that would be seen there."""
    if not isinstance(target, riseset.SiderealTarget):
        return icrs_of_apparent(ra_deg, dec_deg, at)
    years = (modified_julian_date(at) - _J2000_MJD) / _DAYS_PER_JULIAN_YEAR + 2000.0 - target.epoch
    dec = target.dec_deg + target.pm_dec_mas_yr * years / _MAS_PER_DEGREE
    ra = target.ra_deg + target.pm_ra_mas_yr * years / _MAS_PER_DEGREE / max(math.cos(math.radians(dec)), 1e-6)
    return ra % 360.0, max(-90.0, min(90.0, dec))
