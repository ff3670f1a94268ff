"""When sites can observe targets: against the sky computed at every instant, and what must hold for any question."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from armillary.riseset import (
    AltAzTarget,
    Comet,
    Constraints,
    HourAngleTarget,
    MinorPlanet,
    SiderealTarget,
    Site,
    SolarSystemBody,
    Target,
    Twilight,
    Window,
    dark_windows,
    hour_angle_windows,
    intersect,
    moon_events,
    moon_illumination,
    observable_windows,
    positions,
    sky_fraction_map,
    subtract,
    union,
    up_windows,
    visibility,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = START + timedelta(days=7)
LIMITS = {"horizon_deg": 15.0, "ha_limit_neg_h": -4.6, "ha_limit_pos_h": 4.6, "zenith_blind_spot_deg": 5.0}
LSC = Site(-30.167367, -70.80475, 2198.0, **LIMITS)
OGG = Site(20.7069444, -156.2580556, 3065.0, **LIMITS)
ELP = Site(30.679833, -104.015173, 2070.0, **LIMITS)
ANYTHING = Constraints(twilight=None)
MICROSECOND = timedelta(microseconds=2)


def windows_of(target: Target, site: Site, constraints: Constraints, start: datetime, end: datetime) -> list[Window]:
    return observable_windows([target], [site], start, end, constraints)[0][0]


def hours(windows: list[Window]) -> float:
    return sum((b - a).total_seconds() for a, b in windows) / 3600.0


def assert_same(left: list[Window], right: list[Window], tolerance_s: float = 2e-3) -> None:
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert abs((one[0] - other[0]).total_seconds()) < tolerance_s
        assert abs((one[1] - other[1]).total_seconds()) < tolerance_s


# --- against the sky at every instant ---------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("target", "site"),
    [
        (SiderealTarget(150.0, -20.0), LSC),
        (SiderealTarget(190.0, -35.0), LSC),  # passes through the blind spot
        (SiderealTarget(186.0, 12.0), OGG),  # the Moon comes by
        (SiderealTarget(200.0, 72.0), ELP),  # circumpolar
    ],
)
def test_every_edge_is_where_the_reference_has_it(
    reference: ModuleType, target: SiderealTarget, site: Site, compiled: bool
) -> None:
    constraints = Constraints(max_airmass=2.0, min_moon_distance_deg=30.0)
    end = START + timedelta(days=5)

    def margin(unix_s: np.ndarray) -> np.ndarray:
        epochs = reference.epochs_at(*site.location, unix_s)
        sun, moon = reference.body(epochs, "sun"), reference.body(epochs, "moon")
        star = reference.star(epochs, target.ra_deg, target.dec_deg)
        altitude, hour_angle = np.degrees(star.altitude), np.degrees(star.hour_angle) / 15.0
        separation = np.degrees(np.arccos(np.sum(star.vector * moon.vector, axis=1)))
        return np.min(
            [
                -12.0 - np.degrees(sun.altitude),
                altitude - 30.0,
                85.0 - altitude,
                hour_angle + 4.6,
                4.6 - hour_angle,
                separation - 30.0,
            ],
            axis=0,
        )

    expected = reference.windows_of(margin, START.timestamp(), end.timestamp(), 120.0)
    [[found]] = observable_windows([target], [site], START, end, constraints, compiled=compiled)
    assert len(found) == len(expected) > 0
    for (start, stop), (low, high) in zip(found, expected, strict=True):
        assert abs(start.timestamp() - low) < 0.05
        assert abs(stop.timestamp() - high) < 0.05


def test_the_moon_up_and_bright_closes_the_sky_and_no_more() -> None:
    site, limit = LSC, 0.6
    constraints = Constraints(max_moon_illumination=limit)
    dark = dark_windows(site, START, START + timedelta(days=30))
    open_ = windows_of(AltAzTarget(60.0, 0.0), site, constraints, START, START + timedelta(days=30))
    assert open_ == dark  # Moon constraints do not apply to what is fixed to the ground
    star = windows_of(SiderealTarget(0.0, -89.0), Site(*site.location), constraints, START, START + timedelta(days=30))
    times = START.timestamp() + np.arange(0.0, 30 * 86_400.0, 1_000.0)
    events = moon_events(site, START - timedelta(days=2), START + timedelta(days=31))
    lit = moon_illumination(times, site) > limit
    for time, bright in zip(times.tolist(), lit.tolist(), strict=True):
        instant = datetime.fromtimestamp(time, UTC)
        up = [sense for when, sense in events if when <= instant][-1] == "rise"
        is_dark = any(a <= instant < b for a, b in dark)
        assert any(a <= instant < b for a, b in star) == (is_dark and not (bright and up))


# --- compiled and not -------------------------------------------------------------------------------------------------

sites = st.builds(
    Site,
    st.floats(-90.0, 90.0),
    st.floats(-180.0, 180.0),
    st.floats(0.0, 4000.0),
    horizon_deg=st.sampled_from([-90.0, -1.0, 0.0, 15.0, 30.0]),
    ha_limit_neg_h=st.floats(-12.0, 0.0),
    ha_limit_pos_h=st.floats(0.0, 12.0),
    zenith_blind_spot_deg=st.sampled_from([0.0, 0.1, 5.0]),
)
stars = st.builds(SiderealTarget, st.floats(0.0, 360.0), st.floats(-90.0, 90.0))
angles = st.floats(0.0, 360.0)
minor_planets = st.builds(
    MinorPlanet,
    st.just(61_000.0),
    st.floats(0.0, 180.0),
    angles,
    angles,
    st.floats(0.8, 4.0),
    st.floats(0.0, 0.9),
    angles,
)
comets = st.builds(
    Comet,
    st.floats(61_000.0, 61_200.0),
    st.floats(0.0, 180.0),
    angles,
    angles,
    st.floats(0.1, 5.0),
    st.one_of(st.just(1.0), st.floats(0.0, 3.0)),
)
bodies = st.builds(SolarSystemBody, st.sampled_from(["sun", "moon", "venus", "mars", "jupiter"]))
targets = st.one_of(stars, stars, minor_planets, comets, bodies)
twilight_names = st.sampled_from(["sunset", "civil", "nautical", "astronomical", None])
constraint_sets = st.builds(
    Constraints,
    twilight=twilight_names,
    max_airmass=st.sampled_from([None, 1.0, 1.3, 2.0]),
    min_moon_distance_deg=st.sampled_from([0.0, 10.0, 40.0, 90.0]),
    max_moon_illumination=st.sampled_from([1.0, 0.5, 0.1]),
    refraction=st.booleans(),
)
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@example(SiderealTarget(10.0, 90.0), Site(90.0, 0.0), Constraints(twilight=None))
@example(SiderealTarget(10.0, 59.0), Site(31.0, 0.0, horizon_deg=0.0), Constraints(twilight=None))
@example(SiderealTarget(0.0, 30.0), Site(30.0, 0.0, zenith_blind_spot_deg=0.1), Constraints(twilight=None))
@given(stars, sites, constraint_sets)
def test_compiled_loops_find_the_same_windows(star: SiderealTarget, site: Site, constraints: Constraints) -> None:
    end = START + timedelta(days=3)
    [[fast]] = observable_windows([star], [site], START, end, constraints, compiled=True)
    [[slow]] = observable_windows([star], [site], START, end, constraints, compiled=False)
    # Windows shorter than a millisecond may be found by one and not by the other.
    longer = [[w for w in windows if w[1] - w[0] > timedelta(milliseconds=1)] for windows in (fast, slow)]
    assert_same(longer[0], longer[1])


# --- what must hold for any question ----------------------------------------------------------------------------------


@few
@given(targets, sites, constraint_sets)
def test_windows_are_sorted_disjoint_and_within_the_span(target: Target, site: Site, constraints: Constraints) -> None:
    found = windows_of(target, site, constraints, START, WEEK)
    assert all(START <= a < b <= WEEK for a, b in found)
    assert all(first[1] < second[0] for first, second in pairwise(found))


@st.composite
def constraints_and_harder_ones(draw: st.DrawFn) -> tuple[Site, Constraints, Site, Constraints]:
    """A site and constraints, and the same with each limit drawn tighter or left."""
    site, loose = draw(sites), draw(constraint_sets)
    names: list[Twilight | None] = [None, "sunset", "civil", "nautical", "astronomical"]
    darker = draw(st.sampled_from(names[names.index(loose.twilight) :]))
    airmass = draw(st.sampled_from([None, 1.2, 1.7]))
    tight = Constraints(
        twilight=darker,
        max_airmass=min(airmass or 99.0, loose.max_airmass or 99.0) if airmass or loose.max_airmass else None,
        min_moon_distance_deg=min(180.0, loose.min_moon_distance_deg + draw(st.sampled_from([0.0, 5.0, 60.0]))),
        max_moon_illumination=loose.max_moon_illumination * draw(st.sampled_from([1.0, 0.7])),
        refraction=loose.refraction,
    )
    narrow = replace(
        site,
        horizon_deg=min(90.0, site.horizon_deg + draw(st.sampled_from([0.0, 10.0]))),
        ha_limit_neg_h=site.ha_limit_neg_h * draw(st.sampled_from([1.0, 0.8])),
        ha_limit_pos_h=site.ha_limit_pos_h * draw(st.sampled_from([1.0, 0.8])),
        zenith_blind_spot_deg=site.zenith_blind_spot_deg + draw(st.sampled_from([0.0, 3.0])),
    )
    return site, loose, narrow, tight


@few
@given(targets, constraints_and_harder_ones())
def test_tightening_never_adds_time(target: Target, asked: tuple[Site, Constraints, Site, Constraints]) -> None:
    site, loose, narrow, tight = asked
    wide = windows_of(target, site, loose, START, WEEK)
    small = windows_of(target, narrow, tight, START, WEEK)
    added = subtract(small, wide)
    assert hours(added) * 3600.0 < 1e-3 * (len(wide) + len(small) + 1)  # edges are refined to 10 us each


@few
@given(targets, sites, constraint_sets, st.integers(1, 7 * 86_400 - 1))
def test_splitting_a_span_changes_nothing(target: Target, site: Site, constraints: Constraints, cut_s: int) -> None:
    cut = START + timedelta(seconds=cut_s)
    whole = windows_of(target, site, constraints, START, WEEK)
    parts = windows_of(target, site, constraints, START, cut) + windows_of(target, site, constraints, cut, WEEK)
    glued = union(parts)
    assert_same([w for w in glued if w[1] - w[0] > MICROSECOND], [w for w in whole if w[1] - w[0] > MICROSECOND])


@few
@given(targets, sites, constraint_sets)
def test_windows_lie_where_it_is_dark_and_the_target_up_and_within_reach(
    target: Target, site: Site, constraints: Constraints
) -> None:
    found = windows_of(target, site, constraints, START, WEEK)
    dark = dark_windows(site, START, WEEK, constraints.twilight)
    reached = hour_angle_windows(target, site, START, WEEK)
    assert hours(subtract(found, dark)) * 3600.0 < 1e-3 * (len(found) + 1)
    assert hours(subtract(found, reached)) * 3600.0 < 1e-3 * (len(found) + 1)
    if not constraints.refraction:
        up = up_windows(target, site, START, WEEK, max(site.horizon_deg, constraints.min_altitude_deg))
        assert hours(subtract(found, up)) * 3600.0 < 1e-3 * (len(found) + 1)


@pytest.mark.parametrize(
    "target", [SiderealTarget(150.0, -20.0), SolarSystemBody("jupiter"), MinorPlanet(61000, 5, 80, 70, 2.7, 0.1, 20)]
)
def test_all_constraints_are_the_intersection_of_each(target: Target) -> None:
    constraints = Constraints(max_airmass=1.8, min_moon_distance_deg=35.0)
    together = windows_of(target, LSC, constraints, START, WEEK)
    bare = Site(*LSC.location)
    low = Site(*LSC.location, horizon_deg=-90.0)
    apart = intersect(
        dark_windows(LSC, START, WEEK),
        up_windows(target, bare, START, WEEK, float(np.degrees(np.arcsin(1 / 1.8)))),
        hour_angle_windows(target, LSC, START, WEEK),
        windows_of(target, Site(*LSC.location, horizon_deg=-90.0, zenith_blind_spot_deg=5.0), ANYTHING, START, WEEK),
        windows_of(target, low, Constraints(twilight=None, min_moon_distance_deg=35.0), START, WEEK),
    )
    assert_same(together, apart)
    assert together


def test_many_at_once_are_as_one_by_one() -> None:
    targets: list[Target] = [
        SiderealTarget(150.0, -20.0),
        HourAngleTarget(1.0, -10.0),
        SolarSystemBody("mars"),
        SiderealTarget(200.0, 40.0),
        MinorPlanet(61000, 5, 80, 70, 2.7, 0.1, 20),
        AltAzTarget(50.0, 10.0),
        SolarSystemBody("moon"),
    ]
    constraints = [Constraints(max_airmass=2.0 + 0.1 * (i % 2)) for i in range(len(targets))]
    together = observable_windows(targets, [LSC, ELP], START, WEEK, constraints)
    table = observable_windows(targets, [LSC, ELP], START, WEEK, constraints, as_arrays=True)
    for i, target in enumerate(targets):
        for j, site in enumerate([LSC, ELP]):
            assert_same(together[i][j], windows_of(target, site, constraints[i], START, WEEK), 1e-4)
            starts, ends = table.of(i, j)
            assert [a.timestamp() for a, _ in together[i][j]] == pytest.approx(starts.tolist(), abs=1e-6)
            assert [b.timestamp() for _, b in together[i][j]] == pytest.approx(ends.tolist(), abs=1e-6)


def test_memory_stays_bounded_however_many_orbits_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    orbits = [MinorPlanet(61000, 5, 80, 70, 2.2 + 0.003 * n, 0.1, n % 360) for n in range(150)]
    end = START + timedelta(days=1)
    whole = observable_windows(orbits, [LSC], START, end, as_arrays=True)  # fills what is kept

    def peak_mb() -> float:
        tracemalloc.start()
        try:
            found = observable_windows(orbits, [LSC], START, end, as_arrays=True)
            peak = tracemalloc.get_traced_memory()[1] / 1e6
        finally:
            tracemalloc.stop()
        assert found.offsets.tolist() == whole.offsets.tolist()
        assert np.abs(found.starts - whole.starts).max() < 1e-4
        return peak

    at_once = peak_mb()
    monkeypatch.setattr(visibility, "_TARGET_SITE_DAYS_AT_ONCE", 100_000 // 300)  # 1 MB instead of 300
    assert peak_mb() < at_once / 2.5
    assert at_once < 300.0 * 150 / 7000 * 3.0  # 7,000 orbits at a time: less than a gigabyte


# --- edge cases -------------------------------------------------------------------------------------------------------


def test_a_star_that_never_sets_is_up_all_the_time_and_one_that_never_rises_never() -> None:
    # T4: Capella from 56 N, and from 56 S.
    capella = SiderealTarget(79.1723333, 45.998)
    assert up_windows(capella, Site(56.0, 3.0), START, WEEK) == [(START, WEEK)]
    assert up_windows(capella, Site(-56.0, 3.0), START, WEEK) == []
    assert len(up_windows(capella, Site(56.0, 3.0), START, WEEK, 79.5)) == 7


@pytest.mark.parametrize("compiled", [True, False])
def test_a_star_that_grazes_the_limit_is_neither_lost_nor_invented(compiled: bool) -> None:
    star, site = SiderealTarget(150.0, 20.0), Site(40.0, 10.0)
    seconds = START.timestamp() + np.arange(0.0, 86_400.0, 5.0)
    highest = float(positions(star, site, seconds).altitude_deg.max())
    end = START + timedelta(days=1)

    def windows(limit_deg: float) -> list[Window]:
        bare = Site(*site.location, horizon_deg=limit_deg)
        return observable_windows([star], [bare], START, end, ANYTHING, compiled=compiled)[0][0]

    [(a, b)] = windows(highest - 0.1 / 3600)  # a tenth of an arcsecond: two crossings within seconds
    assert 1.0 < (b - a).total_seconds() < 60.0
    assert windows(highest + 0.1 / 3600) == []


def test_hour_angle_limits_mean_the_same_in_both_hemispheres() -> None:
    for latitude in (-30.0, 30.0):
        site = Site(latitude, 0.0, ha_limit_neg_h=-5.0, ha_limit_pos_h=2.0)
        for a, b in hour_angle_windows(SiderealTarget(180.0, 0.0), site, START, WEEK)[1:-1]:
            hour_angle = positions(SiderealTarget(180.0, 0.0), site, [a, b]).hour_angle_h
            assert hour_angle == pytest.approx([-5.0, 2.0], abs=1e-6)


@pytest.mark.parametrize("ra_deg", [0.0, 1e-7, 359.9999999, 360.0])
def test_right_ascension_wraps_without_a_seam(ra_deg: float) -> None:
    start = datetime(2026, 9, 20, tzinfo=UTC)
    end = start + timedelta(days=3)
    expected = windows_of(SiderealTarget(0.0, 10.0), ELP, Constraints(), start, end)
    assert expected
    assert_same(windows_of(SiderealTarget(ra_deg, 10.0), ELP, Constraints(), start, end), expected)


def test_windows_of_seconds_and_of_a_year() -> None:
    star = SiderealTarget(150.0, -20.0)
    night = windows_of(star, LSC, Constraints(), START, WEEK)[0]
    middle = night[0] + (night[1] - night[0]) / 2
    second = timedelta(seconds=1)
    assert windows_of(star, LSC, Constraints(), middle, middle + second) == [(middle, middle + second)]
    year = windows_of(star, LSC, Constraints(), START, START + timedelta(days=365))
    assert_same(year[:3], windows_of(star, LSC, Constraints(), START, WEEK)[:3])
    assert 150 < len(year) < 500


def test_an_empty_span_has_no_windows() -> None:
    assert windows_of(SiderealTarget(150.0, -20.0), LSC, ANYTHING, START, START) == []
    assert observable_windows([], [LSC], START, WEEK) == []
    assert observable_windows([SiderealTarget(1.0, 1.0)], [], START, WEEK) == [[]]


def test_times_of_any_zone_are_understood() -> None:
    zone = timezone(timedelta(hours=-7))
    star = SiderealTarget(150.0, -20.0)
    same = windows_of(star, LSC, Constraints(), START.astimezone(zone), WEEK.astimezone(zone))
    assert same == windows_of(star, LSC, Constraints(), START, WEEK)
    assert all(edge.tzinfo is UTC for window in same for edge in window)


def test_refraction_lengthens_the_stay_above_the_horizon() -> None:
    star, site = SiderealTarget(150.0, 0.0), Site(0.0, 0.0)
    airless = windows_of(star, site, ANYTHING, START, WEEK)[1]
    lifted = windows_of(star, site, Constraints(twilight=None, refraction=True), START, WEEK)[1]
    # 34' of refraction at the equator: 2 m 16 s at either end.
    assert (airless[0] - lifted[0]).total_seconds() == pytest.approx(136.0, abs=8.0)
    assert (lifted[1] - airless[1]).total_seconds() == pytest.approx(136.0, abs=8.0)


def test_a_leap_second_within_the_span_is_counted() -> None:
    # 2016-12-31T23:59:60: a star's rise, a sidereal day later, comes one Unix second earlier than the day before.
    star, site = SiderealTarget(150.0, 0.0), Site(0.0, 0.0)
    rises = [a for a, _ in up_windows(star, site, datetime(2016, 12, 28, tzinfo=UTC), datetime(2017, 1, 5, tzinfo=UTC))]
    steps = [(b - a).total_seconds() for a, b in pairwise(rises[1:])]
    assert sorted(round(step - 86_164.09) for step in steps) == [-1, *([0] * (len(steps) - 1))]


def test_a_fixed_target_within_reach_is_observable_whenever_it_is_dark() -> None:
    dark = dark_windows(LSC, START, WEEK)
    assert windows_of(AltAzTarget(50.0, 10.0), LSC, Constraints(), START, WEEK) == dark
    assert windows_of(HourAngleTarget(5.0, -30.0), LSC, Constraints(), START, WEEK) == []  # beyond the mount
    assert windows_of(AltAzTarget(10.0, 10.0), LSC, Constraints(), START, WEEK) == []  # below the horizon
    assert windows_of(AltAzTarget(88.0, 10.0), LSC, Constraints(), START, WEEK) == []  # in the blind spot
    assert windows_of(AltAzTarget(25.0, 10.0), LSC, Constraints(max_airmass=2.0), START, WEEK) == []


def test_the_map_of_the_sky_is_the_share_of_the_night() -> None:
    from astropy_healpix import healpix_to_lonlat

    site = Site(-30.0, -70.0, horizon_deg=30.0)
    end = START + timedelta(days=2)
    sky = sky_fraction_map(site, START, end, nside=4)
    assert sky.shape == (192,)
    night = hours(dark_windows(site, START, end))
    for pixel in (3, 60, 100, 140, 190):
        lon, lat = healpix_to_lonlat(pixel, 4, order="ring")
        star = SiderealTarget(float(lon.to_value("deg")), float(lat.to_value("deg")))
        share = hours(windows_of(star, site, Constraints(), START, end)) / night
        assert sky[pixel] == pytest.approx(share, abs=1e-9)
    assert sky.min() == 0.0 < sky.max() <= 1.0


def test_the_map_of_the_sky_is_undefined_when_it_is_never_dark() -> None:
    midsummer = datetime(2026, 6, 20, tzinfo=UTC)
    assert np.isnan(sky_fraction_map(Site(80.0, 0.0), midsummer, midsummer + timedelta(days=2), nside=1)).all()
