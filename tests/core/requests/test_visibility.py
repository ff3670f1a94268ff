"""Visibility: that requests are put rightly to the rise-set library, which is tested elsewhere against others."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armillary import riseset
from armillary.core.observatory import Observatory, riseset_site
from armillary.core.requests.facts import Downtime
from armillary.core.requests.model import Constraints, Request, Target
from armillary.core.requests.visibility import (
    UnsupportedTarget,
    airmass_data,
    candidate_telescopes,
    riseset_constraints,
    riseset_target,
    visible_windows,
    visible_windows_of,
)

START, END = datetime(2026, 11, 23, 12, tzinfo=UTC), datetime(2026, 11, 26, 12, tzinfo=UTC)
CRAB = {"type": "ICRS", "name": "M 1", "ra": 83.633, "dec": 22.0145}
SOUTH = {"type": "ICRS", "name": "47 Tuc", "ra": 6.0236, "dec": -72.0813}


def request(
    *targets: dict[str, Any],
    instrument_type: str = "1M0-SCICAM-SINISTRO",
    windows: list[tuple[datetime, datetime]] | None = None,
    **location: str,
) -> Request:
    spans = windows or [(START, END)]
    return Request.model_validate(
        {
            "location": {"telescope_class": instrument_type[:3].lower(), **location},
            "windows": [{"start": start, "end": end} for start, end in spans],
            "configurations": [
                {
                    "instrument_type": instrument_type,
                    "type": "EXPOSE",
                    "target": target,
                    "constraints": {"max_airmass": 2},
                }
                for target in targets
            ],
        }
    )


def test_each_telescope_looks_with_its_own_limits(network: Observatory) -> None:
    seen = visible_windows(request(CRAB), network)
    assert len(seen.by_telescope) == len(candidate_telescopes(request(CRAB), network)) > 5
    for key, intervals in seen.by_telescope.items():
        telescope = network.telescope(key)
        assert telescope is not None
        limits = riseset.Constraints(twilight="nautical", max_airmass=2.0, min_moon_distance_deg=30.0)
        star = riseset.SiderealTarget(83.633, 22.0145)
        [[expected]] = riseset.observable_windows([star], [riseset_site(telescope)], START, END, limits)
        assert list(intervals) == expected


def test_only_telescopes_of_the_location_with_the_instrument_are_asked(network: Observatory) -> None:
    everywhere = {item.key for item in candidate_telescopes(request(CRAB), network)}
    assert "cpt.domc.1m0a" not in everywhere  # not in service
    site = next(iter(everywhere)).split(".")[0]
    here = {item.key for item in candidate_telescopes(request(CRAB, site=site), network)}
    assert here == {key for key in everywhere if key.startswith(f"{site}.")}


def test_instruments_out_of_operation_count_only_when_asked(network: Observatory) -> None:
    found = [item for item in network.instruments(include_unschedulable=True) if not item.is_schedulable]
    lonely = next(
        item
        for item in found
        if item.telescope_key not in {other.telescope_key for other in network.instruments_of(item.type.code)}
    )
    asked = request(CRAB, instrument_type=lonely.type.code)
    keys = [item.key for item in candidate_telescopes(asked, network)]
    more = [item.key for item in candidate_telescopes(asked, network, include_unschedulable=True)]
    assert lonely.telescope_key not in keys
    assert lonely.telescope_key in more


def test_all_targets_of_a_request_are_up_at_once(network: Observatory) -> None:
    both = visible_windows(request(CRAB, SOUTH), network)
    crab, south = visible_windows(request(CRAB), network), visible_windows(request(SOUTH), network)
    for key, intervals in both.by_telescope.items():
        assert list(intervals) == riseset.intersect(crab.by_telescope[key], south.by_telescope[key])


def test_windows_that_touch_are_one(network: Observatory) -> None:
    night = max(visible_windows(request(CRAB), network).union(), key=lambda span: span[1] - span[0])
    middle = night[0] + (night[1] - night[0]) / 2
    halves = request(CRAB, windows=[(START, middle), (middle, END)])
    assert visible_windows(halves, network) == visible_windows(request(CRAB), network)


def test_downtime_is_cut_out_of_its_telescope_and_instrument(network: Observatory) -> None:
    free = visible_windows(request(CRAB), network)
    key, (first, *_) = next((key, spans) for key, spans in free.by_telescope.items() if spans)
    site, enclosure, telescope = key.split(".")
    middle = first[0] + (first[1] - first[0]) / 2
    down = Downtime(middle, middle + timedelta(minutes=10), site, enclosure, telescope)
    cut = visible_windows(request(CRAB), network, downtimes=[down])
    assert list(cut.by_telescope[key]) == riseset.subtract(free.by_telescope[key], [(down.start, down.end)])
    assert all(cut.by_telescope[other] == free.by_telescope[other] for other in free.by_telescope if other != key)
    other_instrument = dataclasses.replace(down, instrument_type="1M0-NRES-SCICAM")
    assert visible_windows(request(CRAB), network, downtimes=[other_instrument]) == free


def test_the_longest_interval_can_leave_out_the_past(network: Observatory) -> None:
    seen = visible_windows(request(CRAB), network)
    start, end = seen.union()[-1]
    assert seen.largest_interval_s(after=end) == 0.0
    assert seen.largest_interval_s(after=end - timedelta(seconds=60)) == pytest.approx(60.0)
    assert seen.largest_interval_s() >= max((b - a).total_seconds() for a, b in next(iter(seen.by_site().values())))
    assert seen.largest_interval_s(after=start - timedelta(days=9)) == seen.largest_interval_s()


# --- targets ---


def test_orbits_of_the_same_shape_are_the_same_whatever_their_scheme() -> None:
    common = {"type": "ORBITAL_ELEMENTS", "name": "x", "epochofel": 60000.0, "orbinc": 10.0, "longascnode": 300.0}
    common |= {"eccentricity": 0.2}
    minor = common | {"argofperih": 100.0, "meandist": 2.0, "meananom": 50.0}
    asa, mpc = (
        riseset_target(Target.model_validate(minor | {"scheme": scheme}))
        for scheme in ("ASA_MINOR_PLANET", "MPC_MINOR_PLANET")
    )
    assert asa == mpc
    # longitude of perihelion = node + argument; mean longitude = longitude of perihelion + mean anomaly
    major = minor | {"dailymot": 0.35}
    longitudes = common | {"longofperih": 40.0, "meanlong": 90.0, "meandist": 2.0, "dailymot": 0.35}
    jpl = riseset_target(Target.model_validate(major | {"scheme": "JPL_MAJOR_PLANET"}))
    assert riseset_target(Target.model_validate(longitudes | {"scheme": "ASA_MAJOR_PLANET"})) == jpl


def test_an_hour_angle_is_degrees_on_the_wire_and_hours_in_the_sky() -> None:
    target = Target(type="HOUR_ANGLE", name="x", hour_angle=30.0, dec=10.0)
    assert riseset_target(target) == riseset.HourAngleTarget(2.0, 10.0)


def test_what_is_no_place_is_named() -> None:
    with pytest.raises(UnsupportedTarget) as refusal:
        riseset_target(Target(type="TLE", name="x", line1="1 nothing", line2="2 nothing"))
    assert refusal.value.field == "line1"


def test_constraints_mean_nautical_darkness() -> None:
    found = riseset_constraints(Constraints(max_airmass=1.5, min_lunar_distance=40.0, max_lunar_phase=0.3))
    expected = riseset.Constraints(
        twilight="nautical", max_airmass=1.5, min_moon_distance_deg=40.0, max_moon_illumination=0.3
    )
    assert found == expected


# --- many at once ---

TARGETS = st.builds(
    lambda ra, dec: {"type": "ICRS", "name": "x", "ra": ra, "dec": dec}, st.floats(0, 360), st.floats(-90, 90)
)
WINDOWS = st.lists(
    st.tuples(st.integers(0, 70), st.integers(1, 40)).map(
        lambda hours: (START + timedelta(hours=hours[0]), START + timedelta(hours=sum(hours)))
    ),
    min_size=1,
    max_size=3,
)
REQUESTS = st.builds(
    lambda targets, windows, kind: request(*targets, windows=windows, instrument_type=kind),
    st.lists(TARGETS, min_size=1, max_size=3),
    WINDOWS,
    st.sampled_from(["1M0-SCICAM-SINISTRO", "0M4-SCICAM-QHY600", "1M0-NRES-SCICAM"]),
)
DOWNTIMES = st.builds(
    lambda place, start, hours, kind: Downtime(
        START + timedelta(hours=start), START + timedelta(hours=start + hours), *place.split("."), kind
    ),
    st.sampled_from(["cpt.doma.1m0a", "tfn.doma.1m0a", "coj.clma.0m4a"]),
    st.integers(0, 70),
    st.integers(1, 20),
    st.sampled_from(["", "1M0-NRES-SCICAM"]),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(REQUESTS, max_size=4), downtimes=st.lists(DOWNTIMES, max_size=3))
def test_many_requests_see_what_each_sees(
    network: Observatory, requests: list[Request], downtimes: list[Downtime]
) -> None:
    telescopes = network.telescopes()
    # a window may reach past the span of the table; each for itself is cut at it
    table = visible_windows_of(requests, telescopes, start=START, end=END, downtimes=downtimes)
    for index, item in enumerate(requests):
        alone = visible_windows(item, network, downtimes=downtimes).by_telescope
        for number, telescope in enumerate(telescopes):
            expected = riseset.clip(alone.get(telescope.key, ()), START, END)
            rows = table.of(index, number)
            stamps = np.array([[start.timestamp(), end.timestamp()] for start, end in expected]).reshape(-1, 2)
            assert rows.shape == stamps.shape
            # edges are found by roots of curves over the span that is asked for: equal to well below a second
            np.testing.assert_allclose(rows, stamps, atol=0.05, rtol=0)


def test_a_request_without_a_place_in_the_sky_is_reported_and_stops_no_other(network: Observatory) -> None:
    lost = request({"type": "TLE", "name": "x", "line1": "1", "line2": "2"})
    table = visible_windows_of([lost, request(CRAB)], network.telescopes(), start=START, end=END)
    assert set(table.unsupported) == {0}
    assert set(table.request) == {1}
    assert len(table) == len(table.start_s)


def test_no_requests_have_no_windows(network: Observatory) -> None:
    assert len(visible_windows_of([], network.telescopes(), start=START, end=END)) == 0


@pytest.mark.parametrize("stopped", ["", "1M0-SCICAM-SINISTRO", "1M0-NRES-SCICAM"])
def test_downtime_is_cut_out_of_the_table_too(network: Observatory, stopped: str) -> None:
    asked = request(CRAB)
    key, (span, *_) = next((key, spans) for key, spans in visible_windows(asked, network).by_telescope.items() if spans)
    middle = span[0] + (span[1] - span[0]) / 2
    down = Downtime(middle, middle + timedelta(minutes=10), *key.split("."), stopped)
    telescopes = network.telescopes()
    table = visible_windows_of([asked], telescopes, start=START, end=END, downtimes=[down])
    alone = visible_windows(asked, network, downtimes=[down]).by_telescope[key]
    rows = table.of(0, [telescope.key for telescope in telescopes].index(key))
    np.testing.assert_allclose(rows, [[a.timestamp(), b.timestamp()] for a, b in alone], atol=0.05, rtol=0)


# --- airmass ---


def test_airmass_is_told_every_ten_minutes_while_the_target_is_visible(network: Observatory) -> None:
    answer = airmass_data(request(CRAB), network)
    assert answer["airmass_limit"] == 2.0
    seen = visible_windows(request(CRAB), network).by_site()
    assert set(answer["airmass_data"]) == set(seen)
    site, curve = next(iter(answer["airmass_data"].items()))
    assert curve["times"][0] == f"{seen[site][0][0]:%Y-%m-%dT%H:%M}"
    steps = {
        (datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds()
        for before, after in zip(curve["times"], curve["times"][1:], strict=False)
    }
    assert 600.0 in steps
    assert len(curve["times"]) == len(curve["airmasses"])
    assert all(1.0 <= value <= 2.001 for value in curve["airmasses"])


def test_airmass_of_what_is_never_up_or_no_star_is_empty(small_observatory: Observatory) -> None:
    never = request(SOUTH, instrument_type="0M6-IMAGER-CCD")
    assert airmass_data(never, small_observatory) == {"airmass_data": {}}
    fixed = request(
        {"type": "HOUR_ANGLE", "name": "x", "hour_angle": 0.0, "dec": 20.0}, instrument_type="0M6-IMAGER-CCD"
    )
    assert airmass_data(fixed, small_observatory) == {"airmass_data": {}}
