"""Where targets stand, against Horizons, ERFA, skyfield and astropy. Case numbers are those of ``data/cases.md``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType

import erfa
import numpy as np
import pytest

from armillary.riseset import (
    AltAzTarget,
    Comet,
    Constraints,
    HourAngleTarget,
    MajorPlanet,
    MinorPlanet,
    Positions,
    SiderealTarget,
    Site,
    SolarSystemBody,
    Target,
    airmass_curve,
    hour_angle_windows,
    icrs_separation_deg,
    observable_windows,
    orbits,
    positions,
    up_windows,
)
from armillary.riseset.ephemeris import barycentric
from armillary.riseset.sky import frame_at, geocentric_body, into_frame
from armillary.riseset.timescales import tai_from_unix, tdb_from_tai


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OGG = Site(20.7069444444, -156.258055556, 3065.0)
SITE_20_150 = Site(20.0, -150.0)
MAS_DEG = 1.0 / 3.6e6


def sky_error_mas(seen: Positions, place: object) -> float:
    altitude, azimuth = np.radians(seen.altitude_deg), np.radians(seen.azimuth_deg)
    vector = np.stack(
        [np.cos(altitude) * np.cos(azimuth), np.cos(altitude) * np.sin(azimuth), np.sin(altitude)], axis=-1
    )
    return float(np.degrees(np.linalg.norm(vector - place.vector, axis=1).max()) / MAS_DEG)  # type: ignore[attr-defined] # of a module loaded by path


# --- stars ------------------------------------------------------------------------------------------------------------


# USNO, as quoted by rise_set's tests (T1, T2): refracted rise at -34'.
@pytest.mark.parametrize(
    ("target", "site", "day", "rise", "set_", "tolerance_s"),
    [
        (SiderealTarget(310.3579583, 45.2803389), OGG, "2010-10-25", "21:17", "12:25", 31),
        (SiderealTarget(95.9879583, -52.6676389), Site(-31.273, 149.070593), "2010-03-12", "23:27", "18:46", 60),
    ],
)
def test_stars_rise_and_set_as_the_naval_observatory_says(
    target: SiderealTarget, site: Site, day: str, rise: str, set_: str, tolerance_s: float
) -> None:
    bare = Site(site.latitude_deg, site.longitude_deg)
    windows = up_windows(target, bare, at(day), at(day) + timedelta(days=1), -34.0 / 60.0)
    assert abs((windows[0][1] - at(f"{day}T{set_}")).total_seconds()) <= tolerance_s
    assert abs((windows[1][0] - at(f"{day}T{rise}")).total_seconds()) <= tolerance_s


def test_vega_rises_and_sets_as_pyephem_says() -> None:
    # T7, from astroplan's tests: geometric, at 0, 0.
    windows = up_windows(SiderealTarget(279.23473479, 38.78368896), Site(0.0, 0.0), at("1999-12-31"), at("2000-01-03"))
    edges = [edge for window in windows for edge in window]
    for text in (
        "1999-12-31T17:58:02.12",
        "2000-01-01T05:56:04.17",
        "2000-01-01T17:54:06.21",
        "2000-01-02T05:52:08.26",
    ):
        assert min(abs((edge - at(text)).total_seconds()) for edge in edges) < 1.0


def test_vega_stands_where_pyephem_says() -> None:
    # T10, from astroplan's tests: 30" is their tolerance, the azimuth at 51 degrees of altitude.
    seen = positions(SiderealTarget(279.23473479, 38.78368896), Site(0.0, 0.0), [at("2000-01-01T12:00")])
    assert abs(seen.altitude_deg[0] - 51.198849) < 30.0 / 3600.0
    assert abs(seen.azimuth_deg[0] - 358.46767) * np.cos(np.radians(51.2)) < 30.0 / 3600.0


# T1, T2: USNO, to the minute. A star transits when the hour angles west of the meridian begin.
@pytest.mark.parametrize(
    ("target", "site", "expected"),
    [
        (SiderealTarget(310.3579583, 45.2803389), OGG, "2010-10-25T04:53"),
        (SiderealTarget(95.9879583, -52.6676389), Site(-31.273, 149.070593), "2010-03-12T09:08"),
    ],
)
def test_stars_transit_when_the_naval_observatory_says(target: SiderealTarget, site: Site, expected: str) -> None:
    west = Site(*site.location, ha_limit_neg_h=0.0)
    day = at(expected[:10])
    [transit] = [a for a, _ in hour_angle_windows(target, west, day, day + timedelta(days=1)) if a != day]
    assert abs((transit - at(expected)).total_seconds()) <= 31.0


def test_a_star_moves_as_erfas_own_chain_has_it(reference: ModuleType) -> None:
    times = at("2026-03-01").timestamp() + np.arange(0.0, 40 * 86_400.0, 9_973.0)
    for site in (OGG, Site(-89.9, 15.0, 2800.0), Site(71.0, -156.0)):
        epochs = reference.epochs_at(*site.location, times)
        for ra_deg, dec_deg in ((0.0, 30.0), (359.9999, 45.0), (120.0, -89.0), (266.4, -29.0)):
            seen = positions(SiderealTarget(ra_deg, dec_deg), site, times)
            assert sky_error_mas(seen, reference.star(epochs, ra_deg, dec_deg)) < 1.5


def test_proper_motion_parallax_and_radial_velocity_are_those_of_erfas_test_case() -> None:
    # T11: the arguments of ERFA's own test of atco13 (a star with all of them), against ERFA's answer without its
    # refraction and with the Earth orientation of IERS for that day.
    utc1, utc2 = 2456384.5, 0.969254051
    site = Site(np.degrees(-1.2345856), np.degrees(-0.527800806), 2738.0)
    cos_dec = np.cos(0.174)
    target = SiderealTarget(
        np.degrees(2.71),
        np.degrees(0.174),
        pm_ra_mas_yr=np.degrees(1e-5) / MAS_DEG * cos_dec,
        pm_dec_mas_yr=np.degrees(5e-6) / MAS_DEG,
        parallax_mas=100.0,
        radial_velocity_km_s=55.0,
    )
    seen = positions(target, site, np.array([(utc1 - 2440587.5 + utc2) * 86_400.0]))
    orientation = (0.1550675, 2.47230737e-7, 1.82640464e-6)  # UT1-UTC (s), polar motion (rad): T11
    dut1, xp, yp = orientation
    azimuth, zenith, hour_angle, dec, _, _ = erfa.atco13(
        2.71,
        0.174,
        1e-5,
        5e-6,
        0.1,
        55.0,
        utc1,
        utc2,
        dut1,
        -0.527800806,
        -1.2345856,
        2738.0,
        xp,
        yp,
        0.0,
        0.0,
        0.0,
        0.55,
    )
    # 10 mas: UT1 is interpolated in the daily table, in which ERFA's number is rounded.
    assert abs(seen.altitude_deg[0] - 90.0 + np.degrees(zenith)) < 10 * MAS_DEG
    assert abs(seen.azimuth_deg[0] - np.degrees(azimuth) % 360.0) < 20 * MAS_DEG
    assert abs(seen.hour_angle_h[0] * 15.0 - np.degrees(hour_angle)) < 20 * MAS_DEG
    assert abs(dec) < 1.0


def test_the_epoch_of_a_position_is_not_an_equinox() -> None:
    # T14: without proper motion the epoch makes no difference.
    times = [at("2026-03-01"), at("2026-09-01")]
    new = positions(SiderealTarget(150.0, 20.0, epoch=2015.5), OGG, times)
    old = positions(SiderealTarget(150.0, 20.0), OGG, times)
    assert np.abs(new.ra_deg - old.ra_deg).max() < MAS_DEG
    assert np.abs(new.dec_deg - old.dec_deg).max() < MAS_DEG


def test_proper_motion_counts_from_the_epoch_and_includes_the_cosine() -> None:
    later = positions(SiderealTarget(150.0, 60.0, pm_ra_mas_yr=1000.0, epoch=2016.0), OGG, [at("2026-01-01T12:00")])
    still = positions(SiderealTarget(150.0, 60.0, epoch=2016.0), OGG, [at("2026-01-01T12:00")])
    moved = icrs_separation_deg(later.ra_deg, later.dec_deg, still.ra_deg, still.dec_deg)
    assert np.asarray(moved)[0] == pytest.approx(10.0 / 3600.0, rel=1e-3)


def test_places_agree_with_astropy() -> None:
    # astropy shares ERFA with us, but has its own Earth orientation, frames and observers.
    import astropy.units as u
    import astropy_iers_data
    from astropy.coordinates import AltAz, EarthLocation, SkyCoord
    from astropy.time import Time
    from astropy.utils import iers

    times = [at("2026-03-01") + timedelta(hours=7 * n) for n in range(12)]
    with iers.earth_orientation_table.set(iers.IERS_A.open(astropy_iers_data.IERS_A_FILE)):
        place = EarthLocation.from_geodetic(OGG.longitude_deg * u.deg, OGG.latitude_deg * u.deg, OGG.elevation_m * u.m)
        expected = SkyCoord(83.63 * u.deg, 22.01 * u.deg).transform_to(AltAz(obstime=Time(times), location=place))
        altitude, azimuth = expected.alt.deg, expected.az.deg
    seen = positions(SiderealTarget(83.63, 22.01), OGG, times)
    assert np.abs(seen.altitude_deg - altitude).max() < 5 * MAS_DEG
    assert np.abs((seen.azimuth_deg - azimuth) * np.cos(np.radians(altitude))).max() < 5 * MAS_DEG


# --- bodies of the solar system ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "limit_mas"),
    [("moon", 25.0), ("sun", 3.0), ("mercury", 3.0), ("venus", 3.0), ("mars", 3.0), ("jupiter", 2.0), ("saturn", 2.0)],
)
def test_bodies_move_as_the_full_ephemeris_has_them(reference: ModuleType, name: str, limit_mas: float) -> None:
    times = at("2026-03-01").timestamp() + np.arange(0.0, 40 * 86_400.0, 9_973.0)
    for site in (OGG, Site(-30.17, -70.8, 2200.0)):
        expected = reference.body(reference.epochs_at(*site.location, times), name)
        seen = positions(SolarSystemBody(name), site, times)
        assert sky_error_mas(seen, expected) < limit_mas
        distance_km = seen.distance_au * 149_597_870.7
        assert np.abs(distance_km / expected.distance_km - 1.0).max() < 1e-6


def test_mars_stands_where_horizons_says() -> None:
    # P3: Flagstaff, airless. Horizons' azimuth agrees with programs that leave polar motion out, 0.2" on the sky there.
    flagstaff = Site(35.1844866, 248.3473 - 360.0, 2106.9)
    seen = positions(SolarSystemBody("mars"), flagstaff, [at("2021-02-03"), at("2021-02-04")])
    for column, expected in (
        (seen.ra_deg, (40.75836, 41.29447)),
        (seen.dec_deg, (17.16791, 17.33718)),
        (seen.altitude_deg, (65.2758, 65.6790)),
    ):
        assert np.abs(column - np.array(expected)).max() < 1e-4
    assert np.abs(seen.azimuth_deg - np.array([131.8839, 132.4246])).max() * np.cos(np.radians(65.3)) < 1e-4


def test_jupiter_culminates_as_horizons_says() -> None:
    # A7
    minutes = (9, 10, 11, 12, 30, 31, 32, 33)
    seen = positions(SolarSystemBody("jupiter"), SITE_20_150, [at(f"2012-02-01T03:{m:02}") for m in minutes])
    expected = [80.9600, 81.0298, 81.0936, 81.1514, 81.0719, 81.0060, 80.9341, 80.8564]
    assert np.abs(seen.altitude_deg - np.array(expected)).max() < 2e-4


def test_jupiter_leaves_the_blind_spot_when_horizons_says() -> None:
    # A7: zenith distance 9 degrees, interpolated between the minutes of Horizons.
    site = Site(20.0, -150.0, zenith_blind_spot_deg=9.0)
    start, end = at("2012-02-01T03:00"), at("2012-02-01T03:40")
    [[windows]] = observable_windows([SolarSystemBody("jupiter")], [site], start, end, Constraints(twilight=None))
    [(_, into), (out, _)] = windows
    assert abs((into - at("2012-02-01T03:09:34")).total_seconds()) <= 1.0
    assert abs((out - at("2012-02-01T03:31:05")).total_seconds()) <= 1.0


def test_jupiter_parts_from_the_moon_as_horizons_says() -> None:
    # A8: the topocentric distance, and the moment at which it passes 20 degrees.
    start, end = at("2012-02-01"), at("2012-02-01T09:00")
    times = [at(f"2012-02-01T{clock}") for clock in ("00:00", "03:30", "03:45", "08:00")]
    jupiter, moon = (positions(SolarSystemBody(name), SITE_20_150, times) for name in ("jupiter", "moon"))
    apart = icrs_separation_deg(jupiter.ra_deg, jupiter.dec_deg, moon.ra_deg, moon.dec_deg)
    assert np.abs(np.asarray(apart) - np.array([18.709, 19.950, 20.022, 21.251])).max() < 2e-3
    far = Constraints(twilight=None, min_moon_distance_deg=20.0)
    low = Site(20.0, -150.0, horizon_deg=-90.0)
    [[[(begin, last)]]] = observable_windows([SolarSystemBody("jupiter")], [low], start, end, far)
    assert abs((begin - at("2012-02-01T03:40")).total_seconds()) < 60.0
    assert last == end


def test_mars_rises_and_sets_as_skyfield_says() -> None:
    # P2: refracted, -34'.
    bluffton, start = Site(40.8939, -83.8917), at("2020-02-01")
    windows = up_windows(SolarSystemBody("mars"), bluffton, start, start + timedelta(days=2), -34.0 / 60.0)
    expected = [("01T09:29:16", "01T18:42:57"), ("02T09:28:34", "02T18:41:41")]
    assert len(windows) == 2
    for window, clocks in zip(windows, expected, strict=True):
        for found, clock in zip(window, clocks, strict=True):
            assert abs((found - at(f"2020-02-{clock}")).total_seconds()) <= 2.0


@pytest.mark.parametrize(
    ("name", "ra_deg", "dec_deg"),
    [
        ("mercury", 15.0 * (22 + 41 / 60 + 47.78 / 3600), -(8 + 29 / 60 + 32.0 / 3600)),
        ("jupiter", 15.0 * (10 + 17 / 60 + 12.82 / 3600), 12 + 2 / 60 + 57.0 / 3600),
    ],
)
def test_planets_seen_from_the_centre_of_the_earth_are_those_of_horizons(
    name: str, ra_deg: float, dec_deg: float
) -> None:
    # P4: as in astropy's tests, 1980-03-25T00:00 UTC.
    tai = tai_from_unix(np.array([at("1980-03-25").timestamp()]))
    frame = frame_at(tai)
    [[x, y, z]] = into_frame(frame, geocentric_body(name, tai))
    right_ascension = np.degrees(np.arctan2(y, x) - frame[0, 9])
    apart = icrs_separation_deg(right_ascension, np.degrees(np.arctan2(z, np.hypot(x, y))), ra_deg, dec_deg)
    assert apart < 0.3 / 3600.0


# --- orbits -----------------------------------------------------------------------------------------------------------


def test_a_minor_planet_moves_as_kepler_and_erfa_have_it(reference: ModuleType) -> None:
    elements = (61_000.0, 12.0, 77.0, 133.0, 2.6, 0.21, 300.0)
    times = at("2026-03-01").timestamp() + np.arange(0.0, 40 * 86_400.0, 9_973.0)
    epochs = reference.epochs_at(*OGG.location, times)
    expected = reference.near(epochs, reference.ellipse_km(*elements), bent_by_sun=True)
    assert sky_error_mas(positions(MinorPlanet(*elements), OGG, times), expected) < 3.0


def test_kilia_stands_where_the_reference_says() -> None:
    # N3: topocentric apparent at Sutherland, (470) Kilia, two-body; quoted to 0.3".
    kilia = MinorPlanet(56600.0, 7.22565, 173.25052, 47.60658, 2.4050925, 0.0943494, 54.47380)
    site = Site(-32.38059, 20.8101083333)
    seen = positions(kilia, site, [at("2013-12-10") + timedelta(hours=6 * n) for n in range(5)])
    expected = [
        (285.22681, -18.16350),
        (285.35677, -18.15597),
        (285.48538, -18.14841),
        (285.61369, -18.14033),
        (285.74337, -18.13206),
    ]
    ra, dec = np.array(expected).T
    assert np.abs(np.asarray(icrs_separation_deg(seen.ra_deg, seen.dec_deg, ra, dec))).max() < 0.3 / 3600.0


def test_kilia_stands_within_its_perturbations_of_where_horizons_says() -> None:
    # N1: the epoch of the elements is a fortnight before; perturbations make 1.3".
    kilia = MinorPlanet(56600.0, 7.22565, 173.25052, 47.60658, 2.4050925, 0.0943494, 54.47380)
    seen = positions(kilia, Site(30.679833, -104.015173), [at("2013-12-08T23:58:52.8")])  # 00:00 TDB
    assert np.asarray(icrs_separation_deg(seen.ra_deg, seen.dec_deg, 284.70994, -18.19420))[0] < 2.0 / 3600.0


def test_a_hyperbolic_comet_stands_where_horizons_says() -> None:
    # N4: C/2012 K1, whose perturbations make 8".
    comet = Comet(
        56896.65636138478,
        142.4281063052002,
        317.731588784467,
        203.0929610210846,
        1.054777188675267,
        1.000209136966309,
    )
    # 00:00 TDB is 67.2 s before 00:00 UTC.
    seen = positions(comet, Site(30.679833, -104.015173), [at("2014-06-13T23:58:52.8")])
    assert np.asarray(icrs_separation_deg(seen.ra_deg, seen.dec_deg, 153.36306, 36.46146))[0] < 10.0 / 3600.0


def test_an_elliptic_comet_climbs_as_horizons_says() -> None:
    # N6: 27P/Crommelin.
    comet = Comet(
        55776.8910902, 28.96687278723059, 250.6264098390235, 196.0253968913816, 0.748287467144728, 0.9189810923126022
    )
    clocks = ("03:08", "03:09", "03:10", "04:25", "04:26", "04:27", "07:54", "07:55", "23:37", "23:38")
    expected = [43.9532, 44.0039, 44.0533, 44.0802, 44.0314, 43.9814, 15.0088, 14.8141, 14.8374, 15.0322]
    seen = positions(comet, SITE_20_150, [at(f"2012-07-22T{clock}") for clock in clocks])
    assert np.abs(seen.altitude_deg - np.array(expected)).max() < 0.003


def test_hale_bopp_stands_where_the_minor_planet_center_says() -> None:
    # N10: the astrometric place from the centre of the Earth, and the distance.
    comet = Comet(50536.6333, 88.9908, 283.3593, 130.6448, 0.916241, 0.994928)
    tdb = tdb_from_tai(tai_from_unix(np.array([at("2020-05-31").timestamp()])))
    earth, (sun, velocity) = barycentric("earth", tdb)[0], barycentric("sun", tdb)
    [[place]], _ = orbits.geocentric(orbits.orbits_of([comet]), tdb, earth, sun, velocity)
    x, y, z = place
    ra_deg, dec_deg = np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
    expected = 15.0 * (23 + 59 / 60 + 16.6 / 3600), -(84 + 46 / 60 + 58 / 3600)
    assert icrs_separation_deg(float(ra_deg), float(dec_deg), *expected) < 2.0 / 3600.0
    assert positions(comet, Site(0.0, 0.0), [at("2020-05-31")]).distance_au[0] == pytest.approx(43.266, abs=1e-3)


def test_a_major_planet_with_its_own_motion_is_a_minor_planet_with_that_of_its_axis() -> None:
    axis = 5.2
    motion = np.degrees(0.01720209895 / axis**1.5)
    elements = (59_000.0, 1.3, 100.0, 273.0, axis, 0.048, 20.0)
    times = [at("2026-03-01"), at("2026-07-01")]
    one = positions(MajorPlanet(*elements, float(motion)), OGG, times)
    other = positions(MinorPlanet(*elements), OGG, times)
    assert np.abs(one.altitude_deg - other.altitude_deg).max() < 1e-9


@pytest.mark.parametrize("eccentricity", [0.97, 1.0, 1.03])
def test_orbits_join_smoothly_at_the_parabola(eccentricity: float) -> None:
    def place(e: float) -> Positions:
        return positions(Comet(61_100.0, 40.0, 10.0, 20.0, 0.8, e), OGG, [at("2026-03-01"), at("2026-04-01")])

    near, here = place(eccentricity + 1e-9), place(eccentricity)
    assert np.abs(near.altitude_deg - here.altitude_deg).max() < 1e-6


# --- fixed targets, airmass, separations ------------------------------------------------------------------------------


def test_a_fixed_target_stands_still() -> None:
    times = [at("2026-03-01") + timedelta(hours=n) for n in range(24)]
    seen = positions(AltAzTarget(40.0, 135.0), OGG, times)
    assert set(seen.altitude_deg.tolist()) == {40.0}
    same = positions(HourAngleTarget(float(seen.hour_angle_h[0]), float(seen.dec_deg[0])), OGG, times)
    assert np.abs(same.altitude_deg - 40.0).max() < 1e-9
    assert np.abs(same.azimuth_deg - 135.0).max() < 1e-9


@pytest.mark.parametrize(
    ("target", "clock", "expected", "tolerance"),
    [
        # A1, A3: PyEphem and astropy, as quoted by rise_set's tests.
        (SiderealTarget(148.925583, 69.673889), "2016-05-20T23:12:32.247", 2.50, 0.025),
        (SiderealTarget(68.9791666667, 16.5), "2016-05-20T20:12:32.247", 1.33, 0.0133),
    ],
)
def test_airmass_is_that_of_other_programs(target: Target, clock: str, expected: float, tolerance: float) -> None:
    assert positions(target, OGG, [at(clock)]).airmass[0] == pytest.approx(expected, abs=tolerance)


def test_the_airmass_curve_means_what_the_limit_means() -> None:
    target, start = SiderealTarget(150.0, -20.0), at("2026-03-01")
    times, airmass = airmass_curve(target, OGG, start, start + timedelta(days=1), 600.0)
    assert len(times) == len(airmass) == 144
    up = up_windows(target, OGG, start, start + timedelta(days=1), 30.0)  # airmass 2
    for time, value in zip(times, airmass, strict=True):
        assert (value <= 2.0) == any(a <= time < b for a, b in up)
    assert np.isnan(airmass).any()


@pytest.mark.parametrize(
    ("max_airmass", "horizon_deg", "expected"), [(1.2, 0.0, 56.44), (3.0, 30.0, 30.0), (None, 30.0, 30.0)]
)
def test_the_higher_of_airmass_limit_and_horizon_counts(
    max_airmass: float | None, horizon_deg: float, expected: float
) -> None:
    # A6
    site, start = Site(0.0, 0.0, horizon_deg=horizon_deg), at("2026-03-01")
    star = SiderealTarget(150.0, 0.0)
    constraints = Constraints(twilight=None, max_airmass=max_airmass)
    [[windows]] = observable_windows([star], [site], start, start + timedelta(days=2), constraints)
    edges = [edge for window in windows for edge in window if edge not in (start, start + timedelta(days=2))]
    assert len(edges) >= 3
    assert positions(star, site, edges).altitude_deg == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("offset_deg", [0.0, 1e-9, 1e-6, 90.0, 179.999999, 180.0])
def test_separations_are_exact_at_both_ends(offset_deg: float) -> None:
    assert icrs_separation_deg(0.0, -90.0 + offset_deg, 123.0, -90.0) == pytest.approx(offset_deg, abs=1e-12)


def test_places_keep_the_shape_of_their_times() -> None:
    start = at("2026-03-01")
    assert positions(SiderealTarget(1.0, 2.0), OGG, start).altitude_deg.shape == ()
    assert positions(SiderealTarget(1.0, 2.0), OGG, []).altitude_deg.shape == (0,)
    assert positions(SiderealTarget(1.0, 2.0), OGG, np.full((2, 3), start.timestamp())).altitude_deg.shape == (2, 3)
