"""What an observer asks of the sky."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Final, Literal, get_args

from armillary.riseset.errors import InvalidConstraint
from armillary.riseset.quantities import require_between, require_finite

Twilight = Literal["sunset", "civil", "nautical", "astronomical"]

# Altitude of the centre of the Sun at which each kind of night begins and ends: USNO's definitions.
TWILIGHT_ALTITUDE_DEG: Final[dict[Twilight, float]] = {
    "sunset": -5.0 / 6.0,
    "civil": -6.0,
    "nautical": -12.0,
    "astronomical": -18.0,
}


def require_twilight(twilight: Twilight | None) -> None:
    """Refuse the name of a twilight that does not exist.

    Raises:
        InvalidConstraint: the name is none of the four, nor None (no darkness asked for).
    """
    if twilight is not None and twilight not in TWILIGHT_ALTITUDE_DEG:
        accepted = ", ".join(f'"{name}"' for name in get_args(Twilight))
        raise InvalidConstraint(f"twilight must be one of {accepted} or None, not {twilight!r}.")


@dataclass(frozen=True, slots=True)
class Constraints:
    """Limits on darkness, airmass and the Moon.

    Attributes:
        twilight: the centre of the Sun is below -5/6 deg ("sunset"), -6 ("civil"), -12 ("nautical") or
            -18 ("astronomical"); None accepts daylight.
        max_airmass: plane-parallel airmass 1/sin(altitude) not exceeded, at least 1; None: the horizon alone.
        min_moon_distance_deg: topocentric distance from the centre of the Moon, whether or not the Moon is up.
        max_moon_illumination: illuminated fraction of the Moon not exceeded while the Moon is up, 0 to 1.
        refraction: horizon, airmass and blind spot mean refracted altitudes (standard atmosphere at the site's
            elevation). Twilight and the Moon keep their definitions.

    Raises:
        InvalidConstraint: a limit is out of range.
    """

    _: KW_ONLY
    twilight: Twilight | None = "nautical"
    max_airmass: float | None = None
    min_moon_distance_deg: float = 0.0
    max_moon_illumination: float = 1.0
    refraction: bool = False

    def __post_init__(self) -> None:
        require_twilight(self.twilight)
        if self.max_airmass is not None:
            require_finite(self.max_airmass, "max_airmass", InvalidConstraint)
            if self.max_airmass < 1.0:
                raise InvalidConstraint(f"max_airmass must be at least 1 (the zenith), not {self.max_airmass!r}.")
        require_between(self.min_moon_distance_deg, 0.0, 180.0, "min_moon_distance_deg", InvalidConstraint)
        require_between(self.max_moon_illumination, 0.0, 1.0, "max_moon_illumination", InvalidConstraint)

    @property
    def min_altitude_deg(self) -> float:
        """The altitude at which the airmass limit is reached; -90 without one."""
        return -90.0 if self.max_airmass is None else math.degrees(math.asin(1.0 / self.max_airmass))
