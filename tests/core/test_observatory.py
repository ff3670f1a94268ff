from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from armillary.core.observatory import Observatory, ObservatoryError, riseset_site, telescope_class


@pytest.fixture
def sites(examples: Path) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads((examples / "small_observatory.json").read_text())["results"]
    return results


# floor of the metres, "m", tenths: configdb-and-downtime specification, section 13
@pytest.mark.parametrize(
    ("aperture_m", "expected"), [(0.4, "0m4"), (1.0, "1m0"), (2.0, "2m0"), (0.6, "0m6"), (3.6, "3m6"), (0.96, "1m0")]
)
def test_the_class_of_a_telescope_is_its_aperture_in_metres_and_tenths(aperture_m: float, expected: str) -> None:
    assert telescope_class(aperture_m) == expected


def test_the_network_has_the_telescopes_and_types_that_its_readme_counts(network: Observatory) -> None:
    assert len(network.sites) == 7
    assert len(network.telescopes()) == 23
    assert sorted(network.telescope_classes()) == ["0m4", "1m0", "2m0"]
    instruments = [item for telescope in network.telescopes() for item in telescope.instruments]
    assert len(instruments) == 32
    assert sum(item.is_schedulable for item in instruments) == 28


def test_a_telescope_is_found_by_its_key_in_any_case(small_observatory: Observatory) -> None:
    telescope = small_observatory.telescope("EXH.doma.0M6A")
    assert telescope is not None
    assert telescope.key == "exh.doma.0m6a"
    assert telescope.telescope_class == "0m6"
    assert small_observatory.telescope("exh.doma") is None


def test_a_telescope_out_of_service_takes_no_requests_but_is_still_known(network: Observatory) -> None:
    assert network.telescope("cpt.domc.1m0a") is not None
    assert "cpt.domc.1m0a" not in [item.key for item in network.telescopes_at("cpt")]
    assert "cpt.domc.1m0a" in [item.key for item in network.telescopes_at("cpt", in_service_only=False)]


def test_only_schedulable_instruments_are_offered_unless_asked_otherwise(network: Observatory) -> None:
    ordinary = {item.key for item in network.instruments()}
    everything = {item.key for item in network.instruments(include_unschedulable=True)}
    assert ordinary < everything
    assert all(network.instrument(key).is_enabled for key in everything)  # type: ignore[union-attr]  # keys come from it


def test_elements_of_all_cameras_of_a_type_are_united(recorded_observatory: Observatory) -> None:
    groups = recorded_observatory.optical_element_groups("2M0-SCICAM-MUSCAT")
    assert sorted(groups) == [f"narrowband_{band}_positions" for band in "girz"]
    assert groups["narrowband_g_positions"].request_key == "narrowband_g_position"
    assert groups["narrowband_g_positions"].element("IN") is not None


def test_instrument_types_are_found_in_any_case(small_observatory: Observatory) -> None:
    found = small_observatory.instrument_type("0m6-imager-ccd")
    assert found is not None
    assert found.code == "0M6-IMAGER-CCD"
    assert found.readout_overhead_s("FULL_2X2") == 6.0
    assert found.readout_overhead_s("never heard of") == 14.0  # the group's default, full_1x1


def test_a_missing_maximum_of_slews_counts_as_zero(small_observatory: Observatory) -> None:
    # "maximum_slew_overhead (absent from configdb; taken as 0)": configdb-and-downtime specification, section 13
    assert small_observatory.telescopes()[0].maximum_slew_overhead_s == 0.0


def test_the_rise_set_site_carries_the_limits_of_the_telescope(small_observatory: Observatory) -> None:
    site = riseset_site(small_observatory.telescopes()[0])
    assert (site.latitude_deg, site.longitude_deg, site.elevation_m) == (37.2236, -2.5464, 2150)
    assert (site.horizon_deg, site.ha_limit_neg_h, site.ha_limit_pos_h) == (20.0, -5.0, 5.0)


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("code",), ..., r"results\[0\]\.code: missing"),
        (("enclosure_set", 0, "telescope_set", 0, "horizon"), ..., r"telescope_set\[0\]\.horizon: missing"),
        (("enclosure_set", 0, "telescope_set", 0, "horizon"), "low", r"horizon: expected a number, got 'low'"),
        (("enclosure_set", 0, "telescope_set", 0, "lat"), 91.0, r"telescope_set\[0\]: .*latitude"),
        (("enclosure_set", 0, "telescope_set", 0, "instrument_set", 0, "state"), "BROKEN", r"expected one of DISABLED"),
        (("enclosure_set",), {}, r"enclosure_set: expected a list"),
        (("active",), "yes", r"active: expected true or false"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(
    sites: list[dict[str, Any]], path: tuple[str | int, ...], value: Any, complaint: str
) -> None:
    changed: Any = copy.deepcopy(sites)
    holder = changed[0]
    for part in path[:-1]:
        holder = holder[part]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    with pytest.raises(ObservatoryError, match=complaint):
        Observatory.from_sites(changed)


def test_unknown_keys_change_nothing(sites: list[dict[str, Any]]) -> None:
    extended = [{**site, "weather": "fine", "__str__": "?"} for site in sites]
    assert Observatory.from_sites(extended) == Observatory.from_sites(sites)
