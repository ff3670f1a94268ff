"""What schedulers should know of: the source of ``last_changed``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from django.db.models import Max

from armillary.platform.insertion import Insertion
from armillary.portal.requestgroups.models import Request, RequestActivity

_ACTIVITIES: Final = Insertion(RequestActivity, "telescope_class", "at")


def note_activity(telescope_classes: Iterable[str], at: datetime) -> None:
    """Something that matters for scheduling changed for these classes of telescopes."""
    _ACTIVITIES.run((telescope_class, at) for telescope_class in sorted(set(telescope_classes)))


def note_activity_of(requests: Collection[Request], at: datetime) -> None:
    """The same, for the classes that requests name."""
    note_activity((request.telescope_class for request in requests), at)


def last_activity(telescope_classes: Collection[str]) -> datetime | None:
    """When something last changed for any of these classes; for none named, for any at all."""
    rows = RequestActivity.objects.all()
    if telescope_classes and "all" not in telescope_classes:
        rows = rows.filter(telescope_class__in=telescope_classes)
    latest: datetime | None = rows.aggregate(latest=Max("at"))["latest"]
    return latest


def forget_activity(before: datetime) -> int:
    """Delete what nobody asks about any more; how many lines that were."""
    deleted, _ = RequestActivity.objects.filter(at__lt=before).delete()
    return deleted
