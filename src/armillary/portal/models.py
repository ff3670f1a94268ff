"""All tables of the portal; each part keeps its own."""

from __future__ import annotations

from armillary.portal.calls.models import (
    Call,
    CoInvestigator,
    ConflictOfInterest,
    Instrument,
    ReviewPanel,
    ReviewPanelMembership,
    ScienceApplication,
    ScienceApplicationReview,
    ScienceApplicationUserReview,
    TimeRequest,
)
from armillary.portal.history.models import StateTransition
from armillary.portal.notifications.models import Notice, NotificationPreference, ToldOnce
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
from armillary.portal.scheduling.models import SchedulerLease, SchedulerReason
from armillary.portal.subscriptions.models import Subscription

__all__ = [
    "Call",
    "CoInvestigator",
    "CollaborationAllocation",
    "Configuration",
    "ConfigurationStatus",
    "ConflictOfInterest",
    "DraftRequestGroup",
    "Instrument",
    "LedgerEntry",
    "Membership",
    "Notice",
    "NotificationPreference",
    "Observation",
    "Proposal",
    "ProposalInvite",
    "ProposalNotification",
    "Request",
    "RequestActivity",
    "RequestDocument",
    "RequestGroup",
    "ReviewPanel",
    "ReviewPanelMembership",
    "SchedulerLease",
    "SchedulerReason",
    "ScienceApplication",
    "ScienceApplicationReview",
    "ScienceApplicationUserReview",
    "ScienceCollaborationAllocation",
    "Semester",
    "StateTransition",
    "Subscription",
    "Summary",
    "TelescopeSchedule",
    "TimeAllocation",
    "TimeRequest",
    "ToldOnce",
    "Window",
]
