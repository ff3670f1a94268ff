"""Numbers that no row can have are refused on their field, before the database is asked."""

from __future__ import annotations

from typing import Any

import pytest

from armillary.core.requests.submission import read
from armillary.portal.observations.shapes import Cancellation, SubmittedObservation

WISH: dict[str, Any] = {
    "request": 1,
    "site": "exh",
    "enclosure": "doma",
    "telescope": "0m6a",
    "start": "2026-11-23T19:00:00Z",
    "end": "2026-11-23T19:10:00Z",
    "configuration_statuses": [],
}


@pytest.mark.parametrize("key", [10**30, str(10**30), -(10**30)])
def test_a_request_whose_number_no_row_has_does_not_exist(key: object) -> None:
    assert read(SubmittedObservation, WISH | {"request": key}).errors == {
        "request": [f'Invalid pk "{key}" - object does not exist.']
    }


def test_a_priority_beyond_what_can_be_kept_is_refused() -> None:
    errors = read(SubmittedObservation, WISH | {"priority": 2**31}).errors
    assert errors == {"priority": ["Ensure this value is less than or equal to 2147483647."]}
    assert read(SubmittedObservation, WISH | {"priority": 2**31 - 1}).errors == {}


def test_numbers_to_cancel_are_those_of_rows() -> None:
    assert read(Cancellation, {"ids": [1, 2**63 - 1]}).errors == {}
    assert "ids" in read(Cancellation, {"ids": [10**30]}).errors
