"""What a site and a set of constraints ask of a direction, as airless altitudes."""

from __future__ import annotations

from dataclasses import dataclass

from armillary.riseset.constraints import Constraints
from armillary.riseset.refraction import airless_altitude_deg
from armillary.riseset.sites import Site


@dataclass(frozen=True, slots=True)
class AltitudeLimits:
    """Airless altitudes (deg) between which a target is observable."""

    lowest_deg: float
    highest_deg: float


def altitude_limits(site: Site, constraints: Constraints) -> AltitudeLimits:
    """The higher of horizon and airmass limit, and the rim of the zenith blind spot."""
    lowest = max(site.horizon_deg, constraints.min_altitude_deg)
    highest = 90.0 - site.zenith_blind_spot_deg
    if constraints.refraction:
        if lowest > -90.0:
            lowest = airless_altitude_deg(lowest, site.elevation_m)
        if site.zenith_blind_spot_deg > 0.0:
            highest = airless_altitude_deg(highest, site.elevation_m)
    return AltitudeLimits(lowest, highest)
