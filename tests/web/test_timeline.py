from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.clients.downtime import Downtime
from armillary.core.observatory import Observatory
from armillary.web.almanac import facts, moonlight
from armillary.web.timeline import Span, draw, span_of_tonight

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = Span(NOON, NOON + timedelta(days=1))


def _observatory(examples: Path, name: str) -> Observatory:
    import json

    return Observatory.from_sites(json.loads((examples / name).read_text(encoding="utf-8"))["results"])


@pytest.fixture
def small(examples: Path) -> Observatory:
    return _observatory(examples, "small_observatory.json")


@pytest.fixture
def network(examples: Path) -> Observatory:
    return _observatory(examples, "network_observatory.json")


@given(st.timedeltas(min_value=timedelta(days=-3), max_value=timedelta(days=3)))
def test_every_moment_lies_on_the_line(after: timedelta) -> None:
    assert 0.0 <= DAY.percent(NOON + after) <= 100.0


def test_the_middle_of_a_span_is_at_fifty_percent() -> None:
    assert DAY.percent(NOON + timedelta(hours=12)) == 50.0


def test_at_one_site_the_span_is_the_coming_night_with_something_around_it(small: Observatory) -> None:
    span = span_of_tonight(small, NOON)
    assert span.start > NOON
    assert timedelta(hours=10) < span.end - span.start < timedelta(hours=17)


def test_during_the_night_it_is_this_night(small: Observatory) -> None:
    evening = span_of_tonight(small, NOON)
    midnight = evening.start + (evening.end - evening.start) / 2
    assert _close(span_of_tonight(small, midnight), evening)


def _close(one: Span, other: Span) -> bool:
    return abs(one.start - other.start) < timedelta(seconds=1) and abs(one.end - other.end) < timedelta(seconds=1)


def test_for_a_network_it_is_a_day_around_now(network: Observatory) -> None:
    span = span_of_tonight(network, NOON)
    assert span.start < NOON < span.end
    assert span.end - span.start == timedelta(hours=24)


def test_every_telescope_has_a_track_and_darkness_lies_in_twilight(network: Observatory) -> None:
    timeline = draw(network, [], [], span=DAY, now=NOON)
    assert sum(len(site.tracks) for site in timeline.sites) == len(network.telescopes()) == 23
    for site in timeline.sites:
        for track in site.tracks:
            widths = {
                kind: sum(bar.width for bar in track.sky if bar.css_class == kind) for kind in ("sky-civil", "sky-dark")
            }
            assert widths["sky-dark"] <= widths["sky-civil"]


def test_a_downtime_is_drawn_on_its_telescope_alone_and_says_why(network: Observatory) -> None:
    telescope = network.telescopes()[0]
    downtime = Downtime(
        id=1,
        start=NOON + timedelta(hours=6),
        end=NOON + timedelta(hours=12),
        site=telescope.site,
        enclosure=telescope.enclosure,
        telescope=telescope.code,
        reason="Mirror inspection",
    )
    timeline = draw(network, [], [downtime], span=DAY, now=NOON)
    drawn = {track.key: track.downtimes for site in timeline.sites for track in site.tracks if track.downtimes}
    assert list(drawn) == [telescope.key]
    (bar,) = drawn[telescope.key]
    assert (bar.left, bar.width) == (25.0, 25.0)
    assert "Mirror inspection" in bar.title


def test_tonight_is_said_in_numbers_an_almanac_has(small: Observatory) -> None:
    # At 37.2 N 3.5 W on 2026-11-24 the astronomical night lasts from about 18:27 to 05:27 UTC; the full Moon
    # (2026-11-24 14:53 UTC, USNO) is up almost all of it.
    dark, moon = facts(small, span_of_tonight(small, NOON), NOON)
    assert dark.label == "Dark"
    assert dark.value.startswith("18:")
    assert moon.value == "100 %"
    assert moon.more.startswith("up ")


def test_the_moon_is_up_and_down_in_turn_and_never_longer_than_a_day(network: Observatory) -> None:
    for telescope in network.telescopes():
        spans = moonlight(telescope, DAY)
        assert all(DAY.start <= start < end <= DAY.end for start, end in spans)
        lit = sum(((end - start) for start, end in spans), timedelta())
        assert timedelta(hours=6) < lit < timedelta(hours=18)


def test_a_network_says_how_much_of_it_is_in_the_dark(network: Observatory) -> None:
    telescopes, dark, moon = facts(network, span_of_tonight(network, NOON), NOON)
    assert (telescopes.value, telescopes.more) == ("23", "at 7 sites")
    assert 0 <= int(dark.value) <= 7
    assert moon.label == "Moon"


def test_an_observatory_without_telescopes_has_no_facts() -> None:
    assert facts(Observatory.from_sites([]), DAY, NOON) == ()
