from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from armillary.accounts.models import User
from armillary.portal.notifications.models import Channel, NotificationPreference, Rhythm
from armillary.portal.notifications.webhooks import secret_of


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants to be told."""

    channel: str = Channel.MAIL
    rhythm: str = Rhythm.AT_ONCE
    webhook_url: str = ""


def wishes_of(people: Collection[User], proposal_id: str | None) -> dict[int, Wish]:
    """How people want to be told about a proposal: one query for all of them.

    What somebody said of this proposal counts before what they said of everything; who said nothing gets mail at once.
    """
    about = Q(proposal__isnull=True) | Q(proposal_id=proposal_id) if proposal_id else Q(proposal__isnull=True)
    found: dict[int, Wish] = {person.pk: Wish() for person in people}
    rows = NotificationPreference.objects.filter(about, user__in=found)
    for row in sorted(rows, key=lambda row: row.proposal_id is not None):  # the special one comes last and counts
        found[row.user_id] = Wish(row.channel, row.rhythm, row.webhook_url)
    return found


def preferences_object(user: User) -> dict[str, Any]:
    """A person's preferences as the wire shows them."""
    rows = list(NotificationPreference.objects.filter(user=user).order_by("proposal_id"))
    default = next((row for row in rows if row.proposal_id is None), None)
    return {
        "default": _shown(default or NotificationPreference(user=user)),
        "proposals": [_shown(row) | {"proposal": row.proposal_id} for row in rows if row.proposal_id is not None],
        "webhook_secret": secret_of(user.pk),
    }


def _shown(row: NotificationPreference) -> dict[str, str]:
    return {"channel": row.channel, "rhythm": row.rhythm, "webhook_url": row.webhook_url}
