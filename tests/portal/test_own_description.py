"""Whatever the OpenAPI document allows to be sent to the portal is answered, as the document says."""

from __future__ import annotations

from typing import Any

import pytest
from own_description import broken_promises, operations

from armillary.accounts import services as accounts

from .calls.conftest import _files_of_the_test, application, call, form  # noqa: F401  what an application needs
from .conftest import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]


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


def test_no_call_that_the_description_allows_ends_in_a_failure_or_an_undocumented_answer(
    things: dict[str, Any],
) -> None:
    chief = client_of(accounts.create_user("chief", email="chief@exh.example", is_staff=True, is_superuser=True))
    leader = client_of(_leader())
    described = operations("/api/")
    assert len(described) > 120
    broken = list(broken_promises(described, (chief, leader), things, examples=3))
    assert not broken, "\n".join(broken)


def _leader() -> Any:
    from armillary.accounts.models import User

    return User.objects.get(username="hypatia")
