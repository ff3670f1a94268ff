"""The Sun's and the Moon's events against almanacs. Case numbers are those of ``data/cases.md``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from armillary.riseset import (
    Site,
    SolarSystemBody,
    dark_windows,
    moon_events,
    moon_illumination,
    moon_phase_events,
    positions,
    sun_events,
    twilights,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def seconds_apart(left: datetime, right: datetime) -> float:
    return abs((left - right).total_seconds())


LSC = Site(-30.1673472222, -70.8046722222)
BLUFFTON = Site(40.8939, -83.8917)
DEFIANCE = Site(41.281944, -84.362778)
HARRA = Site(67.4066, 20.0997)
UTQIAGVIK = Site(71.2906, -156.7886)


# USNO, as quoted by rise_set's and skyfield's tests (S1, S3, S5, S6): to the minute.
@pytest.mark.parametrize(
    ("site", "altitude_deg", "sense", "expected"),
    [
        (LSC, -12.0, "set", "2013-12-10T00:38"),
        (LSC, -12.0, "rise", "2013-12-10T08:34"),
        (BLUFFTON, -5 / 6, "rise", "2018-09-12T11:13"),
        (BLUFFTON, -5 / 6, "set", "2018-09-12T23:50"),
        (DEFIANCE, -18.0, "rise", "2019-11-08T10:42"),
        (DEFIANCE, -12.0, "rise", "2019-11-08T11:15"),
        (DEFIANCE, -6.0, "rise", "2019-11-08T11:48"),
        (DEFIANCE, -5 / 6, "rise", "2019-11-08T12:17"),
        (DEFIANCE, -5 / 6, "set", "2019-11-08T22:25"),
        (DEFIANCE, -6.0, "set", "2019-11-08T22:54"),
        (DEFIANCE, -12.0, "set", "2019-11-08T23:27"),
        (DEFIANCE, -18.0, "set", "2019-11-08T23:59"),
    ],
)
def test_the_sun_rises_and_sets_as_the_naval_observatory_says(
    site: Site, altitude_deg: float, sense: str, expected: str
) -> None:
    day = at(expected[:10])
    events = sun_events(site, day, day + timedelta(days=1), altitude_deg)
    # The evening before may end just after midnight.
    assert min(seconds_apart(time, at(expected)) for time, name in events if name == sense) <= 31.0


def test_the_polar_night_has_no_sunrise_and_ends_to_the_second() -> None:
    # skyfield's documentation, S11; the four days without a rise are the polar night of the place.
    events = sun_events(HARRA, at("2022-12-18"), at("2022-12-27"))
    rises = {time.day: time for time, sense in events if sense == "rise"}
    assert not {20, 21, 22, 23} & set(rises)
    for day, clock in ((18, "10:22:54"), (19, "10:29:21"), (24, "10:31:28"), (25, "10:26:08")):
        assert seconds_apart(rises[day], at(f"2022-12-{day}T{clock}")) <= 2.0


def test_polar_night_is_one_dark_window_and_the_midnight_sun_none() -> None:
    start, end = at("2022-12-20T12:00"), at("2022-12-23T12:00")
    assert dark_windows(HARRA, start, end, "sunset") == [(start, end)]
    assert dark_windows(UTQIAGVIK, at("2023-06-20"), at("2023-06-25"), "sunset") == []
    assert sun_events(UTQIAGVIK, at("2023-06-20"), at("2023-06-25")) == []


def test_the_midnight_sun_stands_where_skyfield_says() -> None:
    # S13
    [low] = positions(SolarSystemBody("sun"), UTQIAGVIK, [at("2023-06-21T10:28:55")]).altitude_deg
    assert low == pytest.approx(4.7265, abs=5e-4)


def test_a_grazing_sun_is_neither_lost_nor_invented() -> None:
    # A limit 0.5" below and above the lowest altitude of a midsummer night: two crossings within minutes, or none.
    site = Site(60.0, 20.0)
    start, end = at("2026-06-21T12:00"), at("2026-06-22T12:00")
    seconds = np.arange(start.timestamp(), end.timestamp(), 10.0)
    lowest = float(positions(SolarSystemBody("sun"), site, seconds).altitude_deg.min())
    above = sun_events(site, start, end, lowest + 0.5 / 3600)
    assert [sense for _, sense in above] == ["set", "rise"]
    assert seconds_apart(above[0][0], above[1][0]) < 600.0
    assert sun_events(site, start, end, lowest - 0.5 / 3600) == []


# JPL Horizons as quoted by rise_set's tests (M1, M3, M8), whose minutes run 0 to 2 early or late.
@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2011-12-31", [("rise", "11:30"), ("set", "23:22")]),
        ("2012-01-02", [("rise", "13:16")]),
        ("2012-02-02", [("set", "00:23"), ("rise", "14:40")]),
    ],
)
def test_the_moon_rises_and_sets_as_horizons_says(day: str, expected: list[tuple[str, str]]) -> None:
    events = moon_events(Site(-30.0, 0.0), at(day), at(day) + timedelta(days=1))
    assert [sense for _, sense in events] == [sense for sense, _ in expected]
    for (time, _), (_, clock) in zip(events, expected, strict=True):
        assert seconds_apart(time, at(f"{day}T{clock}")) <= 180.0


def test_the_moon_rises_and_sets_as_skyfield_says_to_two_seconds() -> None:
    # M16; skyfield takes a mean semidiameter in its documentation's example, hence not better.
    events = moon_events(BLUFFTON, at("2023-12-27"), at("2023-12-29"))
    expected = ["2023-12-27T13:54:47", "2023-12-27T22:40:11", "2023-12-28T14:39:33", "2023-12-28T23:43:48"]
    assert len(events) == 4
    for (time, _), text in zip(events, expected, strict=True):
        assert seconds_apart(time, at(text)) <= 2.0


def test_the_moons_topocentric_place_is_that_of_horizons() -> None:
    # M18: JPL Horizons at ALMA, as in astropy's tests; 51 mas in right ascension is the known offset of its frame.
    alma = Site(-22.959748, -67.787260, 5186.0)
    expected = np.array(
        [
            [170.167332531, 10.269112037],
            [172.381766539, 8.840674927],
            [175.864375310, 7.213246667],
            [180.655815385, 5.737565957],
            [183.902395443, 4.585696512],
        ]
    )
    seen = positions(SolarSystemBody("moon"), alma, [at(f"2020-04-06T{hour:02}:00") for hour in (0, 6, 12, 18, 23)])
    assert np.abs(seen.ra_deg - expected[:, 0] - 51.02 / 3.6e6).max() * 3.6e6 < 20.0
    assert np.abs(seen.dec_deg - expected[:, 1]).max() * 3.6e6 < 20.0


def test_the_moons_illumination_is_that_of_horizons() -> None:
    # M20: percent.
    haleakala = Site(20.7069444444, -156.258055556, 3065.0)
    days = ["2016-04-20", "2016-04-22", "2016-04-27", "2016-05-06", "2016-05-07", "2016-05-13", "2016-05-20"]
    expected = [95.87696, 99.89271, 80.44604, 1.22370, 0.19076, 43.61745, 96.85012]
    lit = 100.0 * moon_illumination([at(day) for day in days], haleakala)
    assert np.abs(lit - expected).max() < 0.02


def test_the_phases_of_the_moon_are_those_of_the_almanac() -> None:
    # USNO, Phases of the Moon 2026, January: to the minute.
    events = moon_phase_events(at("2026-01-01"), at("2026-02-01"))
    expected = [
        ("full", "2026-01-03T10:03"),
        ("last quarter", "2026-01-10T15:48"),
        ("new", "2026-01-18T19:52"),
        ("first quarter", "2026-01-26T04:47"),
    ]
    assert [name for _, name in events] == [name for name, _ in expected]
    for (time, _), (_, text) in zip(events, expected, strict=True):
        assert seconds_apart(time, at(text)) <= 40.0


def test_twilights_cover_the_span_without_gaps() -> None:
    start, end = at("2026-01-01T05:00"), at("2026-01-02T05:00")
    periods = twilights(LSC, start, end)
    assert periods[0].start == start
    assert periods[-1].end == end
    assert all(a.end == b.start and a.name != b.name for a, b in pairwise(periods))
    assert [period.name for period in periods] == [
        *("night", "astronomical", "nautical", "civil", "day"),
        *("civil", "nautical", "astronomical", "night"),
    ]


@pytest.mark.parametrize("latitude_deg", [90.0, -90.0])
def test_at_a_pole_the_sun_rises_once_and_sets_once_a_year(latitude_deg: float) -> None:
    events = sun_events(Site(latitude_deg, 0.0), at("2025-01-01"), at("2026-01-01"))
    assert sorted(sense for _, sense in events) == ["rise", "set"]
