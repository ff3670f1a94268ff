"""Whatever the OpenAPI document allows to be sent to the portal is answered, and never crashes.

The requests are made by schemathesis from the document itself: a bounded number for each operation, always the same.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from rest_framework.test import APIClient

from armillary.accounts import services as accounts

from .calls.conftest import _files_of_the_test, application, call, form  # noqa: F401  what an application needs
from .conftest import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]

OURS = re.compile(r"^/api/(?!events/)")  # a stream of events does not end
EXAMPLES = 3


def operations() -> list[Any]:
    """What the document says about our part."""
    from drf_spectacular.generators import SchemaGenerator

    document = SchemaGenerator().get_schema(request=None, public=True)
    schema = schemathesis.openapi.from_dict(document)
    found = [result.ok() for result in schema.get_all_operations()]
    return [operation for operation in found if OURS.match(operation.path)]


@pytest.fixture
def things(world: dict[str, Any], application: dict[str, Any]) -> dict[str, Any]:  # noqa: F811  the fixture of that name
    """Numbers that are there, for the places of an address that hold one."""
    membership = world["astronomer"].membership_set.get().pk
    return {
        "/api/proposals/": "P1",
        "/api/semesters/": "2026B",
        "/api/memberships/": membership,
        "/api/scienceapplications/": application["id"],
        "/api/users/": "hypatia",
    }


def test_nothing_that_the_document_allows_is_a_crash(things: dict[str, Any]) -> None:
    chief = client_of(accounts.create_user("chief", email="chief@exh.example", is_staff=True, is_superuser=True))
    leader = client_of(_leader())
    crashes: list[str] = []
    ours = operations()
    assert len(ours) > 120
    for operation in ours:
        crashes += list(_crashes(operation, things, (chief, leader)))
    assert not crashes, "\n".join(crashes)


def _leader() -> Any:
    from armillary.accounts.models import User

    return User.objects.get(username="hypatia")


def _crashes(operation: Any, things: dict[str, Any], clients: tuple[APIClient, ...]) -> set[str]:
    found: set[str] = set()

    @seed(20261123)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def probe(case: Any) -> None:
        for client in clients:
            status, path = _send(client, case, things)
            if status >= 500:
                found.add(f"{case.method} {path} {case.body!r}: {status}")

    probe()
    return found


def _send(client: APIClient, case: Any, things: dict[str, Any]) -> tuple[int, str]:
    path = case.path
    for name, value in (case.path_parameters or {}).items():
        collection = path.partition("{")[0]
        path = path.replace(f"{{{name}}}", str(things.get(collection, value)))
    query = {name: value for name, value in (case.query or {}).items() if value is not None}
    body = case.body if isinstance(case.body, (dict, list, str, int, float, bool)) else {}
    with transaction.atomic():
        if case.method.upper() == "GET":
            answer = client.get(path, query)
        else:
            answer = getattr(client, case.method.lower())(path, body, format="json")
        answer.close()  # files
        transaction.set_rollback(True)
    return answer.status_code, path
