from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from armillary.platform import periodic, worker
from armillary.platform.models import PeriodicJob, WorkerProcess

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


@task()
def note(name: str) -> None:
    """Leave a trace in the database."""
    PeriodicJob.objects.create(name=name, due=NOW)


@task()
def fail() -> None:
    """Go wrong."""
    raise LookupError("nothing there")


@pytest.fixture(autouse=True)
def no_periodic_jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(periodic, "_jobs", {})
    yield
    DBTaskResult.objects.all().delete()


def test_a_queued_task_is_run_once() -> None:
    note.enqueue("done")
    assert worker.work_once(NOW) == 1
    assert worker.work_once(NOW) == 0
    assert PeriodicJob.objects.filter(name="done").count() == 1


def test_a_task_of_a_transaction_that_is_undone_is_not_run() -> None:
    with transaction.atomic():
        note.enqueue("never")
        transaction.set_rollback(True)
    assert worker.work_once(NOW) == 0


def test_a_failing_task_keeps_its_traceback_and_the_next_one_runs() -> None:
    fail.enqueue()
    note.enqueue("after")
    assert worker.work_once(NOW) == 2
    assert "nothing there" in DBTaskResult.objects.failed().get().traceback
    assert PeriodicJob.objects.filter(name="after").exists()


def test_the_task_of_a_dead_worker_is_run_by_another_one() -> None:
    note.enqueue("orphan")
    WorkerProcess.objects.create(id="dead", seen=LONG_AGO)
    DBTaskResult.objects.update(status="RUNNING", worker_ids=["dead"], started_at=LONG_AGO)
    assert worker.work_once(NOW) == 1
    assert PeriodicJob.objects.filter(name="orphan").exists()


def test_the_task_of_a_living_worker_is_left_alone() -> None:
    note.enqueue("busy")
    worker._give_sign_of_life("alive")
    DBTaskResult.objects.update(status="RUNNING", worker_ids=["alive"], started_at=LONG_AGO)
    assert worker.work_once(NOW) == 0


def test_a_task_that_kills_its_workers_is_given_up() -> None:
    note.enqueue("deadly")
    DBTaskResult.objects.update(status="RUNNING", worker_ids=["a", "b", "c"], started_at=LONG_AGO)
    assert worker.work_once(NOW) == 0
    assert "3 workers died" in DBTaskResult.objects.failed().get().traceback


def test_a_worker_works_until_it_is_told_to_stop() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run_worker, args=(stop,), kwargs={"poll_s": 0.02})
    thread.start()
    note.enqueue("soon")
    deadline = time.monotonic() + 10
    while not PeriodicJob.objects.filter(name="soon").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    thread.join(15)
    assert not thread.is_alive()
    assert PeriodicJob.objects.filter(name="soon").exists()
    assert not WorkerProcess.objects.exists()


def test_sigterm_asks_a_worker_to_stop() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        stop = worker.stop_on_signals()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(5)
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)


def test_old_records_are_forgotten_but_the_end_of_the_feed_stays() -> None:
    from armillary.platform.changes import latest_cursor, record_change
    from armillary.platform.models import Change
    from armillary.platform.tasks import forget_the_past

    for key in ("1", "2"):
        with transaction.atomic():
            record_change("observation.created", key)
    Change.objects.update(created=NOW - timedelta(days=30))
    cursor = latest_cursor()
    forget_the_past(NOW)
    assert latest_cursor() == cursor
    assert Change.objects.count() == 1
