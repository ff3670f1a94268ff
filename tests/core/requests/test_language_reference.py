"""The reference of the request language says what the program does."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import annotated_types
import pytest
from pydantic.fields import FieldInfo

from armillary.core.observatory import Observatory
from armillary.core.requests import model, submission
from armillary.core.requests.facts import Allocation, ProposalFacts, Semester, ValidationContext
from armillary.core.requests.model import SCHEME_FIELDS, TargetType
from armillary.core.requests.validation import check_request_group

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "request-language.md").read_text(encoding="utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
MODELS: dict[str, type[model.WireObject]] = {
    "RequestGroup": submission.SubmittedRequestGroup,
    "Request": submission.SubmittedRequest,
    "Location": model.Location,
    "Window": submission.SubmittedWindow,
    "Configuration": submission.SubmittedConfiguration,
    "InstrumentConfig": model.InstrumentConfig,
    "RegionOfInterest": model.RegionOfInterest,
    "AcquisitionConfig": model.AcquisitionConfig,
    "GuidingConfig": model.GuidingConfig,
    "Constraints": model.Constraints,
    "Target": model.Target,
}
INTERNAL = {"cadence"}


def rows(section: str) -> dict[str, list[str]]:
    """The table of a section's fields: cells by field."""
    lines = SECTIONS[section].splitlines()
    start = lines.index("| field | type | range | default | meaning |")
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        found[cells[0]] = cells
    return found


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", MODELS)
def test_every_field_is_documented_and_none_that_does_not_exist(name: str) -> None:
    fields = set(MODELS[name].model_fields) - MODELS[name].READ_ONLY - INTERNAL
    assert set(rows(name)) == fields


def limits(info: Any) -> tuple[Any, Any, Any]:
    """Lower bound, upper bound and longest text of an annotation, looked for inside of unions, too."""
    low = high = longest = None
    metadata = list(info.metadata) if isinstance(info, FieldInfo) else list(getattr(info, "__metadata__", ()))
    for item in metadata:
        inner = limits(item) if isinstance(item, FieldInfo) else (None, None, None)
        low = item.ge if isinstance(item, annotated_types.Ge) else inner[0] if inner[0] is not None else low
        high = item.le if isinstance(item, annotated_types.Le) else inner[1] if inner[1] is not None else high
        is_long = isinstance(item, annotated_types.MaxLen)
        longest = item.max_length if is_long else inner[2] if inner[2] is not None else longest
    for part in get_args(info.annotation if isinstance(info, FieldInfo) else info):
        inner = limits(part) if hasattr(part, "__metadata__") else (None, None, None)
        low, high, longest = (
            mine if mine is not None else theirs for mine, theirs in zip((low, high, longest), inner, strict=True)
        )
    return low, high, longest


@pytest.mark.parametrize("name", MODELS)
def test_every_range_is_the_one_that_is_checked(name: str) -> None:
    for field, cells in rows(name).items():
        low, high, longest = limits(MODELS[name].model_fields[field])
        if low is not None and high is not None:
            assert cells[2] == f"{low:g} to {high:g}", field
        elif low is not None:
            assert cells[2] == f"at least {low:g}", field
        elif high is not None:
            assert cells[2] == f"at most {high:g}", field
        elif longest is not None:
            assert cells[2] == f"at most {longest} characters", field
        else:
            assert not re.fullmatch(r"(at (least|most) )?-?\d+( to \d+| characters)?", cells[2]), field


def test_every_choice_is_named() -> None:
    assert rows("Configuration")["type"][2].split(", ") == list(model.CONFIGURATION_TYPES)
    assert rows("Target")["type"][2].split(", ") == list(get_args(TargetType))
    assert rows("Target")["scheme"][2].split(", ") == list(SCHEME_FIELDS)
    assert rows("RequestGroup")["observation_type"][2].split(", ") == list(model.OBSERVATION_TYPES)
    for scheme, fields in SCHEME_FIELDS.items():
        assert f"| {scheme} | {', '.join(fields)} |" in PAGE


@pytest.fixture
def context(small_observatory: Observatory) -> ValidationContext:
    types = ("0M6-IMAGER-CCD",)
    allocation = Allocation("2026B", types, std_allocation_h=10, ipp_limit_h=1, ipp_time_available_h=1)
    semester = Semester("2026B", datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
    return ValidationContext(
        small_observatory,
        now=datetime(2026, 11, 23, 12, tzinfo=UTC),
        semesters=[semester],
        proposal=ProposalFacts("P1", active=True, is_member=True, allocations=(allocation,)),
    )


def test_the_examples_are_accepted(context: ValidationContext) -> None:
    examples = blocks("json")
    assert examples
    for example in examples:
        assert check_request_group(json.loads(example), context).errors == {}


def test_the_refused_example_is_refused_in_these_words(context: ValidationContext) -> None:
    (refused,), (errors,) = blocks("json refused"), blocks("json errors")
    found = check_request_group(json.loads(refused), context).errors
    expected = json.loads(errors)["requests"][0]["configurations"][0]
    assert found["requests"][0]["configurations"][0] == expected
    assert json.loads(errors) == found


def test_the_example_of_an_own_rule_works(context: ValidationContext) -> None:
    from dataclasses import replace

    names: dict[str, Any] = {}
    (code,) = blocks("python")
    exec(code, names)  # noqa: S102  the page is ours
    ruled = replace(context, extra_rules=(names["no_long_exposures"],))
    body = json.loads(blocks("json")[0])
    assert check_request_group(body, ruled).errors == {}
    long = copy.deepcopy(body)
    long["requests"][0]["configurations"][0]["instrument_configs"][0]["exposure_time"] = 700
    assert check_request_group(long, ruled).errors == {
        "non_field_errors": ["Exposures last at most 600 s here, not 700 s; take more of them."]
    }
    assert check_request_group(long, replace(ruled, is_staff=True)).errors == {}
