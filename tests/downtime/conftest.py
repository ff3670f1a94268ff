from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rest_framework.test import APIClient

if TYPE_CHECKING:
    from armillary.accounts.models import User  # importable only after Django has been set up


@pytest.fixture
def visitor() -> APIClient:
    return APIClient()


@pytest.fixture
def client_of() -> Callable[[User], APIClient]:
    """The HTTP client of somebody, with a token."""
    from armillary.accounts.services import api_token

    def make(user: User) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {api_token(user)}")
        return client

    return make


@pytest.fixture
def operator(db: None, client_of: Callable[[User], APIClient]) -> APIClient:  # noqa: ARG001  the fixture opens the database
    from armillary.accounts.services import create_user

    return client_of(create_user("operator", is_staff=True))


@pytest.fixture
def astronomer(db: None, client_of: Callable[[User], APIClient]) -> APIClient:  # noqa: ARG001  the fixture opens the database
    from armillary.accounts.services import create_user

    return client_of(create_user("kepler"))


@pytest.fixture
def small(db: None, examples: Path) -> None:  # noqa: ARG001  the fixture opens the database
    """The small observatory is in the configuration database of this process."""
    from armillary.configdb.services import import_observatory

    import_observatory(json.loads((examples / "small_observatory.json").read_text()))


@pytest.fixture
def network(db: None, examples: Path) -> None:  # noqa: ARG001  the fixture opens the database
    """The network is in the configuration database of this process."""
    from armillary.configdb.services import import_observatory

    import_observatory(json.loads((examples / "network_observatory.json").read_text()))
