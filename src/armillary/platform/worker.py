"""The worker: runs queued tasks and periodic jobs, and sends mail, one thing after the other.

Any number of workers may run. A worker that dies in the middle of a task stops giving signs of life, and another one
(or its successor) queues the task again: tasks run at least once, so they must bear being repeated.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import uuid
from datetime import datetime, timedelta
from types import FrameType
from typing import Any, Final

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.db.models.functions import Now
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from armillary import clock
from armillary.platform import outbox, periodic
from armillary.platform.models import WorkerProcess

_SIGN_OF_LIFE_S: Final = 5.0
_BELIEVED_DEAD_AFTER: Final = timedelta(seconds=30)
_MOST_ATTEMPTS: Final = 3
_BATCH: Final = 50

logger = structlog.get_logger(__name__)


class TaskAbandoned(Exception):
    """Every worker that began this task died before it was finished."""


def run_worker(stop: threading.Event, *, poll_s: float = 1.0) -> None:
    """Work until told to stop; what is begun is finished.

    Args:
        stop: Set it to end the worker after the task it is running.
        poll_s: Real seconds between two looks at an empty queue.
    """
    worker_id = f"{socket.gethostname()[:24]}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
    _give_sign_of_life(worker_id)
    alive = threading.Thread(target=_keep_alive, args=(worker_id, stop), name="worker-alive", daemon=True)
    alive.start()
    logger.info("worker_started", worker=worker_id)
    while not stop.is_set():
        try:
            done = work_once(clock.now(), worker_id=worker_id, stop=stop)
        except (OperationalError, InterfaceError):
            logger.exception(
                "worker_lost_database"
            )  # the database restarts, or is busy: try again with a new connection
            connection.close()
            done = 0
        if not done:
            stop.wait(poll_s)
        close_old_connections()
    alive.join()
    WorkerProcess.objects.filter(pk=worker_id).delete()
    connection.close()
    logger.info("worker_stopped", worker=worker_id)


def work_once(now: datetime, *, worker_id: str | None = None, stop: threading.Event | None = None) -> int:
    """Do everything that is queued and due, and say how many things were done."""
    name = worker_id or f"once-{uuid.uuid4().hex[:12]}"
    _give_sign_of_life(name)
    try:
        queue_abandoned_again()
        done = len(periodic.run_due(now)) + _run_queued(name, stop) + outbox.deliver_due(now)
    finally:
        if worker_id is None:
            WorkerProcess.objects.filter(pk=name).delete()
    return done


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set, so that :func:`run_worker` ends cleanly; for a process's main thread."""
    stop = threading.Event()

    def request_stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    return stop


def queue_abandoned_again() -> int:
    """Queue the tasks of dead workers again, or give up those that killed several; says how many were found."""
    running = list(DBTaskResult.objects.running())
    if not running:
        return 0
    alive = set(WorkerProcess.objects.filter(seen__gte=Now() - _BELIEVED_DEAD_AFTER).values_list("pk", flat=True))
    abandoned = [row for row in running if not row.worker_ids or row.worker_ids[-1] not in alive]
    for row in abandoned:
        _queue_again(row)
    WorkerProcess.objects.filter(seen__lt=Now() - 10 * _BELIEVED_DEAD_AFTER).delete()
    return len(abandoned)


class _OneTask(Worker):
    """Takes and runs at most one task of the queue."""

    def __init__(self, worker_id: str) -> None:
        super().__init__(
            queue_names=["*"],
            interval=0.0,
            batch=True,
            backend_name="default",
            startup_delay=False,
            max_tasks=1,
            worker_id=worker_id,
            excluded_queue_names=[],
        )
        self.did_something = False

    def run_task(self, db_task_result: DBTaskResult[Any, Any]) -> None:
        self.did_something = True
        super().run_task(db_task_result)
        db_task_result.refresh_from_db()
        if db_task_result.traceback:
            logger.error("task_failed", task=db_task_result.task_name, traceback=db_task_result.traceback)


def _run_queued(worker_id: str, stop: threading.Event | None) -> int:
    for count in range(_BATCH):
        if (stop is not None and stop.is_set()) or not DBTaskResult.objects.ready().exists():
            return count
        worker = _OneTask(worker_id)
        worker.run()
        if not worker.did_something:  # somebody else was faster
            return count
    return _BATCH


def _queue_again(row: DBTaskResult[Any, Any]) -> None:
    mine = DBTaskResult.objects.running().filter(pk=row.pk, started_at=row.started_at)
    if len(row.worker_ids) < _MOST_ATTEMPTS:
        logger.warning("task_queued_again", task=row.task_name, attempts=len(row.worker_ids))
        mine.update(status="READY", started_at=None)
    else:
        logger.error("task_given_up", task=row.task_name, attempts=len(row.worker_ids))
        row.set_failed(TaskAbandoned(f"{len(row.worker_ids)} workers died while they ran this task"))


def _give_sign_of_life(worker_id: str) -> None:
    if not WorkerProcess.objects.filter(pk=worker_id).update(seen=Now()):
        WorkerProcess.objects.bulk_create([WorkerProcess(id=worker_id, seen=Now())], ignore_conflicts=True)


def _keep_alive(worker_id: str, stop: threading.Event) -> None:
    while not stop.wait(_SIGN_OF_LIFE_S):
        try:
            _give_sign_of_life(worker_id)
        except (OperationalError, InterfaceError):
            logger.warning("worker_sign_of_life_failed", worker=worker_id)  # the main loop meets the same and says more
            connection.close()
    connection.close()
