"""What the portal knows of its surroundings is never old, although it is sent again only when it has changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from armillary.clients.downtime import DowntimeClient
from armillary.clients.transport import connect
from armillary.platform.history import sign
from armillary.portal.surroundings import downtimes

from .conftest import NOW, PLACE

pytestmark = pytest.mark.django_db


def declared(hours: float, **changes: Any) -> Any:
    from armillary.downtime.models import Downtime

    moment = NOW + timedelta(hours=hours)
    values = {"start": moment, "end": moment + timedelta(hours=1), "created": NOW, "modified": NOW}
    row = Downtime(**PLACE, **values, **changes)
    sign(row, None, "told by a test")
    row.save()
    return row


def test_a_downtime_is_known_from_the_moment_it_is_declared_until_it_is_withdrawn(world: dict[str, Any]) -> None:
    del world
    assert downtimes(NOW) == []
    first = declared(1)
    assert [item.start for item in downtimes(NOW)] == [first.start]
    second = declared(3)
    assert len(downtimes(NOW)) == len(downtimes(NOW)) == 2
    first.delete()
    assert [item.start for item in downtimes(NOW)] == [second.start]
    second.delete()
    assert downtimes(NOW) == []


def test_a_changed_downtime_is_known_as_it_is_now(world: dict[str, Any], operator: Any) -> None:
    del world
    row = declared(1)
    assert downtimes(NOW)[0].end == row.end
    later = (row.end + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = operator.patch(f"/downtime/api/{row.pk}/", {"end": later})
    assert answer.status_code == 200, answer.content
    assert downtimes(NOW)[0].end == row.end + timedelta(hours=2)


def test_what_ended_before_the_moment_is_left_out_whoever_asked_earlier_that_day(world: dict[str, Any]) -> None:
    del world
    row = declared(1)
    assert len(downtimes(NOW)) == 1
    assert downtimes(row.end) == []
    assert len(downtimes(row.end - timedelta(seconds=1))) == 1


def test_unchanged_downtimes_are_not_sent_again(world: dict[str, Any]) -> None:
    del world
    declared(1)
    with connect("downtime") as http:
        DowntimeClient(http).ending_after(NOW)
        first = http.get("api/")
        again = http.get("api/", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
