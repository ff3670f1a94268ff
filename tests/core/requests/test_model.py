"""Reading values as the wire has always been read. Truth: the portal's specification, sections 1.0 and 3.0."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from armillary.core.requests.instants import parse_time
from armillary.core.requests.model import (
    Configuration,
    GuidingConfig,
    InstrumentConfig,
    Request,
    required_target_fields,
    target_fields,
)
from armillary.core.requests.validation.refusals import merged, refuse


# "true"/"True" -> true, numbers and numeric texts -> int if integral else float, the rest as it came: section 3.0
@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("true", True),
        ("False", False),
        ("2", 2),
        ("2.0", 2),
        (2.0, 2),
        ("2.5", 2.5),
        (None, None),
        (True, True),
        ("slow", "slow"),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ([1], [1]),
    ],
)
def test_extra_params_say_by_their_text_what_they_are(given: Any, read: Any) -> None:
    config = InstrumentConfig(exposure_time=1.0, exposure_count=1, extra_params={"x": given})
    assert config.extra_params["x"] == read
    assert type(config.extra_params["x"]) is type(read)


@pytest.mark.parametrize("word", ["true", "on", "1", "Yes", True])
def test_forms_say_truth_in_words(word: Any) -> None:
    assert GuidingConfig(optional=word).optional is True


def test_numbers_may_be_texts() -> None:
    config = InstrumentConfig.model_validate({"exposure_time": "1.5", "exposure_count": "2.0", "mode": 7})
    assert (config.exposure_time, config.exposure_count, config.mode) == (1.5, 2, "7")


@pytest.mark.parametrize("count", [True, "two", 1.5, 0])
def test_a_count_is_a_whole_number_of_at_least_one(count: Any) -> None:
    with pytest.raises(ValidationError):
        InstrumentConfig.model_validate({"exposure_time": 1.0, "exposure_count": count})


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T12:00:00Z",
        "2026-11-23T12:00",
        "2026-11-23 12:00:00",
        "2026-11-23T13:00:00+01:00",
        "2026-11-23T06:30:00.000-05:30",
        "2026-11-23T12:00:00.000000999Z",
    ],
)
def test_a_moment_is_read_in_any_offset_and_is_utc_without(text: str) -> None:
    assert parse_time(text) == datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-23", "soon", "2026-13-01T00:00:00", "0001-01-01T00:00:00+10:00", ""])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Datetime has wrong format"):
        parse_time(text)


def test_details_may_have_null_for_what_was_never_made() -> None:
    document = {"instrument_type": "X", "type": "EXPOSE", "constraints": None, "guiding_config": None, "target": {}}
    configuration = Configuration.model_validate(document)
    assert configuration.constraints.max_airmass == 1.6
    assert configuration.target is None
    assert Request.model_validate({"location": {}}).location is None


def test_each_type_of_target_has_its_fields() -> None:
    for kind, scheme in [("ICRS", None), ("SATELLITE", None), ("TLE", None), ("ORBITAL_ELEMENTS", "MPC_COMET")]:
        assert set(required_target_fields(kind, scheme)) < set(target_fields(kind, scheme))
    assert target_fields("ORBITAL_ELEMENTS", "MPC_COMET")[-3:] == ("argofperih", "perihdist", "epochofperih")


def test_refusals_from_two_sides_are_joined() -> None:
    first = {"windows": [{}, {"end": ["a"]}], "name": ["b"], "target": {"ra": ["c"]}}
    second = {"windows": [{"end": ["d"]}], "name": ["b", "e"], "target": {"dec": ["f"]}}
    assert merged(first, second) == {
        "windows": [{"end": ["d"]}, {"end": ["a"]}],
        "name": ["b", "e"],
        "target": {"ra": ["c"], "dec": ["f"]},
    }


def test_a_sentence_joins_what_is_refused_inside() -> None:
    errors: dict[str, Any] = {"location": {"site": ["a"]}}
    refuse(errors, "b", "location")
    refuse(errors, "c")
    refuse(errors, "d")
    assert errors == {"location": {"non_field_errors": ["b"], "site": ["a"]}, "non_field_errors": ["c", "d"]}
