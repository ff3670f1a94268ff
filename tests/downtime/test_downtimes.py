"""Declaring, changing, withdrawing and finding downtimes over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from rest_framework.test import APIClient

from armillary.configuration import configuration
from armillary.downtime.models import Downtime
from armillary.downtime.recurrence import UnusableRule, starts
from armillary.platform.models import Change

if TYPE_CHECKING:
    from armillary.accounts.models import User

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLACE = {"site": "exh", "enclosure": "doma", "telescope": "0m6a"}
TONIGHT = {"start": "2026-11-23T20:00:00Z", "end": "2026-11-23T22:00:00Z", **PLACE, "reason": "mirror washing"}


@pytest.fixture(autouse=True)
def _at_noon(set_clock: Callable[..., None], small: None) -> None:  # noqa: ARG001  what is declared is checked against it
    set_clock(NOW)


def declared(client: APIClient, **changes: Any) -> dict[str, Any]:
    answer = client.post("/downtime/api/", TONIGHT | changes)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def test_the_answer_has_the_keys_and_the_form_that_clients_parse(operator: APIClient, visitor: APIClient) -> None:
    made = declared(operator, start="2026-11-23T21:00:00.654321+01:00", end="2026-11-23 22:00:00")
    assert list(made) == ["id", "start", "end", "site", "enclosure", "telescope", "instrument_type", "reason"]
    assert (made["start"], made["end"]) == ("2026-11-23T20:00:00Z", "2026-11-23T22:00:00Z")
    assert visitor.get("/downtime/api/").json() == {"count": 1, "next": None, "previous": None, "results": [made]}
    assert visitor.get(f"/downtime/api/{made['id']}/").json() == made


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"end": "2026-11-23T20:00:00Z"}, "non_field_errors", "End time must be after start time"),
    ({"end": "2028-11-23T20:00:00Z"}, "non_field_errors", "at most 366 days"),
    ({"site": "nop"}, "site", '"nop" is not a valid choice. Known: exh'),
    ({"telescope": "9m9z"}, "telescope", "Known: 0m6a"),
    ({"instrument_type": "nop"}, "instrument_type", "0M6-IMAGER-CCD"),
    ({"instrument_type": None}, "instrument_type", "null"),
    ({"telescope": ""}, "telescope", "blank"),
    ({"start": "yesterday"}, "start", "format"),
    ({"recurrence": "FREQ=WEEKLY"}, "recurrence", "COUNT"),
    ({"recurrence": "nonsense"}, "recurrence", "no part of a rule"),
    ({"recurrence": "FREQ=DAILY;COUNT=1000"}, "recurrence", "1 to 500"),
    ({"recurrence": "FREQ=DAILY;UNTIL=20360101"}, "recurrence", "more than 500"),
    ({"recurrence": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1"}, "recurrence", "no downtime"),
    ({"end": "2026-11-25T00:00:00Z", "recurrence": "FREQ=DAILY;COUNT=3"}, "recurrence", "overlap"),
]


def test_a_wrong_downtime_is_refused_on_its_field_with_what_would_be_accepted(operator: APIClient) -> None:
    for changes, field, words in REFUSED:
        answer = operator.post("/downtime/api/", TONIGHT | changes)
        assert answer.status_code == 400, changes
        assert words in json.dumps(answer.json()[field], ensure_ascii=False).replace('\\"', '"'), changes
    assert not Downtime.objects.exists()


def test_only_those_who_may_declare_and_only_owners_and_operators_change(
    operator: APIClient, astronomer: APIClient, visitor: APIClient, client_of: Callable[[User], APIClient]
) -> None:
    from django.contrib.auth.models import Permission

    from armillary.accounts.services import create_user

    assert visitor.post("/downtime/api/", TONIGHT).status_code == 401
    assert astronomer.post("/downtime/api/", TONIGHT).status_code == 403
    granted = create_user("tycho")
    granted.user_permissions.add(Permission.objects.get(codename="add_downtime"))
    tycho = client_of(granted)
    address = f"/downtime/api/{declared(tycho)['id']}/"
    others = f"/downtime/api/{declared(operator, start='2026-11-23T22:00:00Z', end='2026-11-24T01:00:00Z')['id']}/"
    assert astronomer.patch(address, {"reason": "mine"}).status_code == 403
    assert astronomer.delete(address).status_code == 403
    assert tycho.delete(others).status_code == 403
    assert tycho.patch(address, {"reason": "still washing"}).json()["reason"] == "still washing"
    assert operator.put(address, TONIGHT).status_code == 200
    assert tycho.delete(address).status_code == 204


def test_what_was_done_to_a_downtime_is_kept_with_names_and_reasons(operator: APIClient, visitor: APIClient) -> None:
    address = f"/downtime/api/{declared(operator)['id']}/"
    operator.patch(address, {"end": "2026-11-23T23:00:00Z"}, headers={"X-Reason": "dries slowly"})
    operator.patch(address, {"end": "2026-11-23T23:00:00Z"})  # changes nothing
    operator.delete(address)
    assert visitor.get(address).status_code == 404
    versions = operator.get(f"{address}history/").json()["results"]
    assert [(each["action"], each["by"], each["reason"]) for each in versions] == [
        ("deleted", "operator", ""),
        ("changed", "operator", "dries slowly"),
        ("created", "operator", ""),
    ]
    (change,) = versions[1]["changes"]
    assert change["field"] == "end"
    assert all("by" not in each for each in visitor.get(f"{address}history/").json()["results"])


def test_what_is_over_does_not_change_without_a_reason(operator: APIClient, set_clock: Callable[..., None]) -> None:
    address = f"/downtime/api/{declared(operator)['id']}/"
    set_clock(NOW + timedelta(days=1))
    for refused in (operator.patch(address, {"reason": "other"}), operator.delete(address)):
        assert refused.status_code == 409
        assert "X-Reason" in refused.json()["detail"]
    because = {"X-Reason": "the log was wrong"}
    assert operator.patch(address, {"reason": "other"}, headers=because).status_code == 200
    assert operator.delete(address, headers=because).status_code == 204


def test_one_declaration_covers_a_whole_site_or_enclosure(operator: APIClient, network: None) -> None:  # noqa: ARG001
    from armillary.configdb.models import Telescope

    site = Telescope.objects.filter(enclosure__site__code="ntn").first() or Telescope.objects.order_by("-id")[0]
    code = site.enclosure.site.code
    expected = {str(each) for each in Telescope.objects.filter(enclosure__site__code=code)}
    made = declared(operator, site=code, enclosure="*", telescope="*")
    members = made.get("members", [made])
    assert {f"{it['site']}.{it['enclosure']}.{it['telescope']}" for it in members} == expected
    assert operator.get("/downtime/api/", {"site": code}).json()["count"] == len(expected)
    refused = operator.post("/downtime/api/", TONIGHT | {"site": "nop", "enclosure": "*", "telescope": "*"})
    assert refused.status_code == 400


def test_a_rule_makes_plain_periods_that_can_be_withdrawn_together(operator: APIClient, visitor: APIClient) -> None:
    made = declared(operator, recurrence="FREQ=WEEKLY;BYDAY=MO,TH;COUNT=4")
    found = [(it["start"][5:10], it["end"][11:16]) for it in made["members"]]
    assert found == [("11-23", "22:00"), ("11-26", "22:00"), ("11-30", "22:00"), ("12-03", "22:00")]
    assert {it["series"] for it in visitor.get("/downtime/api/").json()["results"]} == {made["series"]}
    assert operator.delete(f"/downtime/api/{made['members'][0]['id']}/").status_code == 204
    assert Downtime.objects.count() == 3
    assert operator.delete(f"/downtime/api/{made['members'][2]['id']}/?series=true").status_code == 204
    assert not Downtime.objects.exists()


def test_withdrawing_a_series_leaves_what_is_over(operator: APIClient, set_clock: Callable[..., None]) -> None:
    made = declared(operator, recurrence="FREQ=DAILY;COUNT=3")
    set_clock(NOW + timedelta(days=1))
    operator.delete(f"/downtime/api/{made['members'][2]['id']}/?series=true")
    assert [it.pk for it in Downtime.objects.all()] == [made["members"][0]["id"]]


def test_an_overlap_is_allowed_and_told(operator: APIClient) -> None:
    first = declared(operator)
    second = declared(operator, start="2026-11-23T21:00:00Z", end="2026-11-23T23:00:00Z")
    assert second["warnings"] == [
        f"Overlaps downtime {first['id']} of exh.doma.0m6a, 2026-11-23 20:00 to 2026-11-23 22:00 UTC: mirror washing"
    ]
    moved = operator.patch(f"/downtime/api/{second['id']}/", {"start": "2026-11-23T22:00:00Z"})
    assert "warnings" not in moved.json()  # half-open: one ends when the other begins


def test_two_kinds_of_instruments_do_not_stand_in_each_others_way(operator: APIClient) -> None:
    from armillary.configdb.models import Instrument

    kinds = sorted(set(Instrument.objects.values_list("instrument_type__code", flat=True)))
    declared(operator, instrument_type=kinds[0])
    assert "warnings" not in declared(operator, instrument_type=kinds[1])
    assert len(declared(operator)["warnings"]) == 2


def test_filters_choose_as_the_wire_says(operator: APIClient, visitor: APIClient) -> None:
    one = declared(operator)["id"]
    two = declared(operator, start="2026-11-24T20:00:00Z", end="2026-11-24T22:00:00Z", reason="Re-coating")["id"]

    def found(**query: Any) -> list[int]:
        answer = visitor.get("/downtime/api/", query)
        assert answer.status_code == 200, answer.content
        return [each["id"] for each in answer.json()["results"]]

    assert found(ends_after="2026-11-23 21:00:00", starts_before="2026-11-24 00:00:00") == [one]
    assert found(ends_after="2026-11-23T22:00:00Z", starts_before="2026-11-24T20:00:00+00:00") == [one, two]
    assert found(starts_after="2026-11-24") == [two]
    assert found(reason="COATING") == [two]
    assert found(reason_exact="mirror washing") == [one]
    assert found(reason_exact="mirror") == []
    assert found(site="exh", telescope=["0m6a", "none"]) == [one, two]
    assert found(site="") == [one, two]
    assert found(order="-start") == [two, one]
    assert found(ordering="-start") == [two, one]
    assert found(ordering="nonsense") == [one, two]
    assert found(limit=1, offset=1) == [two]
    assert found(limit=10_000) == [one, two]
    assert found(unknown="x") == [one, two]
    assert visitor.get("/downtime/api/", {"order": "nonsense"}).status_code == 400
    assert visitor.get("/downtime/api/", {"starts_after": "soon"}).status_code == 400


def test_reads_need_an_account_where_the_setting_says_so(
    visitor: APIClient, astronomer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = configuration().model_copy(update={"read_access_is_public": False})
    monkeypatch.setattr("armillary.downtime.api.configuration", lambda: closed)
    assert visitor.get("/downtime/api/").status_code == 401
    assert astronomer.get("/downtime/api/").status_code == 200


def test_a_telescope_has_a_calendar_that_programs_can_read(operator: APIClient, visitor: APIClient) -> None:
    made = declared(operator, reason="wash, rinse; dry\nand é")
    declared(operator, telescope="0m6a", start="2026-01-01T00:00:00Z", end="2026-01-02T00:00:00Z", reason="long ago")
    answer = visitor.get("/downtime/calendar/exh.doma.0m6a.ics")
    assert answer["Content-Type"].startswith("text/calendar")
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event["uid"] == f"downtime-{made['id']}@testserver"
    assert event.decoded("dtstart") == datetime(2026, 11, 23, 20, tzinfo=UTC)
    assert event.decoded("dtend") == datetime(2026, 11, 23, 22, tzinfo=UTC)
    assert "wash, rinse; dry" in str(event["summary"])


def test_a_calendar_of_a_telescope_with_an_impossible_name_is_empty(visitor: APIClient) -> None:
    answer = visitor.get("/downtime/calendar/e.x.%0aATTACH:y\x11.ics")
    calendar = Calendar.from_ical(answer.content)
    assert calendar.walk("VEVENT") == []
    assert "attach" not in calendar


def test_every_change_wakes_those_who_listen(operator: APIClient) -> None:
    address = f"/downtime/api/{declared(operator)['id']}/"
    operator.patch(address, {"reason": "other"})
    operator.delete(address)
    lines = Change.objects.filter(kind="downtime.changed").order_by("id")
    assert [line.payload["action"] for line in lines] == ["created", "changed", "deleted"]
    assert {line.payload["telescope"] for line in lines} == {"0m6a"}


def test_a_repeated_declaration_with_the_same_key_is_carried_out_once(operator: APIClient) -> None:
    first, again = (
        operator.post("/downtime/api/", TONIGHT, headers={"Idempotency-Key": "one"}).json() for _ in range(2)
    )
    assert first == again
    assert Downtime.objects.count() == 1


@given(
    rule=st.sampled_from(
        ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=DAILY;INTERVAL=3"]
    ),
    count=st.integers(1, 500),
    first=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda it: it.replace(microsecond=0)
    ),
)
@settings(max_examples=30, deadline=None)
def test_the_periods_of_a_rule_are_in_order_at_the_time_of_day_of_the_first(
    rule: str, count: int, first: datetime
) -> None:
    try:
        found = starts(f"{rule};COUNT={count}", first)
    except UnusableRule:
        pytest.fail("these rules are usable")
    assert found == sorted(set(found))
    assert len(found) <= count
    assert found[0] >= first
    assert {moment.timetz() for moment in found} == {first.timetz()}
