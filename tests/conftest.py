"""What every test stands on: a test installation in a directory of its own, with a clock that can be set.

The environment is set before Django's settings are first imported. SQLite in a file is the default database;
``TEST_DATABASES=postgresql://...`` runs the same tests on PostgreSQL; for several workers it names as many
servers, with spaces between them, because the change feed waits for every transaction of its server.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)  # how fast a busy machine is, is no test
settings.register_profile("exploring", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

_databases = os.environ.get("TEST_DATABASES", "").split()
_directory = Path(tempfile.mkdtemp(prefix="armillary-test-"))
atexit.register(shutil.rmtree, _directory, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith("ARMILLARY_")]:
    del os.environ[_name]
if _databases:
    os.environ["ARMILLARY_DATABASE_URL"] = _databases[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])]
os.environ |= {
    "ARMILLARY_MODE": "test",
    "ARMILLARY_LOG_LEVEL": "WARNING",  # a line for each of a hundred thousand requests is a tenth of the tests' time
    "ARMILLARY_DATA_DIRECTORY": str(_directory),
    "DJANGO_SETTINGS_MODULE": "armillary.server.settings",
    "TZ": "Pacific/Chatham",  # a machine's own time zone must never matter: here it is +12:45 or +13:45
}


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Set Django up with the environment above; pytest-django by itself would do so before this file is read."""
    import django

    django.setup()
    del os.environ["DJANGO_SETTINGS_MODULE"]  # a worker that inherits it is set up before it has read this file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, only what touches the database is asked again."""
    if not _databases:
        return
    fixtures, markers = {"db", "transactional_db", "live_server"}, {"django_db", "postgresql"}
    idle = {
        item
        for item in items
        if not (markers & {marker.name for marker in item.iter_markers()} or fixtures & set(_fixtures_of(item)))
    }
    config.hook.pytest_deselected(items=list(idle))
    items[:] = [item for item in items if item not in idle]


def _fixtures_of(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


@pytest.fixture(autouse=True)
def _connection_stays_open(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service called in process ends its request while the test's transaction is still open.

    Django would drop a connection in that state. (Outside of tests no service is called inside a transaction.)
    """
    marker = request.node.get_closest_marker("django_db")
    in_transaction = "db" in request.fixturenames if marker is None else not marker.kwargs.get("transaction")
    if in_transaction:
        from django.db import connection

        monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)


@pytest.fixture
def data_directory() -> Path:
    """The directory of the test installation."""
    return _directory


@pytest.fixture
def set_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the observatory's clock: ``set_clock(moment, speed=0.0)``."""
    from armillary import clock

    path = tmp_path / "clock.json"

    def set_to(moment: datetime, speed: float = 0.0) -> None:
        clock.set_clock(path, moment, speed)
        monkeypatch.setenv(clock.CLOCK_FILE_VARIABLE, str(path))

    return set_to


@pytest.fixture(scope="session")
def examples() -> Path:
    """The observatories that come with the project."""
    return Path(__file__).parent.parent / "examples"
