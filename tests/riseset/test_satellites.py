"""Artificial satellites against skyfield, which shares only SGP4 with us. Case numbers of ``data/cases.md``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from skyfield.api import EarthSatellite as SkyfieldSatellite
from skyfield.api import load, wgs84

from armillary.riseset import (
    Constraints,
    EarthSatellite,
    InvalidTwoLineElements,
    Site,
    dark_windows,
    intersect,
    observable_windows,
    positions,
    up_windows,
)

# Space-Track's elements as quoted in skyfield's tests (X1, X2); their checksums are verified by the constructor.
ISS = (
    "1 25544U 98067A   18184.80969102  .00001614  00000-0  31745-4 0  9993",
    "2 25544  51.6414 295.8524 0003435 262.6267 204.2868 15.54005638121106",
)
TIANGONG = (
    "1 37820U 11053A   14314.79851609  .00064249  00000-0  44961-3 0  5637",
    "2 37820  42.7687 147.7173 0010686 283.6368 148.1694 15.73279710179072",
)
BOSTON = Site(42.3581, -71.0636)


def test_a_satellite_stands_where_skyfield_has_it() -> None:
    start = datetime(2018, 7, 4, tzinfo=UTC)
    times = [start + timedelta(minutes=7 * n) for n in range(60)]
    seen = positions(EarthSatellite(*ISS), BOSTON, times)
    timescale = load.timescale(builtin=True)
    observer = wgs84.latlon(BOSTON.latitude_deg, BOSTON.longitude_deg)
    relative = (SkyfieldSatellite(*ISS, ts=timescale) - observer).at(timescale.from_datetimes(times))
    altitude, azimuth, distance = relative.altaz()
    # skyfield leaves out polar motion and diurnal aberration; its UT1 differs by a millisecond or so, and a satellite
    # at 400 km moves 1" in 0.3 ms.
    assert np.abs(seen.altitude_deg - altitude.degrees).max() < 6.0 / 3600.0
    across = (seen.azimuth_deg - azimuth.degrees + 180.0) % 360.0 - 180.0
    assert np.abs(across * np.cos(altitude.radians)).max() < 6.0 / 3600.0
    assert np.abs(seen.distance_au / distance.au - 1.0).max() < 1e-4


def test_passes_of_tiangong_are_those_of_skyfield() -> None:
    # X2: 12 events above 20 deg are four passes; the first two of them to the second.
    start = datetime(2014, 11, 9, 23, 59, 25, tzinfo=UTC)  # 2014-11-10 TAI
    windows = up_windows(EarthSatellite(*TIANGONG), BOSTON, start, start + timedelta(days=1), 20.0)
    assert len(windows) == 4
    expected = [("14:32:09", "14:33:08"), ("16:06:26", "16:10:14")]
    for (rise, set_), clocks in zip(windows, expected, strict=False):
        for found, clock in zip((rise, set_), clocks, strict=True):
            assert abs((found - datetime.fromisoformat(f"2014-11-10T{clock}+00:00")).total_seconds()) < 1.5


def test_a_satellite_pass_ends_exactly_at_the_limit() -> None:
    satellite = EarthSatellite(*TIANGONG)
    start = datetime(2014, 11, 10, tzinfo=UTC)
    windows = up_windows(satellite, BOSTON, start, start + timedelta(days=1), 20.0)
    edges = [edge for window in windows for edge in window]
    assert np.abs(positions(satellite, BOSTON, edges).altitude_deg - 20.0).max() < 1e-4


def test_a_satellite_is_asked_for_like_any_target() -> None:
    # The orbit passes northern latitudes by day in these weeks, and southern ones by night.
    site = Site(-42.9, 147.3)  # Hobart
    satellite, start = EarthSatellite(*TIANGONG), datetime(2014, 11, 10, tzinfo=UTC)
    end = start + timedelta(days=2)
    [[windows]] = observable_windows([satellite], [site], start, end, Constraints(twilight="nautical"))
    assert 0 < len(windows) < 20
    assert all(timedelta() < b - a < timedelta(minutes=15) for a, b in windows)
    expected = intersect(up_windows(satellite, site, start, end), dark_windows(site, start, end, "nautical"))
    assert len(windows) == len(expected)
    for found, wanted in zip(windows, expected, strict=True):
        assert max(abs((a - b).total_seconds()) for a, b in zip(found, wanted, strict=True)) < 1e-3


@pytest.mark.parametrize(
    ("line1", "line2", "word"),
    [
        (ISS[0][:-1] + "4", ISS[1], "checksum"),
        (ISS[0], ISS[1][:-1] + "7", "checksum"),
        (ISS[0][:60], ISS[1], "69 characters"),
        (ISS[1], ISS[0], "must begin"),
        (ISS[0], TIANGONG[1], "37820"),
    ],
)
def test_malformed_elements_are_refused(line1: str, line2: str, word: str) -> None:
    with pytest.raises(InvalidTwoLineElements, match=word):
        EarthSatellite(line1, line2)
