"""Who changed what, when and why; going back; and when things could be used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary.configdb.models import Instrument, InstrumentType, OpticalElementGroup, Site, Telescope

pytestmark = [pytest.mark.django_db, pytest.mark.urls("armillary.configdb.urls")]


def moment(month: int, day: int = 1) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


@pytest.fixture
def built(set_clock: Callable[..., None], request: pytest.FixtureRequest) -> Instrument:
    """The small observatory, put into the database on 1 January."""
    set_clock(moment(1))
    request.getfixturevalue("small")
    return Instrument.objects.filter(state="SCHEDULABLE").order_by("id")[0]


def versions(client: APIClient, address: str) -> list[dict[str, Any]]:
    answer = client.get(f"{address}history/")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def test_a_change_is_kept_with_its_author_its_time_and_its_reason(
    operator: APIClient, built: Instrument, set_clock: Callable[..., None]
) -> None:
    set_clock(moment(2))
    address = f"/instruments/{built.pk}/"
    answer = operator.patch(address, {"state": "MANUAL"}, headers={"X-Reason": "shutter sticks"})
    assert answer.status_code == 200
    newest, oldest = versions(operator, address)
    assert newest["by"] == "operator"
    assert newest["reason"] == "shutter sticks"
    assert newest["at"] == "2026-02-01T00:00:00Z"
    assert newest["changes"] == [{"field": "state", "before": "SCHEDULABLE", "after": "MANUAL"}]
    assert oldest["action"] == "created"


def test_a_patch_that_changes_nothing_leaves_no_version(operator: APIClient, built: Instrument) -> None:
    operator.patch(f"/instruments/{built.pk}/", {"state": built.state})
    assert len(versions(operator, f"/instruments/{built.pk}/")) == 1


def test_visitors_see_what_changed_but_not_who_did_it(visitor: APIClient, built: Instrument) -> None:
    assert "by" not in versions(visitor, f"/instruments/{built.pk}/")[0]


@pytest.mark.usefixtures("small")
def test_members_stand_in_the_history_in_their_order(operator: APIClient) -> None:
    group = OpticalElementGroup.objects.order_by("id")[0]
    keys = [element.pk for element in group.optical_elements.order_by("opticalelementplace__position")]
    kept = keys[:2][::-1]
    default = group.optical_elements.get(pk=kept[0]).code
    body = {"optical_element_ids": kept, "default": default}
    assert operator.patch(f"/opticalelementgroups/{group.pk}/", body).status_code == 200
    newest = versions(operator, f"/opticalelementgroups/{group.pk}/")[0]
    assert {"field": "optical_elements", "before": keys, "after": kept} in newest["changes"]


@pytest.mark.usefixtures("small")
def test_going_back_restores_fields_and_members_and_is_itself_kept(operator: APIClient) -> None:
    group = OpticalElementGroup.objects.order_by("id")[0]
    address = f"/opticalelementgroups/{group.pk}/"
    before = operator.get(address).json()
    first = versions(operator, address)[0]["id"]
    operator.patch(address, {"optical_elements": [{"code": "new", "name": "New"}], "default": "new", "name": "other"})
    answer = operator.post(f"{address}history/{first}/revert/")
    assert answer.status_code == 200, answer.content
    assert answer.json() == before == operator.get(address).json()
    assert len(versions(operator, address)) == 3
    assert versions(operator, address)[0]["reason"].startswith("back to the version of")


def test_what_was_deleted_has_its_history_and_can_be_brought_back(operator: APIClient, built: Instrument) -> None:
    address = f"/instruments/{built.pk}/"
    before = operator.get(address).json()
    assert operator.delete(address).status_code == 204
    assert operator.get(address).status_code == 404
    last = versions(operator, address)[0]
    assert last["action"] == "deleted"
    assert operator.post(f"{address}history/{last['id']}/revert/").status_code == 200
    assert operator.get(address).json() == before


def test_going_back_to_something_that_needs_what_is_gone_is_refused_and_says_what(
    operator: APIClient, built: Instrument
) -> None:
    kind, guider = built.instrument_type, built.autoguider_camera
    group = OpticalElementGroup.objects.create(name="slide", type="gratings")
    address = f"/cameras/{guider.pk}/"
    operator.patch(address, {"optical_element_group_ids": [group.pk]})
    with_group = versions(operator, address)[0]["id"]
    operator.patch(address, {"optical_element_group_ids": []})
    assert operator.delete(f"/opticalelementgroups/{group.pk}/").status_code == 204
    answer = operator.post(f"{address}history/{with_group}/revert/")
    assert answer.status_code == 400, answer.content
    assert f"optical element group {group.pk}" in answer.json()["optical_element_groups"][0]
    assert InstrumentType.objects.filter(pk=kind.pk).exists()


def test_going_back_needs_the_right_to_change(astronomer: APIClient, operator: APIClient, built: Instrument) -> None:
    address = f"/instruments/{built.pk}/"
    version = versions(operator, address)[0]["id"]
    assert astronomer.post(f"{address}history/{version}/revert/").status_code == 403
    assert operator.post(f"{address}history/999999/revert/").status_code == 404


def availability(client: APIClient, **query: str) -> list[tuple[str, str]]:
    answer = client.get("/api/availability_history/", query)
    assert answer.status_code == 200, answer.content
    return [(span["start"][:10], span["end"][:10]) for span in answer.json()["availability_intervals"]]


def test_availability_is_what_states_and_the_flags_of_all_places_allow_clipped_to_the_question(
    operator: APIClient, visitor: APIClient, built: Instrument, set_clock: Callable[..., None]
) -> None:
    telescope = built.telescope
    enclosure, site = telescope.enclosure, telescope.enclosure.site
    changes = [
        (2, f"/instruments/{built.pk}/", {"state": "MANUAL"}),
        (3, f"/instruments/{built.pk}/", {"state": "SCHEDULABLE"}),
        (4, f"/enclosures/{enclosure.pk}/", {"active": False}),
        (5, f"/enclosures/{enclosure.pk}/", {"active": True}),
        (6, f"/sites/{site.pk}/", {"active": False}),
        (7, f"/sites/{site.pk}/", {"active": True}),
        (8, f"/telescopes/{telescope.pk}/", {"active": False}),
    ]
    for month, address, body in changes:
        set_clock(moment(month))
        assert operator.patch(address, body).status_code == 200
    set_clock(moment(9))
    spans = [("2026-07-01", "2026-08-01"), ("2026-05-01", "2026-06-01"), ("2026-03-01", "2026-04-01")]
    name = f"{site.code}.{enclosure.code}.{telescope.code}.{built.code}"
    assert availability(visitor, instrument_id=name) == [*spans, ("2026-01-01", "2026-02-01")]
    assert availability(visitor, instrument_id=name, start="2026-03-15T00:00:00", end="2026-05-16 02:00+02:00") == [
        ("2026-05-01", "2026-05-16"),
        ("2026-03-15", "2026-04-01"),
    ]


def test_a_telescope_was_available_also_with_an_instrument_that_is_gone(
    operator: APIClient, visitor: APIClient, built: Instrument, set_clock: Callable[..., None]
) -> None:
    telescope = built.telescope
    for instrument in telescope.instrument_set.exclude(pk=built.pk):
        operator.delete(f"/instruments/{instrument.pk}/")
    set_clock(moment(2))
    operator.delete(f"/instruments/{built.pk}/")
    place = {"site_id": telescope.enclosure.site.code, "enclosure_id": telescope.enclosure.code}
    assert availability(visitor, telescope_id=telescope.code, **place) == [("2026-01-01", "2026-02-01")]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({}, 400, "Must supply either instrument_id or"),
        ({"instrument_id": "nop"}, 404, "nop"),
        ({"site_id": "a", "enclosure_id": "b", "telescope_id": "c"}, 404, "a.b.c"),
        ({"instrument_id": "im01", "start": "the day before"}, 400, "Cannot parse"),
        ({"instrument_id": "<script>"}, 404, "&lt;script>"),
    ],
)
@pytest.mark.usefixtures("small")
def test_a_question_about_availability_that_makes_no_sense_is_refused_in_plain_text(
    visitor: APIClient, query: dict[str, str], status: int, words: str
) -> None:
    answer = visitor.get("/api/availability_history/", query)
    assert answer.status_code == status
    assert words in answer.content.decode()


@pytest.mark.usefixtures("network")
def test_a_code_that_several_instruments_share_must_be_given_in_full(visitor: APIClient) -> None:
    codes = list(Instrument.objects.values_list("code", flat=True))
    shared = next((code for code in codes if codes.count(code) > 1), None)
    if shared is None:
        one, other = Instrument.objects.order_by("id")[:2]
        if one.telescope_id == other.telescope_id:
            other.telescope = Telescope.objects.exclude(pk=one.telescope_id)[0]
        Instrument.objects.filter(pk=other.pk).update(code=one.code, telescope=other.telescope)
        shared = one.code
    answer = visitor.get("/api/availability_history/", {"instrument_id": shared})
    assert answer.status_code == 400
    assert f".{shared}" in answer.content.decode()
    assert Site.objects.count() > 1
