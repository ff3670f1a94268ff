from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from astropy.io import fits
from observation_documents import EVENING, STAR, configuration, observation

from armillary.telescope.drivers.simulator import Faults

if TYPE_CHECKING:
    from conftest import Night

MINUTE = timedelta(minutes=1)


def test_an_observation_is_executed_at_its_time_and_reported(night: Night) -> None:
    night.portal.schedule(observation(1))
    night.begin()

    night.go_on_until(EVENING - timedelta(seconds=1))
    assert night.portal.reports == []
    night.go_on_until(EVENING + 5 * MINUTE)

    assert night.portal.said(10) == ["ATTEMPTED", "COMPLETED"]
    assert night.portal.observations[1]["state"] == "COMPLETED"
    summary = night.portal.summary(10)
    assert summary["time_completed"] == 60.0
    assert summary["state"] == "COMPLETED"
    assert EVENING <= datetime.fromisoformat(summary["start"]) < datetime.fromisoformat(summary["end"])
    assert len(night.ingested) == 2
    assert night.agent is not None
    assert night.agent.idle


def test_exposures_take_their_overheads(night: Night) -> None:
    """Two exposures of 30 s with 6 s readout and 1 s overhead each; a slew from the park position; a filter change."""
    night.portal.schedule(observation(1))
    night.begin()
    night.go_on_until(EVENING + 5 * MINUTE)

    events = {event["event"]: event for event in night.portal.summary(10)["events"]}
    assert events["exposure 1, 30 s"]["duration_s"] == 37.0
    assert events["change optical elements"]["duration_s"] == 4.0
    assert events["slew"]["duration_s"] == pytest.approx(90 * 3600 * 0.0003)


def test_configurations_are_executed_in_order_with_their_own_instruments(night: Night) -> None:
    spectrum = {
        "optical_elements": {"slit": "slit_15", "grating": "g300"},
        "mode": "spec_1x1",
        "exposure_time": 60.0,
        "exposure_count": 1,
        "rotator_mode": "VFLOAT",
        "extra_params": {},
    }
    second = configuration(
        11,
        instrument_type="0M6-SPECTRO-LOWRES",
        type="SPECTRUM",
        instrument_configs=[spectrum],
        instrument_name="sp01",
        target=STAR,
        acquisition_config={"mode": "WCS", "exposure_time": 10.0},
    )
    night.portal.schedule(observation(1, configuration(10), second, seconds=900))
    night.begin()
    night.go_on_until(EVENING + 15 * MINUTE)

    assert [number for number, body in night.portal.reports if "state" in body] == [10, 10, 11, 11]
    assert night.portal.states(1) == ["COMPLETED", "COMPLETED"]
    assert [path.name.split("-")[1] for path in night.ingested] == ["im01", "im01", "sp01"]
    assert "acquire" in [event["event"] for event in night.portal.summary(11)["events"]]
    with fits.open(night.ingested[-1]) as file:
        assert file["SCI"].header["OBSTYPE"] == "SPECTRUM"
        assert file["SCI"].header["OBJECT"] == STAR["name"]


def test_a_repeating_configuration_goes_on_until_its_time_is_over(night: Night) -> None:
    """37 s each in 200 s: five exposures fit; then the telescope stays until the 200 s are over."""
    repeating = configuration(10, type="REPEAT_EXPOSE", repeat_duration=200.0)
    night.portal.schedule(observation(1, repeating, seconds=500))
    night.begin()
    night.go_on_until(EVENING + 9 * MINUTE)

    summary = night.portal.summary(10)
    assert summary["time_completed"] == 150.0
    lasted = datetime.fromisoformat(summary["end"]) - datetime.fromisoformat(summary["start"])
    assert lasted >= timedelta(seconds=200)
    assert len(night.ingested) == 5


def test_one_observation_follows_the_other(night: Night) -> None:
    night.portal.schedule(observation(1), observation(2, start=EVENING + 5 * MINUTE))
    night.begin()
    night.go_on_until(EVENING + 11 * MINUTE)

    assert night.portal.observations[1]["state"] == night.portal.observations[2]["state"] == "COMPLETED"
    first, second = night.portal.summary(10), night.portal.summary(20)
    assert first["end"] < second["start"]
    events = {event["event"] for event in second["events"]}
    assert "slew" not in events, "the telescope stood on this target already"


def test_a_schedule_that_changes_while_waiting_is_heeded(night: Night) -> None:
    night.portal.schedule(observation(1, start=EVENING + 10 * MINUTE))
    night.begin()
    night.go_on_until(EVENING)
    night.portal.observations[1]["state"] = "CANCELED"
    night.portal.schedule(observation(2, start=EVENING + MINUTE))
    night.go_on_until(EVENING + 20 * MINUTE)

    assert night.portal.said(10) == []
    assert night.portal.observations[2]["state"] == "COMPLETED"


def test_an_observation_taken_away_at_the_last_moment_is_not_begun(night: Night) -> None:
    night.portal.schedule(observation(1))
    night.begin()
    night.go_on_until(EVENING - timedelta(seconds=3))
    night.portal.observations[1]["state"] = "CANCELED"  # and last_scheduled does not say so
    night.go_on_until(EVENING + 5 * MINUTE)

    assert night.portal.reports == []


