from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models.functions import Now
from django_tasks_db.models import DBTaskResult

from armillary.platform.models import Change, IdempotencyKey, OutboxMail
from armillary.platform.periodic import periodic

_CHANGES_KEPT: Final = timedelta(days=14)
_KEYS_KEPT: Final = timedelta(days=7)
_MAILS_KEPT: Final = timedelta(days=90)
_TASKS_KEPT: Final = timedelta(days=7)


@periodic(every=timedelta(hours=6), name="platform.forget_the_past")
def forget_the_past(now: datetime) -> None:
    """Delete what nobody needs any more; the newest line of the feed stays, because readers stand on it."""
    newest = Change.objects.order_by("-transaction", "-id").values_list("id", flat=True).first()
    if newest is not None:
        Change.objects.filter(created__lt=now - _CHANGES_KEPT).exclude(id=newest).delete()
    IdempotencyKey.objects.filter(created__lt=now - _KEYS_KEPT).delete()
    OutboxMail.objects.filter(state=OutboxMail.State.SENT, sent__lt=now - _MAILS_KEPT).delete()
    DBTaskResult.objects.finished().filter(finished_at__lt=Now() - _TASKS_KEPT).delete()
