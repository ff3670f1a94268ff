"""Rise-set library: when can these sites observe these targets?

Pure: numbers in, numbers out; no clock, no network. See ``README.md`` here, and ``docs/explanation/visibility.md`` for
the method, its equations and its error budget.
"""

from armillary.riseset.aspects import hour_angle_windows, sky_fraction_map, up_windows
from armillary.riseset.constraints import TWILIGHT_ALTITUDE_DEG, Constraints, Twilight
from armillary.riseset.errors import (
    EarthOrientationWarning,
    EphemerisRange,
    InvalidConstraint,
    InvalidElements,
    InvalidSite,
    InvalidTarget,
    InvalidTime,
    InvalidTwoLineElements,
    RiseSetError,
)
from armillary.riseset.events import (
    TwilightPeriod,
    dark_windows,
    moon_events,
    moon_illumination,
    moon_phase_events,
    sun_events,
    twilights,
)
from armillary.riseset.intervals import Window, clip, intersect, subtract, union
from armillary.riseset.places import Positions, airmass_curve, icrs_separation_deg, positions
from armillary.riseset.sites import Site
from armillary.riseset.table import WindowTable
from armillary.riseset.targets import (
    AltAzTarget,
    Comet,
    EarthSatellite,
    FixedTarget,
    HourAngleTarget,
    MajorPlanet,
    MinorPlanet,
    MovingTarget,
    SiderealTarget,
    SolarSystemBody,
    Target,
)
from armillary.riseset.visibility import observable_windows

__all__ = [
    "TWILIGHT_ALTITUDE_DEG",
    "AltAzTarget",
    "Comet",
    "Constraints",
    "EarthOrientationWarning",
    "EarthSatellite",
    "EphemerisRange",
    "FixedTarget",
    "HourAngleTarget",
    "InvalidConstraint",
    "InvalidElements",
    "InvalidSite",
    "InvalidTarget",
    "InvalidTime",
    "InvalidTwoLineElements",
    "MajorPlanet",
    "MinorPlanet",
    "MovingTarget",
    "Positions",
    "RiseSetError",
    "SiderealTarget",
    "Site",
    "SolarSystemBody",
    "Target",
    "Twilight",
    "TwilightPeriod",
    "Window",
    "WindowTable",
    "airmass_curve",
    "clip",
    "dark_windows",
    "hour_angle_windows",
    "icrs_separation_deg",
    "intersect",
    "moon_events",
    "moon_illumination",
    "moon_phase_events",
    "observable_windows",
    "positions",
    "sky_fraction_map",
    "subtract",
    "sun_events",
    "twilights",
    "union",
    "up_windows",
]
