"""The front door: what is wrong with a submission, all of it at once, or the submission with its defaults filled in."""

from armillary.core.requests.facts import (
    Allocation,
    Downtime,
    Errors,
    Limits,
    ProposalFacts,
    RequestRule,
    Semester,
    ValidationContext,
)
from armillary.core.requests.validation.front_door import (
    Checked,
    check,
    check_cadence_group,
    check_configuration,
    check_direct_request,
    check_request,
    check_request_group,
    parse,
)

__all__ = [
    "Allocation",
    "Checked",
    "Downtime",
    "Errors",
    "Limits",
    "ProposalFacts",
    "RequestRule",
    "Semester",
    "ValidationContext",
    "check",
    "check_cadence_group",
    "check_configuration",
    "check_direct_request",
    "check_request",
    "check_request_group",
    "parse",
]
