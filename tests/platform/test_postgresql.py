from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, transaction

from armillary.platform.postgresql.base import PostgreSQLWrapper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """A connection that was used for an earlier call, at the beginning of another one."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is a file: there is no connection to lose")
    connection.ensure_connection()
    connection.health_check_done = False
    checks, connection.health_check_enabled = connection.health_check_enabled, True
    yield
    connection.health_check_enabled = checks


def _answers() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 7")
        return int(cursor.fetchone()[0])


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Django asks connections to see whether they work."""
    asked: list[str] = []
    ask = PostgreSQLWrapper.is_usable

    def noted(wrapper: PostgreSQLWrapper) -> bool:
        asked.append("SELECT 1")
        return bool(ask(wrapper))

    monkeypatch.setattr(PostgreSQLWrapper, "is_usable", noted)
    return asked


@pytest.mark.usefixtures("kept_connection")
def test_a_connection_that_was_just_used_is_not_asked_whether_it_works(questions: list[str]) -> None:
    assert _answers() == 7
    assert questions == []


@pytest.mark.usefixtures("kept_connection")
def test_a_connection_that_the_server_ended_is_replaced_before_it_is_used() -> None:
    connection.inc_thread_sharing()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        old = cursor.fetchone()[0]
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [old])
    other.close()
    connection.health_check_done = False
    assert _answers() == 7
    connection.dec_thread_sharing()


@pytest.mark.usefixtures("kept_connection")
def test_a_connection_whose_transaction_failed_is_of_no_use() -> None:
    with transaction.atomic():
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT nothing")
        assert not connection.is_usable()
        transaction.set_rollback(True)
    assert connection.is_usable()


@pytest.mark.usefixtures("kept_connection")
def test_a_connection_that_was_quiet_for_long_is_asked(questions: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armillary.platform.postgresql.base._TRUSTED_FOR_S", 0.0)
    assert _answers() == 7
    assert questions == ["SELECT 1"]
