"""What the portal knows about a person, and how it forgets it."""

from __future__ import annotations

from typing import Any

from armillary.accounts.models import User
from armillary.accounts.personal_data import Holder
from armillary.platform.wire import wire_time
from armillary.portal.calls.models import CoInvestigator, ScienceApplication, ScienceApplicationUserReview
from armillary.portal.notifications.models import Notice, NotificationPreference
from armillary.portal.notifications.queries import preferences_object
from armillary.portal.proposals.models import Membership, ProposalInvite, ProposalNotification
from armillary.portal.requestgroups.models import RequestGroup
from armillary.portal.subscriptions.models import Subscription


def _export(user: User) -> dict[str, Any]:
    groups = RequestGroup.objects.filter(submitter=user).order_by("pk")
    return {
        "memberships": list(
            Membership.objects.filter(user=user).order_by("pk").values("role", "time_limit", "proposal_id")
        ),
        "invitations": list(ProposalInvite.objects.filter(email__iexact=user.email).values("proposal_id", "role"))
        if user.email
        else [],
        "request_groups": [
            {"id": row.pk, "name": row.name, "proposal": row.proposal_id, "created": wire_time(row.created)}
            for row in groups
        ],
        "notifications": {name: value for name, value in preferences_object(user).items() if name != "webhook_secret"},
        "subscriptions": list(Subscription.objects.filter(user=user).values("url", "kinds", "active")),
        "applications": [
            {"id": row.pk, "title": row.title, "status": row.status, "abstract": row.abstract, "pi": row.pi}
            for row in ScienceApplication.objects.filter(submitter=user)
        ],
        "reviews": list(
            ScienceApplicationUserReview.objects.filter(reviewer=user).values("comments", "grade", "finished")
        ),
    }


def _forget(user: User) -> None:
    """Memberships and drafts go; what others have a right to know (who observed, who judged) stays, by nobody."""
    ProposalNotification.objects.filter(user=user).delete()
    NotificationPreference.objects.filter(user=user).delete()
    Notice.objects.filter(user=user).delete()
    Subscription.objects.filter(user=user).delete()
    Membership.objects.filter(user=user, role=Membership.Role.CI).delete()
    ScienceApplication.objects.filter(submitter=user, status=ScienceApplication.Status.DRAFT).delete()
    if user.email:
        nobody = {"pi": "", "pi_first_name": "", "pi_last_name": "", "pi_institution": ""}
        ScienceApplication.objects.filter(pi__iexact=user.email).update(**nobody)
        CoInvestigator.objects.filter(email__iexact=user.email).delete()
        ProposalInvite.objects.filter(email__iexact=user.email).delete()


PORTAL_DATA = Holder("observing", _export, _forget)
