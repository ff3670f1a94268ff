from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from armillary.core.observatory import Observatory
from armillary.core.requests.model import Request
from armillary.scheduler.eligibility import eligibility


@pytest.fixture(scope="module")
def sites(examples: Path) -> list[dict[str, Any]]:
    return list(json.loads((examples / "network_observatory.json").read_text(encoding="utf-8"))["results"])


@pytest.fixture(scope="module")
def network(sites: list[dict[str, Any]]) -> Observatory:
    return Observatory.from_sites(sites)


def request(*, location: dict[str, str] | None = None, **changes: Any) -> Request:
    configuration = {
        "id": 5,
        "instrument_type": "1M0-SCICAM-SINISTRO",
        "type": "EXPOSE",
        "instrument_configs": [{"exposure_time": 10, "exposure_count": 1, "optical_elements": {"filter": "rp"}}],
        "guiding_config": {"mode": "ON"},
        "target": {"type": "ICRS", "name": "x", "ra": 10, "dec": 10},
    } | changes
    return Request.model_validate(
        {"id": 1, "configurations": [configuration], "location": location or {"telescope_class": "1m0"}}
    )


def test_every_schedulable_instrument_of_the_type_counts_on_telescopes_in_service(network: Observatory) -> None:
    found = eligibility(request(), network, is_staff=False).places
    expected = {
        instrument.telescope_key
        for telescope in network.telescopes()
        for instrument in telescope.instruments
        if telescope.in_service and instrument.is_schedulable and instrument.type.code == "1M0-SCICAM-SINISTRO"
    }
    assert set(found) == expected
    assert "cpt.domc.1m0a" not in found, "the file says that it is not active"


def test_a_location_narrows_the_choice_in_any_case(network: Observatory) -> None:
    found = eligibility(request(location={"telescope_class": "1m0", "site": "LSC"}), network, is_staff=False).places
    assert found
    assert {key.split(".")[0] for key in found} == {"lsc"}


def test_the_instrument_and_its_guide_camera_are_named(network: Observatory) -> None:
    place = next(iter(eligibility(request(), network, is_staff=False).places.values()))
    (chosen,) = place.configurations
    instrument = network.instrument(f"{place.telescope.key}.{chosen.instrument_name}")
    assert instrument is not None
    assert chosen.configuration == 5
    assert chosen.guide_camera_name in instrument.guide_camera_codes


def test_without_guiding_there_is_no_guide_camera(network: Observatory) -> None:
    place = next(iter(eligibility(request(guiding_config={"mode": "OFF"}), network, is_staff=False).places.values()))
    assert place.configurations[0].guide_camera_name == ""


def test_an_instrument_that_guides_itself_is_its_own_guide_camera(network: Observatory) -> None:
    place = next(iter(eligibility(request(extra_params={"self_guide": True}), network, is_staff=False).places.values()))
    assert place.configurations[0].guide_camera_name == place.configurations[0].instrument_name


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"instrument_type": "9M9-NONE"}, "9M9-NONE"),
        (
            {"instrument_configs": [{"exposure_time": 1, "exposure_count": 1, "optical_elements": {"filter": "xyz"}}]},
            "filter xyz",
        ),
        ({"guiding_config": {"mode": "ON", "optical_elements": {"filter": "xyz"}}}, "guide camera"),
    ],
)
def test_what_is_missing_is_said(network: Observatory, changes: dict[str, Any], reason: str) -> None:
    found = eligibility(request(**changes), network, is_staff=False)
    assert not found.places
    assert reason in found.reason


def test_a_location_without_a_telescope_in_service_is_said_so(network: Observatory) -> None:
    found = eligibility(request(location={"telescope_class": "1m0", "site": "xyz"}), network, is_staff=False)
    assert "site 'xyz'" in found.reason


def test_only_staff_with_a_full_location_may_use_an_instrument_that_is_not_in_normal_operation(
    network: Observatory,
) -> None:
    instrument = next(
        each
        for telescope in network.telescopes()
        for each in telescope.instruments
        if telescope.in_service
        and each.is_enabled
        and not each.is_schedulable
        and all(other.is_schedulable is False for other in telescope.instruments if other.type.code == each.type.code)
    )
    element = next(
        (
            (group.request_key, item.code)
            for camera in instrument.science_cameras
            for group in camera.optical_element_groups
            for item in group.elements
            if item.schedulable
        ),
        None,
    )
    asked = {
        "instrument_type": instrument.type.code,
        "guiding_config": {"mode": "OFF"},
        "instrument_configs": [
            {"exposure_time": 1, "exposure_count": 1, "optical_elements": dict([element]) if element else {}}
        ],
    }
    telescope = network.telescope(instrument.telescope_key)
    assert telescope is not None
    full = {
        "telescope_class": telescope.telescope_class,
        "site": telescope.site,
        "enclosure": telescope.enclosure,
        "telescope": telescope.code,
    }
    assert eligibility(request(location=full, **asked), network, is_staff=True).places
    assert not eligibility(request(location=full, **asked), network, is_staff=False).places
    partial = full | {"telescope": ""}
    assert telescope.key not in eligibility(request(location=partial, **asked), network, is_staff=True).places


def test_two_configurations_of_one_type_are_each_heeded(network: Observatory) -> None:
    """The reference keeps only the last one's optical elements."""
    two = request().model_copy(deep=True)
    other = two.configurations[0].model_copy(deep=True)
    other.instrument_configs[0].optical_elements = {"filter": "none such"}
    two.configurations = [other, two.configurations[0]]
    assert "none such" in eligibility(two, network, is_staff=False).reason
