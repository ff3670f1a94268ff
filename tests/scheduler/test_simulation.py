"""Playing the coming nights: what must hold whatever chance does, and that it is repeatable."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armillary.core.observatory import Observatory
from armillary.core.requests.facts import Allocation, Semester
from armillary.core.requests.model import RequestGroup
from armillary.scheduler.simulation.execution import Spread, play_all
from armillary.scheduler.simulation.night import Luck, Play, play
from armillary.scheduler.simulation.report import report_of, write_report
from armillary.scheduler.simulation.weather import Weather, WeatherInvalid, weather_named
from armillary.scheduler.simulation.world import World, WorldInvalid, load_world, save
from armillary.scheduler.snapshot import ProposalStanding, Snapshot

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CLEAR, CLOUDS = Luck(weather_named("clear"), 0.0), Luck(Weather(closed_share=0.6, closed_hours=3.0), 0.2)
FAST = {"time_limit_s": 1.0, "between": timedelta(hours=4)}


def waiting(number: int, *, minutes: int = 60, **changes: Any) -> RequestGroup:
    """A group as the portal's feed lists it."""
    request = {
        "id": number, "state": "PENDING", "duration": 60 * minutes,
        "windows": [{"start": "2026-11-23T15:00:00Z", "end": "2026-11-26T15:00:00Z"}],
        "location": {"telescope_class": "0m6"},
        "configurations": [
            {
                "id": number, "type": "EXPOSE", "instrument_type": "0M6-IMAGER-CCD",
                "target": {"type": "ICRS", "name": "NGC 7662", "ra": 351.475, "dec": 42.535},
                "constraints": {"max_airmass": 2.0} | changes.pop("constraints", {}),
                "instrument_configs": [{"exposure_time": 30, "exposure_count": 2, "optical_elements": {"filter": "V"}}],
            }
        ],
    }  # fmt: skip
    group = {
        "id": 100 + number, "name": f"target {number}", "proposal": "P1", "ipp_value": 1.0, "operator": "SINGLE",
        "observation_type": "NORMAL", "state": "PENDING", "requests": [request],
    }  # fmt: skip
    return RequestGroup.model_validate(group | changes)


@pytest.fixture(scope="module")
def sites(examples: Path) -> list[dict[str, Any]]:
    return list(json.loads((examples / "small_observatory.json").read_text(encoding="utf-8"))["results"])


@pytest.fixture(scope="module")
def world(sites: list[dict[str, Any]]) -> World:
    allocation = Allocation("2026B", ("0M6-IMAGER-CCD",), std_allocation_h=100.0)
    snapshot = Snapshot(
        at=START,
        groups=tuple(waiting(number) for number in range(1, 9)),
        proposals={"P1": ProposalStanding(20.0, (allocation,))},
        observatory=Observatory.from_sites(sites),
        downtimes=(),
        live=(),
        semesters=(Semester("2026B", datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)),),
    )
    return World(snapshot, sites)


@pytest.fixture(scope="module")
def cloudy(world: World) -> Play:
    return play(world, 2, CLOUDS, 7, **FAST)  # type: ignore[arg-type]  # mixed keywords


def test_in_clear_nights_everything_that_fits_is_completed_once(world: World) -> None:
    outcome = play(world, 2, CLEAR, 1, **FAST)  # type: ignore[arg-type]
    assert sorted(deed.request for deed in outcome.deeds) == list(range(1, 9))
    assert {deed.outcome for deed in outcome.deeds} == {"completed"}
    assert outcome.closed_h == {"exh.doma.0m6a": 0.0}
    assert 20 < outcome.dark_h["exh.doma.0m6a"] < 28, "two nights of November in southern Spain, nautical"


def test_nobody_observes_two_things_at_once_nor_anything_twice(cloudy: Play) -> None:
    ordered = sorted(cloudy.deeds, key=lambda deed: deed.start)
    assert all(one.end <= other.start for one, other in itertools.pairwise(ordered))
    completed = [deed.request for deed in cloudy.deeds if deed.outcome == "completed"]
    assert len(completed) == len(set(completed))


def test_what_is_lost_to_weather_was_in_bad_weather_and_the_rest_was_not(cloudy: Play) -> None:
    course = CLOUDS.weather.course("exh", START, START + timedelta(days=3), 7)
    assert cloudy.deeds
    for deed in cloudy.deeds:
        is_open = course.is_open(deed.start.timestamp(), deed.end.timestamp())
        assert is_open == (deed.outcome != "weather")


