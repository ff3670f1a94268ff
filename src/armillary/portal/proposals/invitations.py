"""People are invited to proposals."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from armillary.accounts.models import User
from armillary.clock import now
from armillary.configuration import configuration
from armillary.platform.errors import Refusal
from armillary.platform.outbox import queue_mail
from armillary.portal.proposals.models import Membership, Proposal, ProposalInvite
from armillary.portal.proposals.services import add_member


@transaction.atomic
def invite(proposal: Proposal, inviter: User, emails: Sequence[str], time_limit_s: int = -1) -> None:
    """Make people co-investigators: those with an account at once, others when they register.

    Raises:
        Refusal: An address is the inviter's own, or a member's.
    """
    members = {email.casefold() for email in proposal.users.values_list("email", flat=True)}
    for email in emails:
        if email.casefold() == inviter.email.casefold():
            raise Refusal({"emails": [f"You cannot invite yourself ({email}) to be a co-investigator."]})
        if email.casefold() in members:
            raise Refusal({"emails": [f"User with email {email} is already member of this proposal"]})
    for email in dict.fromkeys(emails):
        _invite_one(proposal, inviter, email, time_limit_s)


def _invite_one(proposal: Proposal, inviter: User, email: str, time_limit_s: int) -> None:
    user = User.objects.filter(email__iexact=email).first()
    if user is not None:
        add_member(proposal, user, time_limit_s=time_limit_s)
        _tell_added(proposal, user)
        return
    ProposalInvite.objects.update_or_create(
        proposal=proposal,
        email=email,
        role=Membership.Role.CI,
        defaults={"time_limit": time_limit_s, "sent": now(), "used": None},
    )
    settings = configuration()
    address = f"{str(settings.public_url).rstrip('/')}/accounts/register/?email={email}"
    queue_mail(
        to=email,
        subject=f"You have been invited to a proposal at {settings.organization_name}",
        body=(
            f"{inviter.get_full_name() or inviter.username} invites you to proposal {proposal.pk} "
            f"({proposal.title}) as a co-investigator.\n\nCreate an account with this address to join: {address}\n"
        ),
    )


def _tell_added(proposal: Proposal, user: User) -> None:
    settings = configuration()
    queue_mail(
        to=user.email,
        subject=f"You have been added to a proposal at {settings.organization_name}",
        body=f"You are a co-investigator of proposal {proposal.pk} ({proposal.title}) now.\n",
    )


@transaction.atomic
def accept_invitations(user: User) -> list[Membership]:
    """Join every proposal that this address was invited to; the memberships that came of it."""
    pending = ProposalInvite.objects.filter(email__iexact=user.email, used__isnull=True).order_by("-pk")
    accepted = []
    for invitation in pending.select_related("proposal"):
        accepted.append(add_member(invitation.proposal, user, invitation.role, invitation.time_limit))
        invitation.used = now()
        invitation.save(update_fields=["used"])
    return accepted


@transaction.atomic
def withdraw_invitation(invitation: ProposalInvite) -> None:
    """Take an invitation back; one that was used has done its work, and stays as a record."""
    ProposalInvite.objects.filter(pk=invitation.pk, used__isnull=True).delete()
