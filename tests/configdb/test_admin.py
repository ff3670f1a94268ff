"""The admin pages write through the services: same rules, same history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from armillary.configdb.models import RESOURCES, Instrument, OpticalElementGroup, OpticalElementPlace, Site, Telescope

if TYPE_CHECKING:
    from armillary.accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small")]


@pytest.fixture
def browser(operator_account: User) -> Client:
    client = Client()
    client.force_login(operator_account)
    return client


def address(model: type, *rest: object) -> str:
    return "/".join(["/admin/armillary_configdb", str(model._meta.model_name), *map(str, rest)]) + "/"  # type: ignore[attr-defined]


def fields_of(browser: Client, page: str) -> dict[str, object]:
    """What the form on a page would send as it is."""
    form = browser.get(page).context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    plain = {}
    for name, value in values.items():
        if isinstance(value, list):
            plain[name] = [getattr(each, "pk", each) for each in value]
        elif value is not None and value is not False:
            plain[name] = value
    return plain


def test_every_kind_of_thing_can_be_listed_searched_opened_and_looked_back_at(browser: Client) -> None:
    for model in RESOURCES:
        assert browser.get(address(model), {"q": "a"}).status_code == 200, model
        thing = model._default_manager.first()
        if thing is not None:
            assert browser.get(address(model, thing.pk, "change")).status_code == 200, model
            assert browser.get(address(model, thing.pk, "history")).status_code == 200, model


def test_an_edit_is_kept_with_its_author_and_reason_and_touches_only_what_changed(browser: Client) -> None:
    telescope = Telescope.objects.order_by("id")[0]
    page = address(Telescope, telescope.pk, "change")
    answer = browser.post(page, fields_of(browser, page) | {"horizon": "31", "reason": "new dome"})
    assert answer.status_code == 302
    assert Telescope.objects.get(pk=telescope.pk).horizon == 31.0
    latest = telescope.history.latest()
    assert (latest.history_user.username, latest.history_change_reason) == ("operator", "new dome")


def lines(group: OpticalElementGroup, keys: list[int]) -> dict[str, object]:
    """The lines of its members with these kept, in this order, and the others crossed out."""
    prefix = "opticalelementplace_set"
    rows = list(OpticalElementPlace.objects.filter(opticalelementgroup=group))
    sent: dict[str, object] = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": len(rows)}
    for number, row in enumerate(rows):
        kept = row.opticalelement_id in keys
        sent |= {
            f"{prefix}-{number}-id": row.pk,
            f"{prefix}-{number}-opticalelementgroup": group.pk,
            f"{prefix}-{number}-opticalelement": row.opticalelement_id,
            f"{prefix}-{number}-position": keys.index(row.opticalelement_id) if kept else row.position,
        } | ({} if kept else {f"{prefix}-{number}-DELETE": "on"})
    return sent


def test_members_are_stored_by_the_service_and_what_it_refuses_is_said(browser: Client) -> None:
    group = OpticalElementGroup.objects.order_by("id")[0]
    page = address(OpticalElementGroup, group.pk, "change")
    before = list(group.optical_elements.values_list("pk", flat=True))
    outsiders = [key for key in before if key != group.default_id]
    form = fields_of(browser, page)
    sent = form | lines(group, outsiders)
    assert "is not among its" in browser.post(page, sent, follow=True).content.decode()
    assert group.optical_elements.count() == len(before)
    kept = [outsiders[0], group.default_id]
    assert browser.post(page, form | lines(group, kept)).status_code == 302
    assert list(group.optical_elements.order_by("opticalelementplace__position").values_list("pk", flat=True)) == kept


def test_a_new_site_is_made_and_a_dot_in_its_code_is_refused(browser: Client) -> None:
    form = {
        "code": "new",
        "elevation": "12",
        "timezone": "0",
        "tz": "Etc/UTC",
        "restart": "11:00",
        "lat": "1",
        "long": "2",
    }
    assert b"holds no dot" in browser.post(address(Site, "add"), form | {"code": "a.b"}).content
    assert browser.post(address(Site, "add"), form).status_code == 302
    assert Site.objects.get(code="new").history.get().history_user.username == "operator"


def test_the_states_of_several_instruments_change_together_with_a_reason(browser: Client) -> None:
    keys = list(Instrument.objects.values_list("pk", flat=True))
    form = {"action": "to_standby", "_selected_action": keys, "reason": "winter"}
    assert browser.post(address(Instrument), form).status_code == 302
    assert set(Instrument.objects.values_list("state", flat=True)) == {"STANDBY"}
    assert Instrument.objects.all()[0].history.latest().history_change_reason == "winter"


def test_what_is_in_use_is_not_deleted(browser: Client) -> None:
    site = Site.objects.get()
    answer = browser.post(address(Site, site.pk, "delete"), {"post": "yes"}, follow=True)
    assert "is in use by" in answer.content.decode()
    assert Site.objects.filter(pk=site.pk).exists()


def test_astronomers_do_not_come_in(operator_account: User) -> None:
    from armillary.accounts.services import create_user

    client = Client()
    client.force_login(create_user("kepler"))
    assert client.get(address(Instrument)).status_code == 302
    assert operator_account.is_staff
