from __future__ import annotations

from django.db.models import Count, Max, Sum

from armillary.downtime.models import Downtime
from armillary.platform.models import Change


def current_revision() -> str:
    """A text that changes whenever any downtime does: two queries.

    Every service announces what it changes, so the last line of the change feed would do; the count and the times
    cover what was written past the services, or whose announcement was thrown away.
    """
    last = Change.objects.filter(kind__startswith="downtime.").order_by("-id").values_list("id", flat=True).first()
    totals = Downtime.objects.aggregate(Count("id"), Sum("id"), Max("modified"))
    return f"{last} {' '.join(str(total) for total in totals.values())}"
