"""People are invited to proposals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from django.core import signing
from django.db import transaction

from armillary.accounts.models import User
from armillary.clock import now
from armillary.platform.database import serialised
from armillary.platform.errors import Refusal
from armillary.platform.letters import queue_letter
from armillary.portal.proposals.models import Membership, Proposal, ProposalInvite
from armillary.portal.proposals.services import add_member

_SALT: Final = "armillary.portal.invitation"


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
    for email in sorted(dict.fromkeys(emails), key=str.casefold):
        add_or_invite(proposal, inviter, email, time_limit_s=time_limit_s)


def add_or_invite(
    proposal: Proposal, inviter: User, email: str, *, role: str = Membership.Role.CI, time_limit_s: int = -1
) -> None:
    """Make somebody a member at once, or invite them if they have no account yet, inside the caller's transaction."""
    serialised(_lock_of(email))
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if user is not None:
        add_member(proposal, user, role, time_limit_s)
        queue_letter("portal/proposals/added", to=user.email, context={"proposal": proposal, "role": role})
        return
    invitation, _ = ProposalInvite.objects.update_or_create(
        proposal=proposal, email=email, role=role, defaults={"time_limit": time_limit_s, "sent": now(), "used": None}
    )
    context = {
        "proposal": proposal,
        "inviter": inviter.get_full_name() or inviter.username,
        "invitation": invitation,
        "address": quote(email),
        "key": invitation_key(invitation),
    }
    queue_letter("portal/proposals/invited", to=email, context=context)


def _lock_of(email: str) -> str:
    """Who invites an address and who proves to own it wait for each other, so that nobody is left in between."""
    return f"portal.invited.{email.casefold()}"


def invitation_key(invitation: ProposalInvite) -> str:
    """What the link in an invitation's mail proves: that its reader was invited, whatever their address."""
    return signing.dumps(invitation.pk, salt=_SALT)


@transaction.atomic
def accept_invitations(user: User) -> list[Membership]:
    """Join every proposal that this address was invited to; the memberships that came of it."""
    serialised(_lock_of(user.email))
    pending = ProposalInvite.objects.filter(email__iexact=user.email, used__isnull=True).order_by("-pk")
    accepted = []
    for invitation in pending.select_related("proposal"):
        accepted.append(add_member(invitation.proposal, user, invitation.role, invitation.time_limit))
        invitation.used = now()
        invitation.save(update_fields=["used"])
    return accepted


@transaction.atomic
def accept_invitation(user: User, key: str) -> Membership:
    """Join the proposal that a mail invited its reader to, with whatever address they have registered.

    Raises:
        Refusal: The key is not whole, or the invitation was used or taken back.
    """
    try:
        number = signing.loads(key, salt=_SALT)
    except signing.BadSignature as error:
        raise Refusal({"key": ["This link is not complete; copy the whole address from the mail."]}) from error
    invitation = ProposalInvite.objects.select_for_update().filter(pk=number, used__isnull=True).first()
    if invitation is None:
        raise Refusal({"key": ["This invitation was used already, or taken back; ask who invited you for another."]})
    membership = add_member(invitation.proposal, user, invitation.role, invitation.time_limit)
    invitation.used = now()
    invitation.save(update_fields=["used"])
    return membership


@transaction.atomic
def withdraw_invitation(invitation: ProposalInvite) -> None:
    """Take an invitation back; one that was used has done its work, and stays as a record."""
    ProposalInvite.objects.filter(pk=invitation.pk, used__isnull=True).delete()
