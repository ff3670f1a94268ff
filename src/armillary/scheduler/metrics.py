"""What the scheduler tells Prometheus."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from armillary.scheduler.explanations import Reason
from armillary.scheduler.publish import Publication
from armillary.scheduler.run import Run
from armillary.scheduler.states import State

RUNS: Final = Counter("armillary_scheduler_runs", "Runs by how they ended.", ["outcome"])
STAGE_SECONDS: Final = Histogram(
    "armillary_scheduler_stage_seconds",
    "Real seconds of each stage of a run: fetch, select, windows, solve, publish, explain.",
    ["stage"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
)
STAGE_CPU_SECONDS: Final = Histogram(
    "armillary_scheduler_stage_cpu_seconds",
    "CPU seconds of each stage of a run, all threads.",
    ["stage"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
)
GAP: Final = Gauge(
    "armillary_scheduler_gap", "How far the last plan may be from the best one, as a share of its bound."
)
VALUE: Final = Gauge("armillary_scheduler_plan_value", "Value of the last plan.")
REQUESTS: Final = Gauge("armillary_scheduler_requests", "Requests of the last run by what became of them.", ["status"])
UTILISATION: Final = Gauge(
    "armillary_scheduler_utilisation", "Planned share of a telescope's free dark time in the horizon.", ["telescope"]
)
CHANGED: Final = Counter("armillary_scheduler_observations", "Observations by what publishing did to them.", ["change"])
REACTION_SECONDS: Final = Histogram(
    "armillary_scheduler_reaction_seconds",
    "Real seconds from the news of a change to the published plan.",
    buckets=(0.1, 0.3, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0),
)
RAPID_SECONDS: Final = Histogram(
    "armillary_scheduler_rapid_response_seconds",
    "Real seconds from the news of a rapid-response request to its place on a telescope's schedule.",
    buckets=(0.1, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
)
STATE: Final = Gauge("armillary_scheduler_state", "1 for the state of the scheduler, 0 for all others.", ["state"])
MOVED: Final = Gauge(
    "armillary_scheduler_plan_changes", "Observations of the last plan against the schedule before it.", ["change"]
)
SOURCE_UP: Final = Gauge("armillary_scheduler_sources_up", "1 if the last run could read everything it needs, else 0.")


def conclude(state: State) -> None:
    """Count how a run ended."""
    RUNS.labels(state.value).inc()
    SOURCE_UP.set(0 if state in {State.SOURCE_UNAVAILABLE, State.DOUBTFUL} else 1)
    for each in State:
        STATE.labels(each.value).set(1 if each is state else 0)


def measure(run: Run, reasons: Sequence[Reason], publication: Publication) -> None:
    """Tell what a run has planned and published."""
    for stage, seconds in run.stages.wall_s.items():
        STAGE_SECONDS.labels(stage).observe(seconds)
    for stage, seconds in run.stages.cpu_s.items():
        STAGE_CPU_SECONDS.labels(stage).observe(seconds)
    plan = run.normal.plan
    GAP.set(plan.gap)
    VALUE.set(sum(each.plan.value for each in run.solutions))
    UTILISATION.clear()
    for telescope, share in plan.statistics.utilisation.items():
        UTILISATION.labels(telescope).set(share)
    REQUESTS.clear()
    for status, count in Tally(reason.status for reason in reasons).items():
        REQUESTS.labels(status).set(count)
    for change in ("kept", "moved", "dropped", "added"):
        MOVED.labels(change).set(getattr(plan.statistics, change))
    CHANGED.labels("created").inc(len(publication.created) + publication.posted)
    CHANGED.labels("kept").inc(publication.kept)
    CHANGED.labels("cancelled").inc(len(publication.cancelled))
