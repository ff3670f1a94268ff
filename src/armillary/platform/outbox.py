"""Mails are promised in the transaction that gives the reason for them, and sent afterwards by the worker.

A mail is sent once as far as mail allows: it is claimed by compare-and-swap before it is handed over, and only a
process that dies in the second between hand-over and note makes it go out twice, with the same Message-ID, by which
mail systems recognise it.
"""

from __future__ import annotations

import smtplib
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.core.mail import EmailMultiAlternatives
from django.db.models import F, Q

from armillary import clock
from armillary.configuration import configuration
from armillary.platform.database import require_transaction
from armillary.platform.models import OutboxMail

_LEASE: Final = timedelta(minutes=10)
_WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720, 1440))
_BATCH: Final = 20

logger = structlog.get_logger(__name__)


def queue_mail(
    *,
    to: str | Sequence[str],
    subject: str,
    body: str,
    html: str | None = None,
    key: str | None = None,
    unsubscribe_url: str = "",
) -> None:
    """Promise a mail; it is sent after the surrounding transaction is committed, and never if it is not.

    Args:
        to: One address or several.
        subject: One line.
        body: Plain text.
        html: The same for readers of HTML.
        key: Names the occasion; a second mail of the same key is not queued.
        unsubscribe_url: Where mail programs stop mails like this one with one click (RFC 8058).

    Raises:
        RuntimeError: There is no transaction.
        ValueError: No address, or a subject of several lines.
    """
    require_transaction("queue_mail()")
    addresses = [to] if isinstance(to, str) else list(to)
    if not addresses or not all(addresses):
        raise ValueError(f"the mail {subject!r} has no address to go to")
    if "\n" in subject or "\r" in subject:
        raise ValueError(f"a mail's subject is one line, not {subject!r}")
    moment = clock.now()
    mail = OutboxMail(
        key=key, message_id=_message_id(), to=addresses, subject=subject, body=body, html=html or "",
        unsubscribe_url=unsubscribe_url, due=moment, created=moment,
    )  # fmt: skip
    OutboxMail.objects.bulk_create([mail], ignore_conflicts=key is not None)


def mailed_since(moment: datetime, *, to: str, subject: str) -> int:
    """How many mails with a subject were promised to an address since a moment."""
    return OutboxMail.objects.filter(to=[to], subject=subject, created__gte=moment).count()


def deliver_due(now: datetime) -> int:
    """Send what is due (a limited number at a time), and say how many mails went out."""
    pending = Q(state__in=(OutboxMail.State.QUEUED, OutboxMail.State.SENDING), due__lte=now)
    return sum(_deliver(mail, now) for mail in OutboxMail.objects.filter(pending).order_by("due", "id")[:_BATCH])


def _deliver(mail: OutboxMail, now: datetime) -> bool:
    lease = now + _LEASE * max(1.0, clock.speed())  # in real time: a fast clock must not make a slow mail go out twice
    mine = OutboxMail.objects.filter(pk=mail.pk, attempts=mail.attempts, state=mail.state, due=mail.due)
    if not mine.update(state=OutboxMail.State.SENDING, attempts=F("attempts") + 1, due=lease):
        return False
    sending = OutboxMail.objects.filter(pk=mail.pk, attempts=mail.attempts + 1)
    try:
        _message(mail).send()
    except (OSError, smtplib.SMTPException) as error:
        _postpone(mail, now, error)
        return False
    sending.update(state=OutboxMail.State.SENT, sent=now, error="")
    return True


def _postpone(mail: OutboxMail, now: datetime, error: Exception) -> None:
    attempt = mail.attempts + 1
    given_up = attempt > len(_WAITS)
    log = logger.error if given_up else logger.warning
    log("mail_not_sent", mail=mail.pk, attempt=attempt, error=str(error), given_up=given_up)
    OutboxMail.objects.filter(pk=mail.pk, attempts=attempt).update(
        state=OutboxMail.State.FAILED if given_up else OutboxMail.State.QUEUED,
        due=now if given_up else now + _WAITS[attempt - 1],
        error=str(error),
    )


def _message(mail: OutboxMail) -> EmailMultiAlternatives:
    headers = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
    if mail.unsubscribe_url:
        headers |= {
            "List-Unsubscribe": f"<{mail.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    message = EmailMultiAlternatives(mail.subject, mail.body, to=mail.to, headers=headers)
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message


def _message_id() -> str:
    return f"<{uuid.uuid4().hex}@{configuration().public_url.host}>"
