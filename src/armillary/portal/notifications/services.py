from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.core import signing
from django.db import transaction

from armillary.accounts.models import User
from armillary.clock import now
from armillary.configuration import configuration
from armillary.platform.database import require_transaction, serialised
from armillary.platform.letters import queue_letter, rendered_letter
from armillary.platform.refusals import Refusal
from armillary.portal.notifications.models import Channel, Notice, NotificationPreference, Rhythm, ToldOnce
from armillary.portal.notifications.queries import Wish, wishes_of
from armillary.portal.notifications.webhooks import require_callable
from armillary.portal.proposals.models import Proposal

_SALT: Final = "armillary.portal.unsubscribe"
_PERIODS: Final[Mapping[str, timedelta]] = {Rhythm.DAILY: timedelta(days=1), Rhythm.WEEKLY: timedelta(days=7)}


def notify(
    people: Iterable[User], *, kind: str, letter: str, proposal_id: str | None, context: Mapping[str, Any]
) -> None:
    """Tell people something in the way that each of them wants, inside the transaction that gives the reason.

    Args:
        people: Whom. Who has no address gets no mail.
        kind: What it is about, ``noun.verb``.
        letter: The template, without ``.txt``.
        proposal_id: The proposal it is about, if it is about one.
        context: What the template may use.
    """
    require_transaction("notify()")
    audience = list(people)
    wishes = wishes_of(audience, proposal_id)
    for person in audience:
        wish = wishes[person.pk]
        if wish.channel == Channel.NONE or (wish.channel == Channel.MAIL and not person.email):
            continue
        if wish.channel == Channel.MAIL and wish.rhythm == Rhythm.AT_ONCE:
            queue_letter(
                letter, to=person.email, context={**context, "person": person},
                unsubscribe_url=unsubscribe_url(person, proposal_id),
            )  # fmt: skip
        else:
            subject, body = rendered_letter(letter, {**context, "person": person})
            _keep(person, wish, kind, proposal_id, subject, body)


def _keep(person: User, wish: Wish, kind: str, proposal_id: str | None, subject: str, body: str) -> None:
    moment = now()
    due = moment if wish.channel == Channel.WEBHOOK else _next_digest(person, moment, _PERIODS[wish.rhythm])
    Notice.objects.create(
        user=person,
        proposal_id=proposal_id,
        kind=kind,
        subject=subject[:500],
        body=body,
        channel=wish.channel,
        webhook_url=wish.webhook_url,
        created=moment,
        due=due,
    )


def _next_digest(person: User, moment: datetime, period: timedelta) -> datetime:
    """When the digest goes out: with what waits already, or a period from now."""
    waiting = Notice.objects.filter(user=person, channel=Channel.MAIL, delivered__isnull=True).order_by("due").first()
    return min(moment + period, moment + period if waiting is None else waiting.due)


@transaction.atomic
def told_before(key: str) -> bool:
    """Whether people were told of an occasion already; from now on they were."""
    _, is_new = ToldOnce.objects.get_or_create(key=key, defaults={"at": now()})
    return not is_new


@transaction.atomic
def prefer(
    user: User,
    proposal: Proposal | None,
    *,
    channel: str,
    rhythm: str = Rhythm.AT_ONCE,
    webhook_url: str = "",
) -> NotificationPreference:
    """Say how a person wants to be told about a proposal, or about everything else.

    Raises:
        Refusal: A webhook without an address, or with one that may not be called.
    """
    if channel == Channel.WEBHOOK:
        if not webhook_url:
            raise Refusal({"webhook_url": ["Give the address that shall be called."]})
        require_callable(webhook_url)
    serialised(f"portal.preferences.{user.pk}")
    row, _ = NotificationPreference.objects.update_or_create(
        user=user,
        proposal=proposal,
        defaults={"channel": channel, "rhythm": rhythm, "webhook_url": webhook_url},
    )
    return row


@transaction.atomic
def forget_preference(user: User, proposal: Proposal | None) -> bool:
    """Treat a proposal like all others again, or all as at the beginning; whether anything had been said."""
    deleted, _ = NotificationPreference.objects.filter(user=user, proposal=proposal).delete()
    return bool(deleted)


def unsubscribe_url(user: User, proposal_id: str | None) -> str:
    """The link under a mail that stops mails like it."""
    key = signing.dumps([user.pk, proposal_id], salt=_SALT)
    return f"{str(configuration().public_url).rstrip('/')}/api/notifications/unsubscribe/{key}/"


@transaction.atomic
def unsubscribe(key: str) -> str | None:
    """Stop mails as a link under one of them says; gives the proposal that it is about, if it is about one.

    Raises:
        Refusal: The link is not whole, or the account or the proposal is gone.
    """
    user, proposal = _meant_by(key)
    prefer(user, proposal, channel=Channel.NONE)
    waiting = Notice.objects.filter(user=user, channel=Channel.MAIL, delivered__isnull=True)
    (waiting if proposal is None else waiting.filter(proposal=proposal)).delete()
    return None if proposal is None else proposal.pk


def subject_of(key: str) -> str | None:
    """The proposal that a link under a mail is about.

    Raises:
        Refusal: As for :func:`unsubscribe`.
    """
    proposal = _meant_by(key)[1]
    return None if proposal is None else proposal.pk


def _meant_by(key: str) -> tuple[User, Proposal | None]:
    try:
        number, proposal_id = signing.loads(key, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Refusal("This link is not complete; copy the whole address from the mail.") from error
    user = User.objects.filter(pk=number, is_active=True).first()
    proposal = None if proposal_id is None else Proposal.objects.filter(pk=proposal_id).first()
    if user is None or (proposal_id is not None and proposal is None):
        raise Refusal("What this link is about no longer exists, and no mail about it will come.")
    return user, proposal
