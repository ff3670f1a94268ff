"""What the scheduler tells Prometheus."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

RUNS: Final = Counter("armillary_scheduler_runs", "Runs by how they ended.", ["outcome"])
STAGE_SECONDS: Final = Histogram(
    "armillary_scheduler_stage_seconds",
    "Real seconds of each stage of a run: fetch, windows, solve, publish.",
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
SOURCE_UP: Final = Gauge("armillary_scheduler_sources_up", "1 if the last run could read everything it needs, else 0.")
