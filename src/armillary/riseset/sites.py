"""Where one observes from."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from armillary.riseset.errors import InvalidSite
from armillary.riseset.quantities import require_between


@dataclass(frozen=True, slots=True)
class Site:
    """A place on the ground (or the mount of a telescope there) and what limits its view.

    Attributes:
        latitude_deg: geodetic latitude (WGS 84), north positive, -90 to 90.
        longitude_deg: longitude, east positive, -360 to 360.
        elevation_m: height above the ellipsoid. It moves the observer (parallax of near bodies) and thins the air
            (refraction); it does not lower the horizon.
        horizon_deg: lowest altitude at which a target counts as up.
        ha_limit_neg_h: most negative (eastern) hour angle the mount reaches, -12 to 0. -12 and +12 mean no limit.
        ha_limit_pos_h: most positive (western) hour angle, 0 to 12. The same sense in both hemispheres.
        zenith_blind_spot_deg: zenith distances below this cannot be observed.

    Raises:
        InvalidSite: a number is out of range.
    """

    latitude_deg: float
    longitude_deg: float
    elevation_m: float = 0.0
    _: KW_ONLY
    horizon_deg: float = 0.0
    ha_limit_neg_h: float = -12.0
    ha_limit_pos_h: float = 12.0
    zenith_blind_spot_deg: float = 0.0

    def __post_init__(self) -> None:
        require_between(self.latitude_deg, -90.0, 90.0, "latitude_deg", InvalidSite)
        require_between(self.longitude_deg, -360.0, 360.0, "longitude_deg (east positive)", InvalidSite)
        require_between(self.elevation_m, -1_000.0, 100_000.0, "elevation_m", InvalidSite)
        require_between(self.horizon_deg, -90.0, 90.0, "horizon_deg", InvalidSite)
        require_between(self.ha_limit_neg_h, -12.0, 0.0, "ha_limit_neg_h (hours)", InvalidSite)
        require_between(self.ha_limit_pos_h, 0.0, 12.0, "ha_limit_pos_h (hours)", InvalidSite)
        require_between(self.zenith_blind_spot_deg, 0.0, 90.0, "zenith_blind_spot_deg", InvalidSite)

    @property
    def location(self) -> tuple[float, float, float]:
        """Latitude and longitude in degrees and elevation in metres: what fixes the sky, without the limits."""
        return (self.latitude_deg, self.longitude_deg, self.elevation_m)

    @property
    def limits_hour_angle(self) -> bool:
        """Whether some hour angle is out of reach."""
        return self.ha_limit_pos_h - self.ha_limit_neg_h < 24.0
