"""Jobs that are due again and again, by the observatory's clock.

Every worker of every process may call :func:`run_due` as often as it likes: a job's row says when it is due, and only
the one who moves that row forward (compare-and-swap) runs the job. Jobs must bear being late, and must bear being run
again after a crash half-way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from armillary.platform.models import PeriodicJob

Function = Callable[[datetime], object]

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so often; called with the observatory's time."""

    name: str
    every: timedelta
    function: Function


_jobs: Final[dict[str, Job]] = {}


def periodic(*, every: timedelta, name: str) -> Callable[[Function], Function]:
    """Register a function of a component's ``tasks`` module as a periodic job.

    Args:
        every: Observatory time between two runs.
        name: ``component.verb_noun``, unique; it names the job in the database and in the log.
    """
    if every <= timedelta(0):
        raise ValueError(f"the periodic job {name!r} must have a positive period, not {every}")

    def register(function: Function) -> Function:
        known = _jobs.get(name)
        if known is not None and known.function is not function:
            raise ValueError(f"two periodic jobs are called {name!r}")
        _jobs[name] = Job(name, every, function)
        return function

    return register


def registered() -> tuple[Job, ...]:
    """All jobs of the components that run here, by name."""
    return tuple(_jobs[name] for name in sorted(_jobs))


def run_due(now: datetime) -> list[str]:
    """Run every job that is due, and say which. One that fails is logged and recorded; the others run all the same."""
    return [job.name for job in registered() if _claim(job, now) and _run(job, now)]


def _claim(job: Job, now: datetime) -> bool:
    row, _ = PeriodicJob.objects.get_or_create(name=job.name, defaults={"due": now})
    clock_was_set_back = row.due > now + job.every
    if row.due > now and not clock_was_set_back:
        return False
    following = now + job.every if clock_was_set_back else _following(row.due, job.every, now)
    mine = PeriodicJob.objects.filter(name=job.name, due=row.due)
    return bool(mine.update(due=following, started=now))


def _following(due: datetime, every: timedelta, now: datetime) -> datetime:
    """The first moment after ``now`` on the grid of ``due``: missed runs are skipped, and the job does not drift."""
    return due + every * (math.floor((now - due) / every) + 1)


def _run(job: Job, now: datetime) -> bool:
    error = ""
    try:
        job.function(now)
    except Exception as failure:  # whatever a job raises is kept with it and logged; the other jobs go on
        error = repr(failure)
        logger.exception("periodic_job_failed", job=job.name)
    PeriodicJob.objects.filter(name=job.name).update(finished=now, error=error)
    return True
