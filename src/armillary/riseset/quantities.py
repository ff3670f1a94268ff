"""Checks of single numbers, shared by the value types."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from armillary.riseset.errors import RiseSetError

ARCSEC_RAD: Final = math.pi / (180.0 * 3600.0)
AU_KM: Final = 149_597_870.7  # IAU 2012 resolution B2
SPEED_OF_LIGHT_KM_S: Final = 299_792.458
EARTH_ROTATION_RAD_S: Final = 7.292115e-5  # WGS 84 nominal mean angular velocity
DAY_S: Final = 86_400.0


def require_finite(value: float, name: str, error: type[RiseSetError]) -> None:
    """Refuse NaN, infinities and things that are not numbers."""
    # Callers without a type checker pass text and booleans.
    number: object = value
    if isinstance(number, bool) or not isinstance(number, int | float | np.floating | np.integer):
        raise error(f"{name} must be a number, not {value!r}.")
    if not math.isfinite(value):
        raise error(f"{name} must be a finite number, not {value!r}.")


def require_between(value: float, low: float, high: float, name: str, error: type[RiseSetError]) -> None:
    """Refuse a number outside the closed interval ``[low, high]``."""
    require_finite(value, name, error)
    if not low <= value <= high:
        raise error(f"{name} must lie between {low:g} and {high:g}, not {value!r}.")
