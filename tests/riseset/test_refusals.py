"""What is refused, and that the refusal says what was wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from armillary import riseset
from armillary.riseset import (
    Comet,
    Constraints,
    EarthOrientationWarning,
    EphemerisRange,
    HourAngleTarget,
    InvalidConstraint,
    InvalidElements,
    InvalidSite,
    InvalidTarget,
    InvalidTime,
    MajorPlanet,
    MinorPlanet,
    RiseSetError,
    SiderealTarget,
    Site,
    SolarSystemBody,
    observable_windows,
    positions,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
SITE = Site(-30.0, -70.0)
STAR = SiderealTarget(150.0, -20.0)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Site(90.5, 0.0), InvalidSite, "latitude_deg must lie between -90 and 90, not 90.5"),
        (lambda: Site(0.0, 361.0), InvalidSite, "longitude_deg"),
        (lambda: Site(0.0, math.nan), InvalidSite, "finite"),
        (lambda: Site("30", 0.0), InvalidSite, "must be a number"),  # type: ignore[arg-type] # what is refused
        (lambda: Site(0.0, 0.0, ha_limit_neg_h=1.0), InvalidSite, "ha_limit_neg_h"),
        (lambda: Site(0.0, 0.0, ha_limit_pos_h=13.0), InvalidSite, "ha_limit_pos_h"),
        (lambda: Site(0.0, 0.0, zenith_blind_spot_deg=-1.0), InvalidSite, "zenith_blind_spot_deg"),
        (lambda: SiderealTarget(361.0, 0.0), InvalidTarget, "ra_deg"),
        (lambda: SiderealTarget(0.0, 91.0), InvalidTarget, "dec_deg"),
        (lambda: SiderealTarget(0.0, 0.0, parallax_mas=-1.0), InvalidTarget, "parallax_mas"),
        (lambda: MinorPlanet(61000, 5, 0, 0, 2.5, 1.0, 0), InvalidElements, "eccentricity.*Comet"),
        (lambda: MinorPlanet(61000, 5, 0, 0, -2.5, 0.1, 0), InvalidElements, "mean distance"),
        (lambda: MajorPlanet(61000, 5, 0, 0, 2.5, 0.1, 0, 0.0), InvalidElements, "daily_motion_deg"),
        (lambda: Comet(61000, 5, 0, 0, 0.0, 1.0), InvalidElements, "perihelion_distance_au"),
        (lambda: Comet(61000, 5, 0, 0, 1.0, -0.1), InvalidElements, "eccentricity"),
        (lambda: SolarSystemBody("pluto"), InvalidTarget, "neptune, not 'pluto'"),
        (lambda: HourAngleTarget(25.0, 0.0), InvalidTarget, "hour_angle_h"),
        (lambda: Constraints(max_airmass=0.9), InvalidConstraint, "at least 1"),
        (lambda: Constraints(twilight="dusk"), InvalidConstraint, '"nautical"'),  # type: ignore[arg-type] # the same
        (lambda: Constraints(min_moon_distance_deg=181.0), InvalidConstraint, "min_moon_distance_deg"),
        (lambda: Constraints(max_moon_illumination=1.1), InvalidConstraint, "max_moon_illumination"),
        (lambda: observable_windows(STAR, [SITE], START, START), InvalidTarget, "list"),  # type: ignore[call-overload] # the same
        (lambda: observable_windows([STAR], [SITE], START, START, [Constraints()] * 2), InvalidConstraint, "not 2"),
        (lambda: observable_windows(["M31"], [SITE], START, START), InvalidTarget, r"targets\[0\]"),  # type: ignore[list-item] # the same
    ],
)
def test_impossible_values_are_refused_with_the_reason(
    make: Callable[[], object], error: type[RiseSetError], words: str
) -> None:
    with pytest.raises(error, match=words):
        make()


def test_naive_and_reversed_times_are_refused() -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(InvalidTime, match="time zone"):
        observable_windows([STAR], [SITE], naive, START)
    with pytest.raises(InvalidTime, match="time zone"):
        positions(STAR, SITE, [naive])
    with pytest.raises(InvalidTime, match="reversed"):
        observable_windows([STAR], [SITE], START + timedelta(days=1), START)


@pytest.mark.parametrize("year", [1960, 2075])
def test_times_outside_of_the_ephemeris_are_refused(year: int) -> None:
    with pytest.raises(EphemerisRange, match="1973-02-01 to 2069-12-01"):
        positions(STAR, SITE, [datetime(year, 1, 1, tzinfo=UTC)])
    with pytest.raises(EphemerisRange, match="nan"):
        positions(STAR, SITE, np.array([math.nan]))


@pytest.mark.parametrize("day", [datetime(1974, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)])
def test_both_ends_of_what_is_promised_work_silently(day: datetime) -> None:
    assert observable_windows([STAR], [SITE], day, day + timedelta(days=2))[0][0]


def test_times_past_the_earth_orientation_table_are_answered_with_a_warning() -> None:
    day = datetime(2060, 1, 1, tzinfo=UTC)
    with pytest.warns(EarthOrientationWarning, match="astropy-iers-data"):
        [[windows]] = observable_windows([STAR], [SITE], day, day + timedelta(days=2))
    assert windows


def test_every_error_is_a_rise_set_error_and_a_value_error() -> None:
    errors = [getattr(riseset, name) for name in riseset.__all__]
    kinds = [kind for kind in errors if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(issubclass(kind, RiseSetError) for kind in kinds if not issubclass(kind, Warning))
    assert issubclass(RiseSetError, ValueError)
