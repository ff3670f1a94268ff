"""All tables of the portal; each part keeps its own."""

from __future__ import annotations

from armillary.portal.history.models import StateTransition
from armillary.portal.observations.models import (
    ConfigurationStatus,
    Observation,
    Summary,
    TelescopeSchedule,
)
from armillary.portal.proposals.models import (
    CollaborationAllocation,
    LedgerEntry,
    Membership,
    Proposal,
    ProposalInvite,
    ProposalNotification,
    ScienceCollaborationAllocation,
    Semester,
    TimeAllocation,
)
from armillary.portal.requestgroups.models import (
    Configuration,
    DraftRequestGroup,
    Request,
    RequestActivity,
    RequestDocument,
    RequestGroup,
    Window,
)

__all__ = [
    "CollaborationAllocation",
    "Configuration",
    "ConfigurationStatus",
    "DraftRequestGroup",
    "LedgerEntry",
    "Membership",
    "Observation",
    "Proposal",
    "ProposalInvite",
    "ProposalNotification",
    "Request",
    "RequestActivity",
    "RequestDocument",
    "RequestGroup",
    "ScienceCollaborationAllocation",
    "Semester",
    "StateTransition",
    "Summary",
    "TelescopeSchedule",
    "TimeAllocation",
    "Window",
]
