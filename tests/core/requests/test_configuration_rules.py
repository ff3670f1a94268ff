"""Rules for configurations and targets. Truth: the portal's specification, sections 3.4 and 3.5."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from armillary.core.observatory import Observatory
from armillary.core.requests.validation import (
    ValidationContext,
    check_configuration,
    check_direct_request,
)

Body = dict[str, Any]
Change = Callable[..., Body]


def words(errors: Any) -> list[str]:
    """Every sentence of a refusal."""
    if isinstance(errors, str):
        return [errors]
    parts = errors.values() if isinstance(errors, dict) else errors
    return [word for part in parts for word in words(part)]


def at(errors: Any, path: str) -> Any:
    """What is refused at a path."""
    for part in path.split("."):
        errors = errors[int(part) if part.isdigit() else part]
    return errors


# --- what an instrument can do ---


# section 3.4, with its tokens; Appendix A: what made the reference fail (500) is refused
@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "type",
            "SPECTRUM",
            "configuration type SPECTRUM is not valid for instrument type 0M6-IMAGER-CCD; choose from EXP",
        ),
        ("type", "SKY_FLAT", "configuration type SKY_FLAT is not schedulable for instrument type"),
        ("type", "SCRIPT", "Must specify a script_name"),
        (
            "guiding_config.mode",
            "MAYBE",
            "Guiding mode MAYBE is not available for instrument type 0M6-IMAGER-CCD; choose",
        ),
        ("acquisition_config.mode", "WCS", "Acquisition mode WCS is not available"),
        ("instrument_configs.0.mode", "fast_4x4", "Readout mode fast_4x4 is not available"),
        ("instrument_configs.0.optical_elements", {}, "Must set optical element of type filter"),
        (
            "instrument_configs.0.optical_elements.filter",
            "ultraviolet",
            "optical element ultraviolet of type filter is not",
        ),
        ("instrument_configs.0.optical_elements.filter", 7, "optical element 7 of type filter is not available"),
        ("instrument_configs.0.optical_elements.prism", "a", "optical_element of type prism is not available on"),
        ("instrument_configs.0.rois", [{}], "at least one bound"),
        ("instrument_configs.0.rois", [{"x1": 5, "x2": 4}], "start must be less than pixels end"),
        ("instrument_configs.0.rois", [{"x2": 5000}], "must be in range 0<=x<=4096 and 0<=y<=4096"),
        ("instrument_configs.0.rois", [{"x1": 1}] * 3, "supports up to 2 regions of interest"),
        ("repeat_duration", 60.0, "You may only specify a repeat_duration for REPEAT_*"),
        ("extra_params.dither_pattern", "line", "no instrument_config has offset_ra"),
    ],
)
def test_what_the_instrument_cannot_do_is_refused_with_what_it_can(
    configuration_body: Body, context: ValidationContext, with_change: Change, path: str, value: Any, message: str
) -> None:
    configuration_body["extra_params"] = {}
    checked = check_configuration(with_change(configuration_body, path, value), context)
    assert any(message in word for word in words(checked.errors["non_field_errors"]))


def test_modes_and_elements_are_found_in_any_case(configuration_body: Body, context: ValidationContext) -> None:
    config = configuration_body["instrument_configs"][0]
    config |= {"mode": "FULL_2X2", "optical_elements": {"filter": "RP"}}
    document = check_configuration(configuration_body | {"instrument_type": "0m6-imager-ccd"}, context).document
    assert document is not None
    assert document["instrument_type"] == "0M6-IMAGER-CCD"
    assert document["instrument_configs"][0]["optical_elements"] == {"filter": "rp"}
    assert document["instrument_configs"][0]["extra_params"] == {"bin_x": 2, "bin_y": 2}


def test_a_repeat_must_be_long_enough_to_happen_once(configuration_body: Body, context: ValidationContext) -> None:
    repeating = configuration_body | {"type": "REPEAT_EXPOSE"}
    assert "Must specify a repeat_duration" in words(check_configuration(repeating, context).errors)[0]
    short = check_configuration(repeating | {"repeat_duration": 89.0}, context)
    assert "less than the minimum of 90.0" in words(short.errors)[0]
    assert check_configuration(repeating | {"repeat_duration": 90.0}, context).ok


def test_offsets_without_a_pattern_are_a_custom_dither(configuration_body: Body, context: ValidationContext) -> None:
    configuration_body["instrument_configs"][0]["extra_params"] = {"offset_ra": "1.5"}
    document = check_configuration(configuration_body, context).document
    assert document is not None
    assert document["extra_params"] == {"dither_pattern": "custom"}
    assert document["instrument_configs"][0]["extra_params"]["offset_ra"] == 1.5


# --- schemas of the observatory ---


def _with_schema(observatory: Observatory, schema: Body) -> Observatory:
    """The small observatory whose imager has another rule."""
    site, enclosure = observatory.sites[0], observatory.sites[0].enclosures[0]
    telescope = enclosure.telescopes[0]
    instruments = tuple(
        dataclasses.replace(item, type=dataclasses.replace(item.type, validation_schema=schema))
        for item in telescope.instruments
    )
    telescope = dataclasses.replace(telescope, instruments=instruments)
    enclosure = dataclasses.replace(enclosure, telescopes=(telescope,))
    return Observatory((dataclasses.replace(site, enclosures=(enclosure,)),))


@pytest.mark.parametrize(
    ("schema", "place", "message"),
    [
        ({"target": {"type": "dict", "schema": {"dec": {"max": 20.0}}}}, "target.dec", "max value is 20.0"),
        ({"extra_params": {"type": "dict", "schema": {"x": {"required": True}}}}, "extra_params.x", "required field"),
        # the reference drops such a configuration without a word (13.1, S13)
        ({"type": {"allowed": ["STANDARD"]}}, "type", "unallowed value EXPOSE"),
        (
            {"constraints": {"type": "dict", "schema": {"max_airmass": {"max": 1.5}}}},
            "constraints.max_airmass",
            "max value",
        ),
    ],
)
def test_an_instrument_types_schema_sees_the_whole_configuration(
    configuration_body: Body, context: ValidationContext, schema: Body, place: str, message: str
) -> None:
    ruled = dataclasses.replace(context, observatory=_with_schema(context.observatory, schema))
    assert message in words(at(check_configuration(configuration_body, ruled).errors, place))[0]


def test_a_schema_sees_defaults_that_were_not_written(configuration_body: Body, context: ValidationContext) -> None:
    schema = {"constraints": {"type": "dict", "schema": {"max_airmass": {"min": 2.0}}}}
    ruled = dataclasses.replace(context, observatory=_with_schema(context.observatory, schema))
    errors = check_configuration(configuration_body | {"constraints": {}}, ruled).errors
    assert at(errors, "constraints.max_airmass") == ["min value is 2.0"]


def test_a_schema_fills_defaults_and_bears_notes_for_forms(
    configuration_body: Body, context: ValidationContext
) -> None:
    rule = {"default": 3, "label": "Depth", "description": "How deep", "show": True}
    schema = {"extra_params": {"type": "dict", "schema": {"depth": rule}}}
    ruled = dataclasses.replace(context, observatory=_with_schema(context.observatory, schema))
    assert check_configuration(configuration_body, ruled).document["extra_params"] == {"depth": 3}  # type: ignore[index]  # accepted


def test_a_schema_of_exposures_is_refused_at_the_exposure(configuration_body: Body, context: ValidationContext) -> None:
    configs = [copy.deepcopy(configuration_body["instrument_configs"][0]) for _ in range(3)]
    configs[1]["extra_params"] = {"defocus": 9.5}
    errors = check_configuration(configuration_body | {"instrument_configs": configs}, context).errors
    # padded with {} up to the last wrong one: specification, section 3.4
    assert errors == {"instrument_configs": [{}, {"extra_params": {"defocus": ["max value is 3.0"]}}]}


# --- targets ---

ORBIT = {
    "type": "ORBITAL_ELEMENTS",
    "name": "Eros",
    "epochofel": 60000.0,
    "orbinc": 10.83,
    "longascnode": 304.3,
    "eccentricity": 0.2228,
    "argofperih": 178.9,
    "meandist": 1.4582,
    "meananom": 310.5,
    "longofperih": 123.2,
    "meanlong": 73.7,
    "dailymot": 0.5597,
    "perihdist": 1.133,
    "epochofperih": 60080.0,
}


@pytest.mark.parametrize(
    "scheme",
    [
        "ASA_MAJOR_PLANET",
        "ASA_MINOR_PLANET",
        "ASA_COMET",
        "JPL_MAJOR_PLANET",
        "JPL_MINOR_PLANET",
        "MPC_MINOR_PLANET",
        "MPC_COMET",
    ],
)
def test_every_scheme_of_elements_is_taken_with_its_own_fields(
    configuration_body: Body, context: ValidationContext, scheme: str
) -> None:
    target = ORBIT | {"scheme": scheme}
    document = check_configuration(configuration_body | {"target": target}, context).document
    assert document is not None
    kept = set(document["target"])
    assert ("meandist" in kept) is (
        scheme in {"ASA_MAJOR_PLANET", "ASA_MINOR_PLANET", "JPL_MAJOR_PLANET", "MPC_MINOR_PLANET"}
    )
    assert ("dailymot" in kept) is ("MAJOR" in scheme)
    assert ("epochofperih" in kept) is (scheme in {"ASA_COMET", "MPC_COMET", "JPL_MINOR_PLANET"})


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"scheme": "MPC_COMET", "perihdist": None}, "perihdist", "This field is required"),
        ({"scheme": None}, "scheme", "This field is required"),
        ({"scheme": "MPC_MINOR_PLANET", "eccentricity": 0.95}, "scheme", "requires eccentricity to be lower"),
        ({"scheme": "MPC_MINOR_PLANET", "meandist": -1.0}, "scheme", ""),
        ({"scheme": "MPC_MINOR_PLANET", "epochofel": 5.0}, "epochofel", "greater than or equal to 10000.0"),
    ],
)
def test_elements_that_are_no_orbit_are_refused(
    configuration_body: Body, context: ValidationContext, changes: Body, place: str, message: str
) -> None:
    errors = check_configuration(configuration_body | {"target": ORBIT | changes}, context).errors
    assert message in words(at(errors, f"target.{place}"))[0]


def test_fields_of_other_types_are_dropped(configuration_body: Body, context: ValidationContext) -> None:
    configuration_body["target"] |= {"scheme": "MPC_COMET", "altitude": 5.0}
    document = check_configuration(configuration_body, context).document
    assert document is not None
    assert {"scheme", "altitude"}.isdisjoint(document["target"])


# https://en.wikipedia.org/wiki/Two-line_element_set (ISS, 2008)
ISS = {
    "type": "TLE",
    "name": "ISS",
    "line1": "1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927",
    "line2": "2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537",
}


def test_a_satellite_by_its_two_lines_is_a_target(configuration_body: Body, context: ValidationContext) -> None:
    assert check_configuration(configuration_body | {"target": ISS}, context).ok
    mistyped = ISS | {"line1": ISS["line1"].replace("08264", "08265")}
    errors = check_configuration(configuration_body | {"target": mistyped}, context).errors
    assert "checksum" in words(errors["target"]["line1"])[0].lower()


# --- direct submissions ---


def test_a_direct_request_is_taken_as_its_author_writes_it(
    context: ValidationContext, configuration_body: Body
) -> None:
    configuration = configuration_body | {"type": "BIAS", "target": {"type": "ICRS", "name": "nothing"}}
    checked = check_direct_request({"configurations": [configuration]}, context, telescope="exh.doma.0m6a")
    assert checked.errors == {}
    assert checked.document is not None
    assert "location" not in checked.document
    elsewhere = check_direct_request({"configurations": [configuration]}, context, telescope="exh.doma.1m0a")
    assert "is not available at exh.doma.1m0a" in words(elsewhere.errors)[0]
    lost = configuration | {"type": "EXPOSE"}
    refused = check_direct_request({"configurations": [lost]}, context, telescope="exh.doma.0m6a").errors
    assert sorted(refused["configurations"][0]["target"]) == ["dec", "ra"]
