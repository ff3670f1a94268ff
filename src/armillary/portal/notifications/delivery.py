"""Sends what waits: digests by mail, and calls of webhooks. Run by the worker; a repetition does no harm."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F

from armillary.accounts.models import User
from armillary.platform.letters import queue_letter
from armillary.platform.wire import wire_time
from armillary.portal.notifications.models import Channel, Notice
from armillary.portal.notifications.services import unsubscribe_url
from armillary.portal.notifications.webhooks import WebhookFailed, call

_WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720, 1440))
_LEASE: Final = timedelta(minutes=10)
_BATCH: Final = 100
_KEPT: Final = timedelta(days=90)

logger = structlog.get_logger(__name__)


def deliver_notices(now: datetime) -> int:
    """Send everything that is due; how many notices were delivered."""
    return _digests(now) + _webhooks(now)


def forget_delivered(now: datetime) -> None:
    """Delete what was delivered long ago."""
    Notice.objects.filter(delivered__lt=now - _KEPT).delete()


def _digests(now: datetime) -> int:
    due = Notice.objects.filter(channel=Channel.MAIL, delivered__isnull=True, due__lte=now)
    return sum(_digest(user_id, now) for user_id in set(due.values_list("user_id", flat=True)))


@transaction.atomic
def _digest(user_id: int, now: datetime) -> int:
    """One mail with everything that waits for a person, the not yet due included."""
    person = User.objects.select_for_update(of=("self",)).get(pk=user_id)
    notices = list(Notice.objects.filter(user=person, channel=Channel.MAIL, delivered__isnull=True))
    Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(delivered=now)
    if not notices or not person.email or not person.is_active:
        return 0
    sections: dict[str, list[Notice]] = defaultdict(list)
    for notice in notices:
        sections[notice.proposal_id or ""].append(notice)
    proposals = set(sections)
    about = proposals.pop() or None if len(proposals) == 1 else None
    context = {"person": person, "notices": notices, "sections": sorted(sections.items())}
    queue_letter(
        "portal/notifications/digest", to=person.email, context=context, unsubscribe_url=unsubscribe_url(person, about)
    )
    return len(notices)


def _webhooks(now: datetime) -> int:
    due = Notice.objects.filter(channel=Channel.WEBHOOK, delivered__isnull=True, due__lte=now).select_related("user")
    return sum(_webhook(notice, now) for notice in due.order_by("due", "pk")[:_BATCH])


def _webhook(notice: Notice, now: datetime) -> bool:
    mine = Notice.objects.filter(pk=notice.pk, attempts=notice.attempts, delivered__isnull=True)
    if not mine.update(attempts=F("attempts") + 1, due=now + _LEASE):  # another worker was faster
        return False
    calling = Notice.objects.filter(pk=notice.pk, attempts=notice.attempts + 1)
    try:
        call(notice.webhook_url, _body(notice), user_id=notice.user_id)
    except WebhookFailed as failure:
        _after_failure(notice, now, failure)
        return False
    calling.update(delivered=now, error="")
    return True


def _body(notice: Notice) -> dict[str, object]:
    return {
        "id": notice.pk,
        "kind": notice.kind,
        "proposal": notice.proposal_id,
        "subject": notice.subject,
        "text": notice.body,
        "at": wire_time(notice.created),
    }


@transaction.atomic
def _after_failure(notice: Notice, now: datetime, failure: WebhookFailed) -> None:
    """Try again later; when nothing helps, the notice goes by mail, with the reason."""
    attempt = notice.attempts + 1
    gives_up = attempt > len(_WAITS)
    logger.warning("webhook_failed", notice=notice.pk, attempt=attempt, error=str(failure), given_up=gives_up)
    mine = Notice.objects.filter(pk=notice.pk, attempts=attempt)
    if not gives_up:
        mine.update(due=now + _WAITS[attempt - 1], error=str(failure))
    elif mine.update(delivered=now, error=str(failure)) and notice.user.email:
        context = {"person": notice.user, "notice": notice, "failure": str(failure)}
        queue_letter("portal/notifications/webhook_failed", to=notice.user.email, context=context)
