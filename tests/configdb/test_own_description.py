"""Both databases do what their OpenAPI document says: whatever is sent, no 5xx, and nothing undocumented.

The calls are made up by schemathesis from the document itself, as an operator; the number is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance

if TYPE_CHECKING:
    from armillary.accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.once]

_TRIES = settings(
    max_examples=2,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def token(examples: Path, operator_account: User) -> str:
    from armillary.accounts.services import api_token
    from armillary.configdb.services import import_observatory

    import_observatory(json.loads((examples / "small_observatory.json").read_text()))
    return api_token(operator_account)


@pytest.mark.parametrize("prefix", ["/configdb/", "/downtime/"])
def test_no_call_that_the_description_allows_ends_in_a_failure_or_an_undocumented_answer(
    prefix: str, token: str
) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi/?format=json", WSGIHandler())
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.startswith(prefix) and "events" not in operation.path:
            _try(operation, token)
            tried += 1
    assert tried > (60 if prefix == "/configdb/" else 6)


def _try(operation: Any, token: str) -> None:
    @given(case=operation.as_strategy())
    @_TRIES
    def one(case: Any) -> None:
        with transaction.atomic():
            response = case.call(headers={"Authorization": f"Token {token}"})
            transaction.set_rollback(True)
        case.validate_response(response, checks=_CHECKS)

    one()


_CHECKS: list[Callable[..., Any]] = [not_a_server_error, status_code_conformance]
