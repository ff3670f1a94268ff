"""What is typed into the composer, as the request group it means."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.core.observatory import Observatory
from armillary.core.requests.model import RequestGroup
from armillary.web.composition import Complaint, again, blank, located, typed

NOW = datetime(2026, 11, 23, 15, 0, 42, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[2] / "examples"


class Typed(dict[str, Any]):
    """A submitted form."""

    def getlist(self, key: str, /) -> list[Any]:
        value = self.get(key, [])
        return value if isinstance(value, list) else [value]


@pytest.fixture(scope="module")
def small() -> Observatory:
    document = json.loads((EXAMPLES / "small_observatory.json").read_text(encoding="utf-8"))
    return Observatory.from_sites(document["results"])


@pytest.fixture(scope="module")
def network() -> Observatory:
    document = json.loads((EXAMPLES / "network_observatory.json").read_text(encoding="utf-8"))
    return Observatory.from_sites(document["results"])


def form(**fields: Any) -> Typed:
    return Typed(
        {
            "name": "M57 in two bands", "proposal": "SCI-001", "instrument_type": "0M6-IMAGER-CCD",
            "target_name": "M57", "ra": "18:53:35.1", "dec": "+33 01 45", "exposure_time": ["120", "90.5"],
            "exposure_count": ["3", "2"], "element-filter": ["ha", "oiii"], "readout_mode": ["full_1x1", "full_2x2"],
            "window_start": ["2026-11-23T16:00"], "window_end": ["2026-11-24T06:00"],
        }
        | fields
    )  # fmt: skip


def _configuration(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body["requests"][0]["configurations"][0])


def test_a_filled_in_form_is_a_request_group_of_the_wire(small: Observatory) -> None:
    body = typed(form(), small).body(small)
    group = RequestGroup.model_validate(body)
    request = group.requests[0]
    assert request.location is not None
    assert request.location.telescope_class == "0m6"
    assert [(it.exposure_time, it.exposure_count, it.mode) for it in request.configurations[0].instrument_configs] == [
        (120, 3, "full_1x1"),
        (90.5, 2, "full_2x2"),
    ]
    assert request.windows[0].start == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert group.operator == "SINGLE"


def test_sexagesimal_coordinates_are_read_as_hours_and_degrees(small: Observatory) -> None:
    # M57, from SIMBAD: 18 53 35.097 +33 01 44.88, 283.396236 +33.029134 degrees
    body = typed(form(ra="18 53 35.097", dec="+33°01'44.88\""), small).body(small)
    target = _configuration(body)["target"]
    assert target["ra"] == pytest.approx(283.396236, abs=4e-6)  # 0.001 s of RA is 15 mas
    assert target["dec"] == pytest.approx(33.029134, abs=1e-6)


@pytest.mark.parametrize(("written", "degrees"), [("-00:30:00", -0.5), ("\u221212:15:00", -12.25), ("-0.25", -0.25)])
def test_a_declination_south_of_the_equator_keeps_its_sign(small: Observatory, written: str, degrees: float) -> None:
    assert _configuration(typed(form(dec=written), small).body(small))["target"]["dec"] == pytest.approx(degrees)


@pytest.mark.parametrize("nonsense", ["twelve", "", "nan", "inf", "18:99", "1e999"])
def test_what_is_no_number_is_passed_on_as_it_was_typed_for_the_portal_to_judge(
    small: Observatory, nonsense: str
) -> None:
    body = typed(form(ra=nonsense, max_airmass=nonsense), small).body(small)
    assert _configuration(body)["target"]["ra"] == nonsense
    assert _configuration(body)["constraints"]["max_airmass"] == nonsense


def test_after_another_instrument_is_chosen_its_own_defaults_are_there(small: Observatory) -> None:
    body = typed(form(instrument_type="0M6-SPECTRO-LOWRES"), small).body(small)
    configuration = _configuration(body)
    assert configuration["type"] == "SPECTRUM"
    for series in configuration["instrument_configs"]:
        assert series["optical_elements"] == {"slit": "slit_30", "grating": "g300"}
        assert series["mode"] == "spec_1x1"


def test_a_blank_composer_is_about_the_first_imager_and_a_week_from_now(network: Observatory) -> None:
    composition = blank(network, ["SCI-001", "SCI-002"], NOW)
    kind = network.instrument_type(composition["instrument_type"])
    assert kind is not None
    assert kind.category == "IMAGE"
    assert composition["proposal"] == "SCI-001"
    assert composition.windows[0].start == "2026-11-23T15:00"
    assert composition.windows[0].end == "2026-11-30T15:00"


def test_an_observatory_without_instruments_has_a_composer_too() -> None:
    composition = blank(Observatory.from_sites([]), [], NOW)
    assert composition["instrument_type"] == ""
    assert composition.body(Observatory.from_sites([]))["proposal"] == ""


def test_a_cadence_takes_the_place_of_the_windows(small: Observatory) -> None:
    request = typed(form(cadence_period="2.5", cadence_jitter="1"), small).body(small)["requests"][0]
    assert "windows" not in request
    assert request["cadence"] == {
        "start": "2026-11-23T16:00:00Z", "end": "2026-11-24T06:00:00Z", "period": 2.5, "jitter": 1,
    }  # fmt: skip


def test_rows_come_and_go_but_the_last_one_stays(small: Observatory) -> None:
    composition = typed(form(), small)
    assert len(composition.one_more_exposure().exposures) == 3
    assert [it.time for it in composition.without_exposure(0).exposures] == ["90.5"]
    assert len(composition.without_exposure(0).without_exposure(0).exposures) == 1
    assert len(composition.one_more_window().windows) == 2
    assert composition.without_window(0).windows == composition.windows
    for _ in range(50):
        composition = composition.one_more_exposure()
    assert len(composition.exposures) == 30


def test_a_submitted_group_can_be_composed_once_more_from_now_on(small: Observatory) -> None:
    group = RequestGroup.model_validate(typed(form(), small).body(small))
    composition = again(group, small, NOW + timedelta(hours=3))
    body = composition.body(small)
    assert (
        _configuration(body)["instrument_configs"]
        == _configuration(typed(form(), small).body(small))["instrument_configs"]
    )
    assert _configuration(body)["target"]["ra"] == pytest.approx(283.396, abs=1e-3)
    assert body["requests"][0]["windows"] == [{"start": "2026-11-23T18:00:00Z", "end": "2026-11-24T06:00:00Z"}]
    late = again(group, small, NOW + timedelta(days=3))
    assert late.windows[0].start == "2026-11-26T15:00"


def test_complaints_are_brought_to_the_fields_they_are_about() -> None:
    errors = {
        "name": ["This field may not be blank."],
        "requests": [
            {
                "windows": [{}, {"end": ["End must be after start."]}],
                "configurations": [
                    {
                        "target": {"ra": ["A valid number is required."], "name": ["Too long."]},
                        "instrument_configs": [{}, {"exposure_time": ["Too short."]}],
                        "guiding_config": {"mode": ["Unknown."]},
                    }
                ],
            },
            {"non_field_errors": ["The target will not be visible."]},
        ],
    }
    assert located(errors) == [
        Complaint("name", "This field may not be blank."),
        Complaint("window-1", "End must be after start."),
        Complaint("ra", "A valid number is required."),
        Complaint("target_name", "Too long."),
        Complaint("exposure-1", "Too short."),
        Complaint("guiding_mode", "Unknown."),
        Complaint("", "The target will not be visible."),
    ]


_trees = st.recursive(
    st.text(min_size=1),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["requests", "windows", "instrument_configs", "ra", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_trees)
def test_no_complaint_of_any_shape_is_lost(errors: Any) -> None:
    def leaves(tree: Any) -> set[str]:
        inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else None
        return {tree} if inner is None else {leaf for it in inner for leaf in leaves(it)}

    assert {it.sentence for it in located(errors)} == leaves(errors)


@given(st.dictionaries(st.sampled_from(sorted(form())), st.text() | st.lists(st.text(), max_size=4)))
def test_whatever_is_typed_can_be_sent_as_json(fields: dict[str, Any]) -> None:
    document = json.loads((EXAMPLES / "small_observatory.json").read_text(encoding="utf-8"))
    observatory = Observatory.from_sites(document["results"])
    body = typed(Typed(form() | fields), observatory).body(observatory)
    assert json.loads(json.dumps(body, allow_nan=False)) == body
