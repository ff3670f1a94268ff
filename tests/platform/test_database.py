from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection, transaction

from armillary.platform.database import retry_conflicts, serialised
from armillary.platform.models import PeriodicJob

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lock_outside_of_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="needs a transaction"):
        serialised("telescope.tst.doma.1m0a")


def test_writers_of_one_key_take_turns() -> None:
    """Check-then-write by eight threads at once: without the lock several would find the place free."""
    barrier = threading.Barrier(8)

    def take_the_place_if_free() -> None:
        barrier.wait(10)
        with transaction.atomic():
            serialised("the only place")
            if not PeriodicJob.objects.exists():
                PeriodicJob.objects.create(name=threading.current_thread().name, due="2026-01-01T00:00:00Z")
        connection.close()

    threads = [threading.Thread(target=take_the_place_if_free) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert PeriodicJob.objects.count() == 1


def test_a_busy_database_is_tried_again() -> None:
    attempts = []

    @retry_conflicts(attempts=3)
    def write() -> str:
        attempts.append(1)
        if len(attempts) < 3:
            raise OperationalError("database is locked")
        return "written"

    assert write() == "written"


def test_after_the_last_attempt_the_error_comes_through() -> None:
    @retry_conflicts(attempts=2)
    def write() -> None:
        raise OperationalError("database is locked")

    with pytest.raises(OperationalError):
        write()


def test_inside_a_transaction_nothing_is_repeated() -> None:
    attempts = []

    @retry_conflicts(attempts=3)
    def write() -> None:
        attempts.append(1)
        raise OperationalError("database is locked")

    with pytest.raises(OperationalError), transaction.atomic():
        write()
    assert len(attempts) == 1


def test_other_errors_are_not_repeated() -> None:
    attempts = []

    @retry_conflicts(attempts=3)
    def write() -> None:
        attempts.append(1)
        raise OperationalError("no such table: nowhere")

    with pytest.raises(OperationalError):
        write()
    assert len(attempts) == 1
