"""One question at a time: is it up, does the mount reach it, how much of the sky is open?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from armillary.riseset.constraints import Constraints
from armillary.riseset.errors import InvalidConstraint
from armillary.riseset.events import dark_windows
from armillary.riseset.intervals import Window
from armillary.riseset.quantities import require_between
from armillary.riseset.sites import Site
from armillary.riseset.targets import SiderealTarget, Target
from armillary.riseset.timescales import FloatArray
from armillary.riseset.visibility import observable_windows

_ANYTHING = Constraints(twilight=None)


def up_windows(
    target: Target, site: Site, start: datetime, end: datetime, min_altitude_deg: float = 0.0
) -> list[Window]:
    """While the target is above an airless altitude, by day or night; the site's own limits are not asked."""
    require_between(min_altitude_deg, -90.0, 90.0, "min_altitude_deg", InvalidConstraint)
    bare = Site(*site.location, horizon_deg=min_altitude_deg)
    return observable_windows([target], [bare], start, end, _ANYTHING)[0][0]


def hour_angle_windows(target: Target, site: Site, start: datetime, end: datetime) -> list[Window]:
    """While the target's hour angle is within the site's limits, above or below the horizon."""
    bare = replace(site, horizon_deg=-90.0, zenith_blind_spot_deg=0.0)
    return observable_windows([target], [bare], start, end, _ANYTHING)[0][0]


def sky_fraction_map(
    site: Site, start: datetime, end: datetime, constraints: Constraints | None = None, nside: int = 64
) -> FloatArray:
    """The fraction of the dark time in which each piece of the sky is observable.

    Args:
        site: as of :func:`observable_windows`.
        start: the same.
        end: the same.
        constraints: the same; nautical darkness alone without them.
        nside: HEALPix resolution; the map has 12 nside^2 pixels in RING order, ICRS coordinates.

    Returns:
        0 to 1, (12 nside^2,); NaN everywhere when it is never dark.

    Raises:
        ImportError: ``astropy-healpix`` is not installed (extra ``[healpix]``).
    """
    try:
        from astropy_healpix import healpix_to_lonlat, nside_to_npix
    except ImportError as error:
        raise ImportError("sky_fraction_map needs astropy-healpix: pip install 'armillary[healpix]'.") from error
    chosen = Constraints() if constraints is None else constraints
    lon, lat = healpix_to_lonlat(np.arange(nside_to_npix(nside)), nside, order="ring")
    pixels = [
        SiderealTarget(ra % 360.0, dec)
        for ra, dec in zip(np.degrees(lon.value).tolist(), np.degrees(lat.value).tolist(), strict=True)
    ]
    dark_s = sum((b - a).total_seconds() for a, b in dark_windows(site, start, end, chosen.twilight))
    if dark_s == 0.0:
        return np.full(len(pixels), np.nan)
    table = observable_windows(pixels, [site], start, end, chosen, as_arrays=True)
    length = np.concatenate([[0.0], np.cumsum(table.ends - table.starts)])
    fraction: FloatArray = np.diff(length[table.offsets]) / dark_s
    return fraction.clip(0.0, 1.0)
