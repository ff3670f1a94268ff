"""Patterns. Truth: section 1.4 of the portal's specification and the recordings it was made from."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.core.observatory import Observatory
from armillary.core.requests.patterns import (
    expand_dither,
    expand_mosaic,
    grid_offsets,
    line_offsets,
    shifted,
    spiral_offsets,
)
from armillary.core.requests.validation import ValidationContext, check_request

Body = dict[str, Any]


def close(found: list[tuple[float, float]], expected: list[tuple[float, float]]) -> bool:
    return len(found) == len(expected) and all(math.dist(a, b) < 1e-9 for a, b in zip(found, expected, strict=True))


def test_a_line_runs_north_and_turns_counter_clockwise() -> None:
    assert close(line_offsets(3, 2.0), [(0, 0), (0, 2), (0, 4)])
    assert close(line_offsets(2, 2.0, orientation_deg=90.0), [(0, 0), (-2, 0)])
    assert close(line_offsets(3, 2.0, center=True), [(0, -2), (0, 0), (0, 2)])


# recorded: two rows, two columns, spacing 2, orientation 90
def test_a_grid_is_walked_in_short_steps() -> None:
    assert close(grid_offsets(2, 2, 2.0, 2.0, orientation_deg=90.0), [(0, 0), (-2, 0), (-2, 2), (0, 2)])


@given(
    st.integers(1, 6), st.integers(1, 6), st.floats(0.1, 100), st.floats(0.1, 100), st.floats(-360, 360), st.booleans()
)
def test_a_grid_has_every_point_once_and_a_centred_one_its_middle_on_the_target(
    rows: int, columns: int, point: float, line: float, orientation: float, center: bool
) -> None:
    offsets = grid_offsets(rows, columns, point, line, orientation_deg=orientation, center=center)
    assert len({(round(x, 6), round(y, 6)) for x, y in offsets}) == rows * columns
    steps = [math.dist(a, b) for a, b in pairwise(offsets)]
    assert all(step == pytest.approx(point) or step == pytest.approx(line) for step in steps)
    if center:
        middle = math.hypot(sum(x for x, _ in offsets), sum(y for _, y in offsets)) / len(offsets)
        assert middle < 1e-6 * (point + line)


def test_a_spiral_begins_on_the_target_and_winds_outward() -> None:
    offsets = spiral_offsets(20, 3.0)
    radii = [math.hypot(x, y) for x, y in offsets]
    assert radii == pytest.approx([math.sqrt(6.0 * index) for index in range(20)])


@given(st.floats(0, 360), st.floats(-90, 90), st.floats(-1e5, 1e5), st.floats(-1e6, 1e6))
def test_a_shifted_position_is_a_position(ra: float, dec: float, east: float, north: float) -> None:
    moved_ra, moved_dec = shifted(ra, dec, east, north)
    assert 0.0 <= moved_ra <= 360.0
    assert -90.0 <= moved_dec <= 90.0


def test_right_ascension_wraps_and_declination_stops_at_the_pole() -> None:
    assert shifted(359.999, 0.0, 7.2, 0.0)[0] == pytest.approx(0.001)
    assert shifted(10.0, 89.999, 0.0, 36.0)[1] == 90.0


def test_a_dither_repeats_the_exposures_at_every_offset(configuration_body: Body, context: ValidationContext) -> None:
    body = {
        "configuration": configuration_body,
        "pattern": "line",
        "num_points": 3,
        "point_spacing": 1.23456,
        "center": "True",
    }
    dithered, errors = expand_dither(body, context)
    assert errors == {}
    assert dithered is not None
    offsets = [config["extra_params"]["offset_dec"] for config in dithered["instrument_configs"]]
    assert offsets == [-1.235, 0.0, 1.235]
    assert dithered["extra_params"]["dither_pattern"] == "line"
    assert "priority" not in dithered
    assert expand_dither({**body, "configuration": dithered, "num_points": 1, "center": False}, context)[1] == {}


def test_a_mosaic_repeats_the_configuration_beside_itself(request_body: Body, context: ValidationContext) -> None:
    body = {"request": request_body, "pattern": "grid", "num_rows": 2, "num_columns": 2, "point_spacing": 360.0}
    tiled, errors = expand_mosaic(body, context)
    assert errors == {}
    assert tiled is not None
    targets = [configuration["target"] for configuration in tiled["configurations"]]
    assert [round(target["dec"], 6) for target in targets] == [22.0145, 22.1145, 22.1145, 22.0145]
    assert [configuration["priority"] for configuration in tiled["configurations"]] == [1, 2, 3, 4]
    assert tiled["extra_params"] == {"mosaic_pattern": "grid"}
    assert check_request(tiled, context).errors == {}


# recorded: NRES camera 1000 x 5000 pixels of 0.5", turned 90 degrees, 10 % overlap: 450" along a column, 2250" across
@pytest.mark.parametrize(("orientation", "second"), [(0.0, (34.4, 20.125)), (90.0, (33.7348888922, 20.0))])
def test_overlap_becomes_spacing_by_the_size_and_angle_of_the_detector(
    recorded_observatory: Observatory,
    context: ValidationContext,
    request_body: Body,
    orientation: float,
    second: tuple[float, float],
) -> None:
    spectrum = request_body["configurations"][0] | {
        "type": "NRES_SPECTRUM",
        "instrument_type": "1M0-NRES-SCICAM",
        "instrument_configs": [{"exposure_time": 100, "exposure_count": 1, "mode": "1m0_nres_1"}],
        "target": {"name": "fake target", "type": "ICRS", "dec": 20, "ra": 34.4},
        "constraints": {"min_lunar_distance": 0, "max_airmass": 2.0},
    }
    request = request_body | {"configurations": [spectrum], "location": {"telescope_class": "1m0"}}
    body = {"request": request, "pattern": "grid", "num_rows": 2, "num_columns": 2, "point_overlap_percent": 10.0}
    there = dataclasses.replace(context, observatory=recorded_observatory)
    tiled, errors = expand_mosaic({**body, "orientation": orientation}, there)
    assert errors == {}
    assert tiled is not None
    target = tiled["configurations"][1]["target"]
    assert (target["ra"], target["dec"]) == pytest.approx(second)


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"num_points": None}, "non_field_errors", "Must specify num_points"),
        ({"pattern": "grid"}, "non_field_errors", "Must specify num_rows and num_columns"),
        ({"pattern": "grid", "num_rows": 100, "num_columns": 100}, "non_field_errors", "at most 1000 points"),
        ({"pattern": "star"}, "pattern", '"star" is not a valid choice.'),
        ({"point_spacing": None}, "point_spacing", "This field may not be null."),
        ({"num_points": 0}, "num_points", "Ensure this value is greater than or equal to 1."),
        ({"configuration": None}, "configuration", "This field may not be null."),
    ],
)
def test_a_dither_that_cannot_be_is_refused(
    configuration_body: Body, context: ValidationContext, changes: Body, field: str, message: str
) -> None:
    body = {"configuration": configuration_body, "pattern": "line", "num_points": 3, "point_spacing": 1.0}
    dithered, errors = expand_dither(body | changes, context)
    assert dithered is None
    assert message in errors[field][0]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"pattern": "spiral"}, "pattern", '"spiral" is not a valid choice.'),
        ({"point_spacing": None}, "non_field_errors", "Must specify either point_spacing or point_overlap_percent"),
        ({"point_overlap_percent": 101}, "point_overlap_percent", "less than or equal to 100.0"),
    ],
)
def test_a_mosaic_that_cannot_be_is_refused(
    request_body: Body, context: ValidationContext, changes: Body, field: str, message: str
) -> None:
    body = {"request": request_body, "pattern": "line", "num_points": 3, "point_spacing": 1.0}
    assert message in expand_mosaic(body | changes, context)[1][field][0]


def test_a_mosaic_is_of_one_configuration_of_a_star(request_body: Body, context: ValidationContext) -> None:
    body = {"pattern": "line", "num_points": 3, "point_spacing": 1.0}
    two = request_body | {"configurations": request_body["configurations"] * 2}
    assert "more than one configuration" in expand_mosaic(body | {"request": two}, context)[1]["request"][0]
    up = {"type": "SATELLITE", "name": "x", "altitude": 80.0, "azimuth": 10.0}
    up |= {
        f"diff_{key}": 0.0
        for key in ("altitude_rate", "azimuth_rate", "epoch", "altitude_acceleration", "azimuth_acceleration")
    }
    fixed = request_body | {"configurations": [request_body["configurations"][0] | {"target": up}]}
    assert "only for ICRS Targets" in expand_mosaic(body | {"request": fixed}, context)[1]["request"][0]
    assert expand_mosaic("nothing", context)[1]
