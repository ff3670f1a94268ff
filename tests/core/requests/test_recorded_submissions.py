"""Submissions that were recorded from the reference portal, and what it answered."""

from __future__ import annotations

import copy
import dataclasses
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from armillary.core.observatory import Observatory
from armillary.core.requests.validation import (
    Allocation,
    ProposalFacts,
    Semester,
    ValidationContext,
    check_request_group,
)
from armillary.core.requests.wire import complete_document, detailed_request_group

Body = dict[str, Any]

RECORDED: list[Body] = json.loads((Path(__file__).parent.parent / "data" / "recorded_submissions.json").read_text())
SET_BY_THE_SERVER = {"id", "created", "modified", "submitter", "duration"}


def words(errors: Any) -> list[str]:
    """Every sentence of a refusal."""
    if isinstance(errors, str):
        return [errors]
    parts = errors.values() if isinstance(errors, dict) else errors
    return [word for part in parts for word in words(part)]


# --- recorded answers ---


def recorded_context(item: Body, observatory: Observatory) -> ValidationContext:
    moments = [[name, *map(datetime.fromisoformat, span)] for name, *span in item["semesters"]]
    facts = copy.deepcopy(item["proposal"])
    if facts:
        facts["allocations"] = tuple(Allocation(**allocation) for allocation in facts["allocations"])
        facts = ProposalFacts(**facts)
    now = datetime.fromisoformat(item["now"])
    return ValidationContext(observatory, now, [Semester(*row) for row in moments], item["is_staff"], facts)


def places(errors: Any, path: str = "") -> set[str]:
    """The paths at which something is refused."""
    if isinstance(errors, dict):
        return {place for key, value in errors.items() for place in places(value, f"{path}.{key}")}
    if isinstance(errors, list) and not all(isinstance(item, str) for item in errors):
        return {place for index, value in enumerate(errors) for place in places(value, f"{path}[{index}]")}
    return {path} if errors else set()


@pytest.mark.parametrize("item", [item for item in RECORDED if item["errors"]], ids=lambda item: item["test"])
def test_what_the_reference_refused_is_refused_at_the_same_place(item: Body, recorded_observatory: Observatory) -> None:
    checked = check_request_group(item["body"], recorded_context(item, recorded_observatory))
    assert checked.document is None
    assert places(checked.errors) == places(item["errors"])


@pytest.mark.parametrize("item", [item for item in RECORDED if "answer" in item], ids=lambda item: item["test"])
def test_what_the_reference_accepted_is_accepted_with_the_same_defaults(
    item: Body, recorded_observatory: Observatory
) -> None:
    checked = check_request_group(item["body"], recorded_context(item, recorded_observatory))
    assert checked.errors == {}
    ours = detailed_request_group(complete_document(checked.group))
    assert _without_server_keys(ours) == _without_server_keys(item["answer"])
    assert [duration.seconds for duration in checked.durations] == [
        request["duration"] for request in item["answer"]["requests"]
    ]


def _without_server_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_server_keys(item) for key, item in value.items() if key not in SET_BY_THE_SERVER}
    return [_without_server_keys(item) for item in value] if isinstance(value, list) else value


# --- staff ---
@pytest.mark.parametrize(
    ("is_staff", "full", "accepted"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_staff_with_a_full_location_may_use_what_is_not_in_operation(
    recorded_observatory: Observatory, is_staff: bool, full: bool, accepted: bool
) -> None:
    body = next(item for item in RECORDED if item["errors"] == {} and len(item["body"]["requests"]) == 1)
    context = dataclasses.replace(recorded_context(body, recorded_observatory), is_staff=is_staff)
    group = copy.deepcopy(body["body"])
    place = {"telescope_class": "1m0", "site": "tst", "enclosure": "domc"} | ({"telescope": "1m0a"} if full else {})
    group["requests"][0]["location"] = place
    group["requests"][0]["configurations"][0]["instrument_type"] = "1M0-SCICAM-SBIG"
    errors = words(check_request_group(group, context).errors)
    assert any("Invalid instrument type" in word for word in errors) is not accepted
