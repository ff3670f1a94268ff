"""Durations. Truth: section 4 of the portal's specification, with its check values, which were measured."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.core.observatory import Observatory
from armillary.core.requests.durations import (
    UnknownInstrumentType,
    configuration_duration,
    group_duration,
    remaining_duration,
    request_duration,
    requested_exposure_s,
    separation_arcsec,
    total_group_duration,
)
from armillary.core.requests.facts import Semester
from armillary.core.requests.model import Request, RequestGroup, Target

B = Semester("2026B", datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))


def star(name: str = "t", ra: float = 60.0, dec: float = -30.0) -> dict[str, Any]:
    return {"type": "ICRS", "name": name, "ra": ra, "dec": dec}


def sbig(**changes: Any) -> dict[str, Any]:
    """The configuration of the check value: two exposures of 30 s."""
    return {
        "instrument_type": "1M0-SCICAM-SBIG",
        "type": "EXPOSE",
        "priority": 1,
        "target": star(),
        "instrument_configs": [
            {
                "exposure_time": 30.0,
                "exposure_count": 2,
                "mode": "1m0_sbig_2",
                "optical_elements": {"filter": "air"},
            }
        ],
        "acquisition_config": {"mode": "OFF"},
        "guiding_config": {"mode": "OFF"},
        **changes,
    }


def floyds(**changes: Any) -> dict[str, Any]:
    spectrum = {"exposure_time": 100.0, "exposure_count": 1, "mode": "2m0_floyds_1"}
    return {
        "instrument_type": "2M0-FLOYDS-SCICAM",
        "type": "SPECTRUM",
        "target": star(),
        "instrument_configs": [{**spectrum, "optical_elements": {"slit": "slit_1.6as"}}],
        "acquisition_config": {"mode": "WCS"},
        "guiding_config": {"mode": "ON", "optional": False},
        **changes,
    }


def request(*configurations: dict[str, Any], **changes: Any) -> Request:
    numbered = [{**item, "priority": index} for index, item in enumerate(configurations, start=1)]
    window = {"start": "2026-11-23T11:00:00Z", "end": "2026-11-26T11:00:00Z"}
    return Request.model_validate({"configurations": numbered, "windows": [window], **changes})


def group(operator: str, *requests: Request) -> RequestGroup:
    return RequestGroup.model_validate(
        {
            "name": "g",
            "proposal": "P1",
            "observation_type": "NORMAL",
            "operator": operator,
            "ipp_value": 1.0,
            "requests": [item.model_dump() for item in requests],
        }
    )


# 4.5: 2 x 30 s, readout 14.5, fixed 1, config padding 16, filter change 2, slew 2, front padding 90: 91, 107, 201
def test_the_check_value_of_the_specification(recorded_observatory: Observatory) -> None:
    duration = request_duration(request(sbig()), recorded_observatory)
    assert duration.configurations[0].instrument_configs[0].seconds == 91.0
    assert duration.configurations[0].seconds == 107.0
    assert duration.seconds == 201


def test_every_second_is_for_something(recorded_observatory: Observatory) -> None:
    duration = request_duration(request(sbig()), recorded_observatory)
    assert duration.breakdown() == {
        "exposure": 60.0,
        "readout": 29.0,
        "fixed_overhead": 2.0,
        "config_front_padding": 16.0,
        "optical_change": 2.0,
        "slew": 2.0,
        "front_padding": 90.0,
    }


def test_repeats_multiply_everything_but_the_front_padding(recorded_observatory: Observatory) -> None:
    duration = request_duration(request(sbig(), configuration_repeats=3), recorded_observatory)
    assert duration.seconds == 3 * 111 + 90


def test_the_same_target_and_filter_again_cost_neither_slew_nor_change(recorded_observatory: Observatory) -> None:
    duration = request_duration(request(sbig(), sbig()), recorded_observatory)
    assert duration.configurations[1].overhead_s == 0.0


def test_a_target_of_another_name_is_another_target(recorded_observatory: Observatory) -> None:
    duration = request_duration(request(sbig(), sbig(target=star("u"))), recorded_observatory)
    assert duration.configurations[1].overhead_s == 2.0  # the minimum of a slew there


def test_a_repeated_configuration_takes_what_it_says_without_padding(recorded_observatory: Observatory) -> None:
    repeated = request(sbig(type="REPEAT_EXPOSE", repeat_duration=500.0))
    assert configuration_duration(repeated.configurations[0], recorded_observatory).seconds == 500.0
    assert requested_exposure_s(repeated.configurations[0]) == 500.0


# Appendix D: WCS acquisition 90 s with 30 s exposure; LAMP_FLAT changes for 30 s; no slit overhead; front padding 240
def test_a_spectrum_pays_for_acquisition_and_a_lamp_for_the_change(recorded_observatory: Observatory) -> None:
    spectrum, lamp = floyds(), floyds(type="LAMP_FLAT", acquisition_config={"mode": "OFF"})
    first, second = request_duration(request(spectrum, lamp), recorded_observatory).configurations
    kinds = {item.kind: item.seconds for item in first.items}
    assert kinds["acquisition"] == 120.0
    assert kinds["slew"] == 2.0
    assert {item.kind: item.seconds for item in second.items}["config_change"] == 30.0
    assert "slew" not in {item.kind for item in second.items}


def test_an_acquisition_of_its_own_length_counts_that(recorded_observatory: Observatory) -> None:
    own = floyds(acquisition_config={"mode": "WCS", "exposure_time": 7.0})
    kinds = {
        item.kind: item.seconds for item in request_duration(request(own), recorded_observatory).configurations[0].items
    }
    assert kinds["acquisition"] == 97.0


def test_optional_guiding_costs_nothing_and_required_guiding_its_overhead(small_observatory: Observatory) -> None:
    def seconds(*, optional: bool) -> float:
        config = {"exposure_time": 1.0, "exposure_count": 1, "optical_elements": {"filter": "V"}}
        guided = sbig(
            instrument_type="0M6-IMAGER-CCD",
            instrument_configs=[config],
            guiding_config={"mode": "ON", "optional": optional},
        )
        return request_duration(request(guided), small_observatory).exact_s

    assert seconds(optional=False) - seconds(optional=True) == 5.0


def test_instrument_types_share_the_front_padding_by_their_parts(recorded_observatory: Observatory) -> None:
    both = request_duration(request(sbig(), floyds()), recorded_observatory)
    bare = {step.instrument_type: step.seconds + step.overhead_s for step in both.configurations}
    whole = sum(bare.values())
    for code, padding in (("1M0-SCICAM-SBIG", 90.0), ("2M0-FLOYDS-SCICAM", 240.0)):
        assert both.by_instrument_type[code] == pytest.approx(bare[code] + padding * bare[code] / whole)


def test_an_unknown_instrument_type_is_named(recorded_observatory: Observatory) -> None:
    with pytest.raises(UnknownInstrumentType, match=r"unknown instrument type 'NONE'.*1M0-SCICAM-SBIG"):
        request_duration(request(sbig(instrument_type="NONE")), recorded_observatory)


# 4.8: "exposures_start_at 20:02:00 -> observation end 20:03:33 (91 + 2)"
def test_what_remains_of_the_running_configuration_is_its_exposures_and_changes(
    recorded_observatory: Observatory,
) -> None:
    one = request(sbig())
    assert remaining_duration(one, recorded_observatory, configuration_priority=1, include_current=True) == 93.0
    assert remaining_duration(one, recorded_observatory, configuration_priority=1) == 0.0


def test_what_remains_counts_later_configurations_and_repeats(recorded_observatory: Observatory) -> None:
    two = request(sbig(), sbig(target=star("u")), configuration_repeats=2)
    after_first = remaining_duration(two, recorded_observatory, configuration_priority=1, repeat=1)
    assert after_first == (107 + 2) + (111 + 109)
    assert remaining_duration(two, recorded_observatory, configuration_priority=2, repeat=2) == 0.0


def test_of_many_requests_the_longest_must_fit_and_all_are_paid(recorded_observatory: Observatory) -> None:
    many = group("MANY", request(sbig()), request(sbig(), configuration_repeats=2))
    key = ("2026B", "1M0-SCICAM-SBIG")
    assert group_duration(many, recorded_observatory, [B]) == {key: 312.0}
    assert total_group_duration(many, recorded_observatory, [B]) == {key: 201.0 + 312.0}


def test_a_single_request_counts_unrounded(recorded_observatory: Observatory) -> None:
    config = {"exposure_time": 0.25, "exposure_count": 1, "mode": "1m0_sbig_2", "optical_elements": {"filter": "air"}}
    single = group("SINGLE", request(sbig(instrument_configs=[config])))
    assert group_duration(single, recorded_observatory, [B]) == {("2026B", "1M0-SCICAM-SBIG"): 125.75}
    assert request_duration(single.requests[0], recorded_observatory).seconds == 126


# Hipparcos positions; the expected angle by the haversine formula, which the code does not use
def test_the_separation_of_two_stars() -> None:
    castor = Target(type="ICRS", name="Castor", ra=113.64947, dec=31.88828)
    pollux = Target(type="ICRS", name="Pollux", ra=116.32896, dec=28.02620)
    at = datetime(2000, 1, 1, 12, tzinfo=UTC)
    half_dec, half_ra = math.radians(31.88828 - 28.02620) / 2, math.radians(116.32896 - 113.64947) / 2
    cosines = math.cos(math.radians(31.88828)) * math.cos(math.radians(28.02620))
    expected = 2 * math.degrees(math.asin(math.sqrt(math.sin(half_dec) ** 2 + cosines * math.sin(half_ra) ** 2)))
    assert separation_arcsec(castor, pollux, at) == pytest.approx(expected * 3600, rel=1e-9)


# 61 Cygni A moves 5.28 arcseconds a year (Hipparcos: 4168.31, 3269.20 mas/yr)
def test_a_separation_follows_proper_motion() -> None:
    fixed = Target(type="ICRS", name="a", ra=316.7247, dec=38.7494)
    moving = fixed.model_copy(update={"name": "61 Cyg", "proper_motion_ra": 4168.31, "proper_motion_dec": 3269.20})
    later = datetime(2010, 1, 1, 0, tzinfo=UTC)
    assert separation_arcsec(fixed, moving, later) == pytest.approx(52.97, abs=0.05)


CONFIGS = st.lists(
    st.fixed_dictionaries(
        {
            "exposure_time": st.floats(0, 3600),
            "exposure_count": st.integers(1, 50),
            "mode": st.sampled_from(["1m0_sbig_1", "1m0_sbig_2", "1m0_sbig_3", ""]),
            "optical_elements": st.sampled_from([{}, {"filter": "air"}]),
        }
    ),
    min_size=1,
    max_size=3,
)
REQUESTS = st.builds(
    lambda configs, names, repeats: request(
        *[sbig(instrument_configs=own, target=star(name)) for own, name in zip(configs, names, strict=False)],
        configuration_repeats=repeats,
    ),
    st.lists(CONFIGS, min_size=1, max_size=3),
    st.lists(st.sampled_from("abc"), min_size=3, max_size=3),
    st.integers(1, 5),
)


@given(REQUESTS)
def test_the_parts_add_up_to_the_whole(recorded_observatory: Observatory, item: Request) -> None:
    duration = request_duration(item, recorded_observatory)
    assert sum(duration.breakdown().values()) == pytest.approx(duration.exact_s)
    assert sum(duration.by_instrument_type.values()) == pytest.approx(duration.exact_s)
    assert duration.exact_s <= duration.seconds + 1e-6
    assert duration.seconds < duration.exact_s + 1
    for step in duration.configurations:
        assert sum(part.seconds for part in step.items) == pytest.approx(step.seconds + step.overhead_s)
        assert all(part.seconds >= 0 for part in step.items)


@given(REQUESTS)
def test_what_remains_shrinks_to_nothing(recorded_observatory: Observatory, item: Request) -> None:
    left = [
        remaining_duration(item, recorded_observatory, configuration_priority=step.priority, repeat=repeat)
        for repeat in range(1, item.configuration_repeats + 1)
        for step in item.in_sequence()
    ]
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0.0