def test_the_same_seed_plays_the_same_nights(world: World, cloudy: Play) -> None:
    assert play(world, 2, CLOUDS, 7, **FAST) == cloudy  # type: ignore[arg-type]


def test_a_proposal_is_not_observed_past_its_time(world: World) -> None:
    allocation = Allocation("2026B", ("0M6-IMAGER-CCD",), std_allocation_h=2.5)
    poor = replace(world.snapshot, proposals={"P1": ProposalStanding(20.0, (allocation,))})
    outcome = play(World(poor, world.sites), 2, CLEAR, 1, **FAST)  # type: ignore[arg-type]
    assert len(outcome.completed) == 2


def test_a_demanding_request_is_never_completed_in_bad_seeing(world: World) -> None:
    demanding = replace(world.snapshot, groups=(waiting(1, constraints={"max_seeing": 0.05}),))
    outcome = play(World(demanding, world.sites), 1, CLEAR, 1, **FAST)  # type: ignore[arg-type]
    assert outcome.completed == {}


def test_a_world_survives_its_file(world: World, tmp_path: Path) -> None:
    for name in ("world.json", "world.json.gz"):
        save(world, tmp_path / name)
        again = load_world(tmp_path / name)
        assert again.as_json() == world.as_json()
        assert again.snapshot.observatory.telescopes() == world.snapshot.observatory.telescopes()


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "other"}', '{"format": "armillary-world/1"}'])
def test_a_file_that_is_no_world_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "world.json"
    path.write_text(content)
    with pytest.raises(WorldInvalid, match=r"world\.json"):
        load_world(path)


def test_plays_on_all_cores_are_those_of_one_and_the_report_adds_them_up(
    world: World, cloudy: Play, tmp_path: Path
) -> None:
    small = World(replace(world.snapshot, groups=world.snapshot.groups[:2]), world.sites)
    plays = play_all(small, 1, CLOUDS, seeds=[1, 2], time_limit_s=1.0, spread=Spread(jobs=1))
    assert [each.seed for each in plays] == [1, 2]
    report = report_of(world, [cloudy])
    completed = {chance.request for chance in report.requests if chance.completed == 1.0}
    assert completed == set(cloudy.completed)
    (share,) = report.proposals
    assert share.asked_h == pytest.approx(8.0)
    assert share.observed_h == pytest.approx(len(cloudy.completed))
    assert sum(report.lost.values()) == pytest.approx(len(cloudy.deeds) - len(cloudy.completed))
    write_report(world, [cloudy], CLOUDS, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "target 3" in page
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="http', page), "it needs no network"
    assert json.loads((tmp_path / "report.json").read_text())["plays"] == 1


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(share=st.floats(0.0, 0.9), hours=st.floats(0.5, 48.0), seed=st.integers(0, 1000), day=st.integers(0, 200))
def test_every_span_is_a_part_of_the_same_weather(share: float, hours: float, seed: int, day: int) -> None:
    weather = Weather(closed_share=share, closed_hours=hours)
    start = START + timedelta(days=day)
    whole = weather.course("exh", start - timedelta(days=40), start + timedelta(days=40), seed)
    part = weather.course("exh", start, start + timedelta(days=1), seed)
    for hour in range(24):
        at = start + timedelta(hours=hour)
        assert (part.closed_until(at) is None) == (whole.closed_until(at) is None)
        assert part.seeing_arcsec(at) == whole.seeing_arcsec(at)
    assert (np.diff(whole.closed.ravel()) >= 0).all()


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_sites_are_closed_for_their_share_of_the_time(share: float) -> None:
    days = 2000
    course = Weather(closed_share=share, closed_hours=6.0).course("exh", START, START + timedelta(days=days), 5)
    seconds = np.clip(course.closed, START.timestamp(), (START + timedelta(days=days)).timestamp())
    assert (seconds[:, 1] - seconds[:, 0]).sum() / (86_400 * days) == pytest.approx(share, abs=0.05)


def test_weather_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="closed_share"):
        Weather(closed_share=1.0)
    with pytest.raises(WeatherInvalid, match="clear, average, poor"):
        weather_named("apocalyptic")
    path = tmp_path / "weather.json"
    path.write_text('{"closed_share": 0.4}')
    assert weather_named(str(path)).closed_share == 0.4
