"""The front door as a whole: one answer for everything that is wrong. Truth: the portal's specification, section 3."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armillary.core.requests.validation import (
    ValidationContext,
    check,
    check_request_group,
    parse,
)

Body = dict[str, Any]
Change = Callable[..., Body]

CONFIGURATION = "requests.0.configurations.0"


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


# --- the common path ---


def test_a_good_group_comes_back_with_the_observatorys_defaults(group_body: Body, context: ValidationContext) -> None:
    checked = check_request_group(group_body, context)
    assert checked.errors == {}
    assert checked.document is not None
    configuration = checked.document["requests"][0]["configurations"][0]
    assert configuration["instrument_configs"][0]["mode"] == "full_1x1"
    assert configuration["instrument_configs"][0]["extra_params"] == {"bin_x": 1, "bin_y": 1}
    assert configuration["guiding_config"]["mode"] == "ON"
    assert configuration["acquisition_config"]["mode"] == "OFF"
    assert configuration["target"]["epoch"] == 2000.0
    assert configuration["priority"] == 1
    assert checked.document["requests"][0]["acceptability_threshold"] == 90.0


def test_the_validate_answer_tells_seconds_and_the_longest_view(group_body: Body, context: ValidationContext) -> None:
    durations = check_request_group(group_body, context).request_durations
    # 2 x (30 + 14 readout + 1); + 10 padding; + 4 filter + 45 instrument change + 100 front padding
    assert durations["requests"][0]["configurations"] == [
        {"instrument_configs": [{"duration": 90.0}], "duration": 100.0}
    ]
    assert durations["duration"] == durations["requests"][0]["duration"] == 249
    assert durations["requests"][0]["largest_interval"] > 3600


def test_what_is_accepted_is_accepted_again(group_body: Body, context: ValidationContext) -> None:
    once = check_request_group(group_body, context)
    again = check_request_group(once.document, context)
    assert again.errors == {}
    assert again.document == once.document


def test_a_model_is_checked_like_a_body(group_body: Body, context: ValidationContext) -> None:
    group, errors = parse(group_body)
    assert errors == {}
    assert group is not None
    assert check(group, context=context) == {}
    assert "ipp_value must be" in words(check(group.model_copy(update={"ipp_value": 9.0}), context=context))[0]


def test_the_body_is_not_changed(group_body: Body, context: ValidationContext) -> None:
    before = copy.deepcopy(group_body)
    check_request_group(group_body, context)
    assert group_body == before


def test_keys_of_the_server_are_ignored_whatever_they_hold(group_body: Body, context: ValidationContext) -> None:
    spoofed = {**group_body, "submitter": "admin", "submitter_id": 1, "state": "COMPLETED", "id": "x", "created": 5}
    spoofed["requests"][0] |= {"id": [], "duration": "long", "state": 3}
    document = check_request_group(spoofed, context).document
    assert document is not None
    assert {"submitter", "submitter_id", "state", "id", "created"}.isdisjoint(document)
    assert {"id", "duration", "state"}.isdisjoint(document["requests"][0])


# --- every mistake at once, on the field that is wrong ---


def test_mistakes_of_every_level_come_in_one_answer(group_body: Body, context: ValidationContext) -> None:
    body = {**group_body, "ipp_value": 7.0}
    request = body["requests"][0]
    request["location"] = {"telescope_class": "9m9"}
    request["windows"][0]["end"] = "2026-11-20T00:00:00Z"
    configuration = request["configurations"][0]
    configuration["target"] |= {"ra": 400.0}
    good = copy.deepcopy(configuration)
    good["target"]["ra"] = 10.0
    good["instrument_configs"][0]["optical_elements"] = {"filter": "ultraviolet"}
    request["configurations"].append(good)
    errors = check_request_group(body, context).errors
    assert at(errors, f"{CONFIGURATION}.target.ra") == ["Ensure this value is less than or equal to 360.0."]
    assert "filter is not available" in words(at(errors, "requests.0.configurations.1"))[0]
    assert "is not a valid choice" in words(at(errors, "requests.0.location.telescope_class"))[0]
    assert at(errors, "requests.0.windows.0.end") == ["Window end time must be in the future"]
    assert "ipp_value must be" in words(errors["non_field_errors"])[0]


# the words are Django REST Framework's, as the specification, section 1.0, and the recordings have them
@pytest.mark.parametrize(
    ("path", "value", "place", "message"),
    [
        ("name", ..., "name", "This field is required."),
        ("name", "", "name", "Please provide a name."),
        ("name", "x" * 51, "name", "Ensure this field has no more than 50 characters."),
        ("name", ["x"], "name", "Not a valid string."),
        ("proposal", None, "proposal", "Please provide a proposal."),
        ("proposal", "ZZ", "proposal", 'Invalid pk "ZZ" - object does not exist.'),
        ("operator", "ONEOF", "operator", '"ONEOF" is not a valid choice.'),
        ("observation_type", {}, "observation_type", '"{}" is not a valid choice.'),
        ("ipp_value", "much", "ipp_value", "A valid number is required."),
        ("ipp_value", float("nan"), "ipp_value", "A valid number is required."),
        ("requests", "x", "requests.non_field_errors", 'Expected a list of items but got type "str".'),
        ("requests", None, "requests", "This field may not be null."),
        ("requests.0", 5, "requests.0.non_field_errors", "Invalid data. Expected a dictionary, but got int."),
        ("requests.0.location", None, "requests.0.location", "This field may not be null."),
        ("requests.0.windows", ..., "requests.0.windows", "This field is required."),
        ("requests.0.windows.0", None, "requests.0.windows.0", "This field may not be null."),
        ("requests.0.windows.0.start", "soon", "requests.0.windows.0.start", "Datetime has wrong format."),
        (
            "requests.0.windows.0.start",
            "2026-11-31T00:00:00Z",
            "requests.0.windows.0.start",
            "Datetime has wrong format.",
        ),
        ("requests.0.configuration_repeats", True, "requests.0.configuration_repeats", "A valid integer is required."),
        (f"{CONFIGURATION}.target", None, f"{CONFIGURATION}.target", "This field may not be null."),
        (f"{CONFIGURATION}.target.dec", ..., f"{CONFIGURATION}.target.dec", "This field is required"),
        (f"{CONFIGURATION}.target.name", "", f"{CONFIGURATION}.target.name", "Please provide a name."),
        (f"{CONFIGURATION}.target.type", "BLAH", f"{CONFIGURATION}.target.type", '"BLAH" is not a valid choice.'),
        (f"{CONFIGURATION}.extra_params", [], f"{CONFIGURATION}.extra_params", "Expected a dictionary of items"),
        (f"{CONFIGURATION}.extra_params", None, f"{CONFIGURATION}.extra_params", "This field may not be null."),
        (
            f"{CONFIGURATION}.constraints.max_airmass",
            0.5,
            f"{CONFIGURATION}.constraints.max_airmass",
            "greater than or",
        ),
        (f"{CONFIGURATION}.instrument_type", "9M9", f"{CONFIGURATION}.instrument_type", "Invalid instrument type 9M9."),
        (f"{CONFIGURATION}.instrument_type", True, f"{CONFIGURATION}.instrument_type", "Not a valid string."),
        (f"{CONFIGURATION}.acquisition_config", ..., f"{CONFIGURATION}.acquisition_config", "This field is required."),
    ],
)
def test_what_cannot_be_read_is_refused_in_the_words_of_the_wire(
    group_body: Body, context: ValidationContext, with_change: Change, path: str, value: Any, place: str, message: str
) -> None:
    errors = check_request_group(with_change(group_body, path, value), context).errors
    assert words(at(errors, place))[0].startswith(message) or message in words(at(errors, place))[0]


# --- whatever comes ---

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PATHS = [
    "name",
    "proposal",
    "requests",
    "requests.0",
    "requests.0.location",
    "requests.0.windows",
    "requests.0.windows.0.end",
    "requests.0.configurations",
    "requests.0.extra_params",
    CONFIGURATION,
    f"{CONFIGURATION}.target",
    f"{CONFIGURATION}.target.ra",
    f"{CONFIGURATION}.constraints",
    f"{CONFIGURATION}.extra_params",
    f"{CONFIGURATION}.guiding_config",
    f"{CONFIGURATION}.instrument_configs",
    f"{CONFIGURATION}.instrument_configs.0.optical_elements",
    f"{CONFIGURATION}.instrument_configs.0.extra_params",
    f"{CONFIGURATION}.instrument_configs.0.rois",
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS), value=JUNK)
def test_no_body_is_too_strange_to_answer(
    group_body: Body, context: ValidationContext, with_change: Change, path: str, value: Any
) -> None:
    checked = check_request_group(with_change(group_body, path, value), context)
    assert bool(checked.errors) is (checked.document is None)
    assert all(isinstance(word, str) for word in words(checked.errors))
    json.dumps(checked.errors)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JUNK)
def test_what_is_no_group_at_all_is_refused(context: ValidationContext, body: Any) -> None:
    assert check_request_group(body, context).errors
    assert parse(body)[0] is None


@pytest.mark.parametrize("with_windows", [True, False])
def test_a_cadence_is_sent_to_the_endpoint_that_expands_it(
    group_body: Body, context: ValidationContext, *, with_windows: bool
) -> None:
    cadence = {"start": "2026-11-23T18:00:00Z", "end": "2026-11-25T18:00:00Z", "period": 24, "jitter": 6}
    (request,) = group_body["requests"]
    request["cadence"] = cadence
    if not with_windows:
        del request["windows"]
    refused = at(check_request_group(group_body, context).errors, "requests.0")
    assert "cadence endpoint" in refused["cadence"][0]
    assert ("windows" in refused) is not with_windows
