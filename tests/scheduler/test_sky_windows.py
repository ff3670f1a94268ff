from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armillary.core.observatory import Observatory, riseset_site
from armillary.core.requests.model import Request
from armillary.core.requests.visibility import candidate_telescopes, visible_windows
from armillary.scheduler.visibility import SkyWindows, airmass_samples, intersect, subtract, whole_seconds

START = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
END = START + timedelta(days=4)


@pytest.fixture(scope="module")
def network(examples: Path) -> Observatory:
    content = json.loads((examples / "network_observatory.json").read_text(encoding="utf-8"))
    return Observatory.from_sites(content["results"])


def request(ra: float, dec: float, *more: tuple[float, float], **changes: Any) -> Request:
    configurations = [
        {
            "instrument_type": "1M0-SCICAM-SINISTRO",
            "type": "EXPOSE",
            "constraints": {"max_airmass": 1.8, "min_lunar_distance": 20.0},
            "target": {"type": "ICRS", "name": "x", "ra": each[0], "dec": each[1]},
        }
        for each in ((ra, dec), *more)
    ]
    windows = [{"start": "2026-11-23T00:00:00Z", "end": "2026-11-30T00:00:00Z"}]
    document = {"configurations": configurations, "windows": windows, "location": {"telescope_class": "1m0"}}
    return Request.model_validate(document | changes)


REQUESTS = [
    request(10.0, 20.0),
    request(200.0, -60.0),
    request(85.0, -5.0, (90.0, 10.0)),
    request(85.0, 89.0),
    request(
        30.0,
        0.0,
        windows=[
            {"start": "2026-11-24T22:00:00Z", "end": "2026-11-25T02:00:00Z"},
            {"start": "2026-11-26T00:00:00Z", "end": "2026-11-26T06:00:00Z"},
        ],
    ),
]


def test_windows_are_those_that_people_are_shown(network: Observatory) -> None:
    """The scheduler and the portal's visibility check must never disagree."""
    places = [candidate_telescopes(each, network) for each in REQUESTS]
    found = SkyWindows().of(REQUESTS, places, START, END)
    for asked, own in zip(REQUESTS, found, strict=True):
        wanted = [(max(each.start, START), min(each.end, END)) for each in asked.windows]
        shown = visible_windows(asked, network, windows=[(start, end) for start, end in wanted if start < end])
        assert set(own) == set(shown.by_telescope)
        for key, spans in own.items():
            expected = [(start.timestamp(), end.timestamp()) for start, end in shown.by_telescope[key]]
            assert spans == pytest.approx(np.array(expected).reshape(-1, 2), abs=0.5)


def test_nothing_is_computed_twice_within_the_days_that_are_known(network: Observatory) -> None:
    places = [candidate_telescopes(each, network) for each in REQUESTS]
    sky = SkyWindows()
    sky.of(REQUESTS, places, START, END)
    once = sky.computed
    later = sky.of(REQUESTS, places, START + timedelta(hours=5), END + timedelta(hours=5))
    assert sky.computed == once
    fresh = SkyWindows().of(REQUESTS, places, START + timedelta(hours=5), END + timedelta(hours=5))
    for own, again in zip(later, fresh, strict=True):
        assert {key: spans.tolist() for key, spans in own.items()} == {
            key: spans.tolist() for key, spans in again.items()
        }


def test_a_horizon_that_moves_on_costs_the_new_days_only_and_gives_the_same_windows(network: Observatory) -> None:
    places = [candidate_telescopes(each, network) for each in REQUESTS]
    sky = SkyWindows()
    for day in range(5):
        start, end = START + timedelta(days=day), END + timedelta(days=day)
        moved, fresh = sky.of(REQUESTS, places, start, end), SkyWindows().of(REQUESTS, places, start, end)
        for own, again in zip(moved, fresh, strict=True):
            assert set(own) == set(again)
            for key, spans in own.items():
                assert spans == pytest.approx(again[key], abs=0.1)


def test_what_nobody_asks_for_any_more_is_forgotten(network: Observatory) -> None:
    places = [candidate_telescopes(each, network) for each in REQUESTS]
    sky = SkyWindows()
    sky.of(REQUESTS, places, START, END)
    once = sky.computed
    sky.of(REQUESTS[:1], places[:1], START, END)
    sky.of(REQUESTS, places, START, END)
    assert sky.computed > once


def test_a_new_request_computes_its_own_target_only(network: Observatory) -> None:
    places = [candidate_telescopes(each, network) for each in REQUESTS]
    sky = SkyWindows()
    sky.of(REQUESTS, places, START, END)
    once = sky.computed
    sky.of([*REQUESTS, request(11.0, 21.0)], [*places, places[0]], START, END)
    assert sky.computed == once + len({riseset_site(place) for place in places[0]})


def test_an_impossible_orbit_has_no_windows_and_hurts_nobody(network: Observatory) -> None:
    broken = REQUESTS[0].model_copy(deep=True)
    broken.configurations[0].target = broken.configurations[0].target.model_copy(  # type: ignore[union-attr]  # it has one
        update={"type": "ORBITAL_ELEMENTS", "scheme": "MPC_MINOR_PLANET", "meandist": -1.0, "eccentricity": 5.0}
    )
    places = candidate_telescopes(REQUESTS[0], network)
    found = SkyWindows().of([broken, REQUESTS[0]], [places, places], START, END)
    assert found[0] == {}
    assert found[1]


def test_airmass_is_sampled_inside_the_windows_to_their_ends(network: Observatory) -> None:
    place = candidate_telescopes(REQUESTS[0], network)[0]
    spans = SkyWindows().of([REQUESTS[0]], [[place]], START, END)[0][place.key]
    samples = airmass_samples(REQUESTS[0], place, spans)
    assert samples is not None
    times, values = samples
    assert times[0] == spans[0, 0]
    assert times[-1] == spans[-1, 1]
    assert values.max() <= 1.8 + 0.01


spans_of = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 20)), max_size=6)


def as_spans(pieces: list[tuple[int, int]]) -> Any:
    """Sorted, disjoint spans; each piece is a gap and a length."""
    at, spans = 0, []
    for gap, length in pieces:
        spans.append((at + gap + 1, at + gap + 1 + length))
        at = spans[-1][1]
    return np.array(spans, dtype=float).reshape(-1, 2)


def seconds(spans: Any) -> set[int]:
    return {second for start, end in spans for second in range(int(start), int(end))}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spans_of, spans_of)
def test_spans_behave_like_sets_of_seconds(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    one, other = as_spans(first), as_spans(second)
    assert seconds(intersect(one, other)) == seconds(one) & seconds(other)
    assert seconds(subtract(one, [tuple(each) for each in other])) == seconds(one) - seconds(other)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e4)), max_size=5))
def test_whole_seconds_never_reach_outside(pieces: list[tuple[float, float]]) -> None:
    spans = np.array([(start, start + length) for start, length in pieces]).reshape(-1, 2)
    for start, end in whole_seconds(spans):
        assert start == int(start)
        assert end == int(end)
        assert any(own_start <= start < end <= own_end for own_start, own_end in spans)