def test_a_running_observation_that_is_aborted_is_stopped(night: Night) -> None:
    night.portal.schedule(observation(1, configuration(10), configuration(11), seconds=900))
    night.begin()
    night.go_on_until(EVENING + timedelta(seconds=160))
    night.portal.observations[1]["state"] = "ABORTED"
    night.portal.last_scheduled = "2026-11-23T20:02:40Z"
    night.go_on_until(EVENING + 10 * MINUTE)

    assert night.portal.said(10)[-1] == "FAILED"
    assert night.portal.said(11) == ["NOT_ATTEMPTED"]
    assert "ABORTED" in night.portal.summary(10)["reason"]
    assert night.agent is not None
    assert night.agent.observing is None


def test_an_observation_that_the_portal_prolongs_goes_on(night: Night) -> None:
    """It needs 114 s to slew and change and 74 s to expose; planned are 120 s, until the portal gives more."""
    night.portal.schedule(observation(1, seconds=160))
    night.begin()
    night.go_on_until(EVENING + timedelta(seconds=60))
    night.portal.observations[1]["end"] = "2026-11-23T20:10:00Z"
    night.portal.last_scheduled = "2026-11-23T20:01:00Z"
    night.go_on_until(EVENING + 5 * MINUTE)

    assert night.portal.observations[1]["state"] == "COMPLETED"


def test_an_observation_found_too_late_is_refused_and_the_rest_of_it_reported(night: Night) -> None:
    night.portal.schedule(observation(1, configuration(10), configuration(11), start=EVENING - 5 * MINUTE))
    night.set_clock(EVENING - timedelta(seconds=20))
    night.begin()
    night.go_on_until(EVENING + MINUTE)

    assert night.portal.states(1) == ["NOT_ATTEMPTED", "NOT_ATTEMPTED"]
    assert night.portal.observations[1]["state"] == "NOT_ATTEMPTED"
    assert night.portal.summary(10)["time_completed"] == 0.0
    assert "not enough time" in night.portal.summary(10)["reason"]


def test_an_instrument_fault_fails_the_configuration_and_leaves_the_rest(night: Night) -> None:
    night.portal.schedule(observation(1, configuration(10), configuration(11), seconds=900))
    night.begin(faults=Faults(seed=1, exposure_fault_probability=1.0))
    night.go_on_until(EVENING + 15 * MINUTE)

    assert night.portal.states(1) == ["FAILED", "NOT_ATTEMPTED"]
    assert "readout" in night.portal.summary(10)["reason"]
    assert night.ingested == []


def test_bad_weather_is_waited_out_and_then_told(night: Night) -> None:
    night.portal.schedule(observation(1, seconds=400))
    night.begin(faults=Faults(seed=1, weather_probability=1.0))
    night.go_on_until(EVENING + MINUTE)
    assert night.portal.reports == [], "there is still time for the weather to clear"
    night.go_on_until(EVENING + 10 * MINUTE)

    assert night.portal.states(1) == ["NOT_ATTEMPTED"]
    assert night.portal.summary(10)["reason"].startswith("Weather: ")


def test_an_instrument_that_is_not_there_is_said_so(night: Night) -> None:
    night.portal.schedule(observation(1, configuration(10, instrument_name="xx99")))
    night.begin()
    night.go_on_until(EVENING + 5 * MINUTE)

    assert night.portal.states(1) == ["NOT_ATTEMPTED"]
    assert "xx99" in night.portal.summary(10)["reason"]


def test_the_portal_is_told_when_exposures_begin(night: Night) -> None:
    night.portal.schedule(observation(1))
    night.begin()
    night.go_on_until(EVENING + 5 * MINUTE)

    starts = [body["exposures_start_at"] for _, body in night.portal.reports if "exposures_start_at" in body]
    assert len(starts) == 1
    assert datetime.fromisoformat(starts[0]) > EVENING


def test_frames_carry_what_the_archive_needs(night: Night) -> None:
    night.portal.schedule(observation(1))
    night.begin()
    night.go_on_until(EVENING + 5 * MINUTE)

    with fits.open(night.ingested[0]) as file:
        header = file["SCI"].header
    expected = {
        "PROPID": "DEMO-001", "REQNUM": "101", "TRACKNUM": "201", "BLKUID": "1", "MOLUID": "910", "SITEID": "exh",
        "ENCID": "doma", "TELID": "0m6a", "INSTRUME": "im01", "OBSTYPE": "EXPOSE", "FILTER": "V", "EXPTIME": 30.0,
        "OBJECT": "NGC 7662", "RLEVEL": 0, "USERID": "astronomer", "DAY-OBS": "20261123", "CCDSUM": "2 2",
    }  # fmt: skip
    assert {key: header[key] for key in expected} == expected
    assert header["DATE-OBS"].startswith("2026-11-23T20:0")
    assert 1.0 <= header["AIRMASS"] < 1.2
    assert night.ingested[0].name == "exh0m6a-im01-20261123-0001-e00.fits.fz"
