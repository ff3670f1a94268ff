"""The order in which things are locked, so that no two writers wait for each other.

First request groups (by id), then telescopes (by name), then time allocations (by id). SQLite has one writer at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from django.db.models import QuerySet

from armillary.platform.database import serialised
from armillary.platform.prepared import Prepared
from armillary.portal.requestgroups.models import RequestGroup

Place = tuple[str, str, str]
"""Site, enclosure and telescope."""


def lock_groups(ids: Collection[int]) -> dict[int, RequestGroup]:
    """Lock request groups and read them anew, with their submitters."""
    rows = RequestGroup.objects.filter(pk__in=ids).select_related("submitter").select_for_update(of=("self",))
    return {row.pk: row for row in rows.order_by("pk")}


def lock_rows(groups: QuerySet[RequestGroup]) -> None:
    """Lock request groups of which nothing need be known, in the order in which all are locked."""
    list(groups.order_by("pk").select_for_update(of=("self",)).values_list("pk"))


_locked_group: Final = Prepared[RequestGroup](
    lambda key: RequestGroup.objects.select_related("submitter").select_for_update(of=("self",)).filter(pk=key), key=int
)


def lock_group(group_id: int) -> RequestGroup:
    """Lock one request group and read it anew."""
    found = _locked_group.first(key=group_id)
    if found is None:
        raise RequestGroup.DoesNotExist(f"there is no request group {group_id}")
    return found


def lock_telescopes(places: Iterable[Place]) -> None:
    """Be the only one who changes the schedules of telescopes."""
    for place in sorted(set(places)):
        serialised(f"portal.telescope.{'.'.join(place)}")
