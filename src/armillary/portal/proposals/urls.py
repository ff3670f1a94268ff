from __future__ import annotations

from rest_framework.routers import SimpleRouter

from armillary.portal.proposals.api import InvitationViewSet, MembershipViewSet, ProposalViewSet, SemesterViewSet
from armillary.portal.proposals.office_api import CollaborationViewSet

router = SimpleRouter()
router.register("collaborations", CollaborationViewSet, basename="collaborations")
router.register("proposals", ProposalViewSet, basename="proposals")
router.register("semesters", SemesterViewSet, basename="semesters")
router.register("memberships", MembershipViewSet, basename="memberships")
router.register("invitations", InvitationViewSet, basename="invitations")
