from __future__ import annotations

from rest_framework.routers import SimpleRouter

from armillary.portal.proposals.api import InvitationViewSet, MembershipViewSet, ProposalViewSet, SemesterViewSet

router = SimpleRouter()
router.register("proposals", ProposalViewSet, basename="proposals")
router.register("semesters", SemesterViewSet, basename="semesters")
router.register("memberships", MembershipViewSet, basename="memberships")
router.register("invitations", InvitationViewSet, basename="invitations")
