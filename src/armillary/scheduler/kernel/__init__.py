"""The scheduling kernel: windows, durations, values and resources in, a plan and a proof of its quality out.

It knows no astronomy, no framework, no clock and no files. See ``docs/explanation/scheduling.md`` for the model.
"""

from armillary.scheduler.kernel.plan import Explanation, Pace, Plan, PriceInterval, Statistics, Status, StopReason
from armillary.scheduler.kernel.problem import (
    Allocation,
    Entry,
    Fixed,
    Group,
    GroupKind,
    Identifier,
    Preference,
    Problem,
    ProblemInvalid,
    Reservation,
    Resource,
    Spacing,
    Windows,
)
from armillary.scheduler.kernel.solving import InfeasiblePlan, solve
from armillary.scheduler.kernel.verification import violations

__all__ = [
    "Allocation",
    "Entry",
    "Explanation",
    "Fixed",
    "Group",
    "GroupKind",
    "Identifier",
    "InfeasiblePlan",
    "Pace",
    "Plan",
    "Preference",
    "PriceInterval",
    "Problem",
    "ProblemInvalid",
    "Reservation",
    "Resource",
    "Spacing",
    "Statistics",
    "Status",
    "StopReason",
    "Windows",
    "solve",
    "violations",
]
