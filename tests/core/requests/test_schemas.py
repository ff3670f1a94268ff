from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from armillary.core.observatory.dialect import ConfigurationValidator
from armillary.core.requests.validation.schemas import apply_schema

SCHEMA: dict[str, Any] = {
    "bin_x": {"type": "integer", "allowed": [1, 2], "default": 1},
    "extra_params": {"type": "dict", "schema": {"defocus": {"type": "float", "min": -5.0, "max": 5.0}}},
}


def test_defaults_are_filled_in_and_the_document_stays_as_it_was() -> None:
    document = {"extra_params": {"defocus": 2.5}}
    for _ in range(2):
        assert apply_schema(SCHEMA, document) == ({"bin_x": 1, "extra_params": {"defocus": 2.5}}, {})
    assert document == {"extra_params": {"defocus": 2.5}}


def test_what_is_refused_is_named_each_time_and_changes_nothing() -> None:
    document = {"bin_x": 3}
    for _ in range(2):
        assert apply_schema(SCHEMA, document) == (document, {"bin_x": ["unallowed value 3"]})


@pytest.mark.parametrize("kind", ["integer", "float", "boolean", "string"])
def test_values_that_only_look_alike_are_told_apart(kind: str) -> None:
    schema = {"count": {"type": kind}}
    for value in (True, 1, 1.0, "1", "True"):
        filled, errors = apply_schema(schema, {"count": value})
        assert bool(errors) != ConfigurationValidator(schema).validate({"count": value}), value
        assert type(filled["count"]) is type(value)


def test_nobody_can_change_what_others_are_given() -> None:
    first, _ = apply_schema(SCHEMA, {"extra_params": {}})
    first["extra_params"]["defocus"] = 99.0
    assert apply_schema(SCHEMA, {"extra_params": {}})[0] == {"bin_x": 1, "extra_params": {}}


def test_a_document_that_is_no_json_is_judged_too() -> None:
    document = {"bin_x": 2, "at": datetime(2026, 1, 1, tzinfo=UTC), "both": (1, 2)}
    assert apply_schema(SCHEMA, copy.deepcopy(document)) == (document, {})


def test_equal_looking_schemas_of_two_snapshots_are_not_mistaken_for_each_other() -> None:
    stricter = copy.deepcopy(SCHEMA)
    stricter["bin_x"]["allowed"] = [1]
    assert apply_schema(SCHEMA, {"bin_x": 2})[1] == {}
    assert apply_schema(stricter, {"bin_x": 2})[1] == {"bin_x": ["unallowed value 2"]}


def test_a_schema_that_is_none_is_told_to_who_asks_and_not_a_failure() -> None:
    document = {"bin_x": 1}
    filled, errors = apply_schema({"bin_x": {"type": "nothing known"}}, document)
    assert filled == document
    assert "tell its operators" in errors["non_field_errors"][0]
