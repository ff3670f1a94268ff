"""Both databases do what their OpenAPI document says: whatever is sent, no 5xx, and nothing undocumented."""

from __future__ import annotations

from typing import Any

import pytest
from own_description import broken_promises, operations
from rest_framework.test import APIClient

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.mark.parametrize(("prefix", "at_least"), [("/configdb/", 60), ("/downtime/", 6)])
def test_no_call_that_the_description_allows_ends_in_a_failure_or_an_undocumented_answer(
    prefix: str, at_least: int, small: Any, operator: APIClient
) -> None:
    del small  # the observatory that it describes is there
    described = operations(prefix)
    assert len(described) > at_least
    broken = list(broken_promises(described, [operator], {}, examples=3))
    assert not broken, "\n".join(broken)
