"""Whatever the OpenAPI document allows to be sent to the archive is answered, as the document says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from own_description import broken_promises, operations
from rest_framework.test import APIClient

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_no_call_that_the_description_allows_ends_in_a_failure_or_an_undocumented_answer(
    web: APIClient, stranger: APIClient, record: Callable[..., dict[str, Any]]
) -> None:
    answer = web.post("/frames/", record())
    assert answer.status_code == 201, answer.content
    things = {f"/archive/{kind}/": answer.json()["id"] for kind in ("frames", "frame-funpack", "frame-catalog")}
    described = operations("/archive/")
    assert len(described) > 20
    broken = list(broken_promises(described, (web, stranger), things, examples=3))
    assert not broken, "\n".join(broken)
