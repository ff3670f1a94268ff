"""Requests that follow the published description, and many that do not quite: none makes the archive fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from armillary.accounts.models import User

FAILED = 500
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def description(superuser: User, record: Callable[..., dict[str, Any]], web: Any) -> Any:
    """The archive's part of the OpenAPI document, with a frame to ask about."""
    from django.core.wsgi import get_wsgi_application

    from armillary.accounts.services import api_token

    assert web.post("/frames/", record()).status_code == 201
    found = schemathesis.openapi.from_wsgi("/openapi/", get_wsgi_application())
    found.config.update(headers={"Authorization": f"Token {api_token(superuser)}"})
    return found.include(path_regex="^/archive/").exclude(path_regex="/events/")


schema = schemathesis.pytest.from_fixture("description")


@schema.parametrize()
@settings(max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_no_request_makes_the_archive_fail(case: Any) -> None:
    answer = case.call()
    assert answer.status_code < FAILED, (case.as_curl_command(), answer.text)
