"""All 15 resources over HTTP: reading, filters, paging, writing, integrity, permissions, ETags."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from armillary.configdb.models import (
    RESOURCES,
    ConfigurationType,
    Instrument,
    InstrumentType,
    OpticalElementGroup,
    Site,
    Telescope,
)
from armillary.configuration import configuration
from armillary.platform.models import Change

if TYPE_CHECKING:
    from armillary.accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.urls("armillary.configdb.urls")]


def first_address(client: APIClient, name: str) -> str:
    found = client.get(f"/{name}/").json()["results"][0]
    return f"/{name}/{found.get('id', found.get('code'))}/"


@pytest.mark.usefixtures("small")
def test_what_is_read_can_be_sent_back_and_changes_nothing(operator: APIClient, visitor: APIClient) -> None:
    for model in RESOURCES:
        name = model.resource_name()
        if not model._default_manager.exists():
            continue
        address = first_address(visitor, name)
        before = visitor.get(address).json()
        changes = Change.objects.count()
        answer = operator.patch(address, before)
        assert answer.status_code == 200, (name, answer.content)
        assert answer.json() == before, name
        assert Change.objects.count() == changes, name
        assert visitor.options(address).status_code == 200


@pytest.mark.usefixtures("network")
def test_the_whole_network_is_read_in_a_constant_number_of_queries_and_not_sent_twice(visitor: APIClient) -> None:
    with CaptureQueriesContext(connection) as whole:
        answer = visitor.get("/sites/")
    assert len(whole) <= 25
    assert answer.json()["count"] == len(answer.json()["results"]) == Site.objects.count()
    with CaptureQueriesContext(connection) as known:
        again = visitor.get("/sites/", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert len(known) == 1
    with CaptureQueriesContext(connection) as instruments:
        visitor.get("/instruments/")
    assert len(instruments) <= 25


@pytest.mark.usefixtures("small")
def test_any_change_makes_the_etag_of_the_tree_another_one(operator: APIClient, visitor: APIClient) -> None:
    before = visitor.get("/sites/")["ETag"]
    mode = first_address(visitor, "genericmodes")
    operator.patch(mode, {"overhead": 33.5})
    answer = visitor.get("/sites/", headers={"If-None-Match": before})
    assert answer.status_code == 200
    assert '"overhead":33.5' in answer.content.decode().replace(": ", ":")


@pytest.mark.usefixtures("small")
def test_who_says_what_they_have_seen_does_not_overwrite_what_they_have_not(operator: APIClient) -> None:
    address = first_address(operator, "telescopes")
    seen = operator.get(address)["ETag"]
    assert operator.patch(address, {"horizon": 31}, headers={"If-Match": seen}).status_code == 200
    refused = operator.patch(address, {"horizon": 32}, headers={"If-Match": seen})
    assert refused.status_code == 412
    assert operator.get(address).json()["horizon"] == 31.0


@pytest.mark.usefixtures("small")
def test_writing_needs_staff_rights_or_the_permission_for_that_kind(
    visitor: APIClient, astronomer: APIClient, client_of: Callable[[User], APIClient]
) -> None:
    from armillary.accounts.services import create_user

    address = first_address(visitor, "instruments")
    assert visitor.patch(address, {"state": "MANUAL"}).status_code == 401
    assert astronomer.patch(address, {"state": "MANUAL"}).status_code == 403
    assert astronomer.delete(address).status_code == 403
    assert astronomer.post("/sites/", {}).status_code == 403
    technician = create_user("tycho")
    technician.user_permissions.add(
        Permission.objects.get(codename="change_instrument", content_type__app_label="armillary_configdb")
    )
    client = client_of(technician)
    assert client.patch(address, {"state": "MANUAL"}).status_code == 200
    assert client.delete(address).status_code == 403
    assert client.patch(first_address(visitor, "telescopes"), {"horizon": 10}).status_code == 403


@pytest.mark.usefixtures("small")
def test_reads_need_an_account_where_the_setting_says_so(
    visitor: APIClient, astronomer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = configuration().model_copy(update={"read_access_is_public": False})
    monkeypatch.setattr("armillary.configdb.permissions.configuration", lambda: closed)
    for address in ("/sites/", "/instruments/1/", "/instruments/1/history/", "/api/availability_history/"):
        assert visitor.get(address).status_code == 401, address
    assert astronomer.get("/sites/").status_code == 200


@pytest.mark.usefixtures("network")
def test_filters_are_exact_and_an_empty_or_unknown_one_filters_nothing(visitor: APIClient) -> None:
    def count(address: str, **query: Any) -> int:
        answer = visitor.get(address, query)
        assert answer.status_code == 200, answer.content
        return int(answer.json()["count"])

    everything = Instrument.objects.count()
    site = Site.objects.order_by("id")[0]
    telescope = Telescope.objects.order_by("id")[0]
    here = Instrument.objects.filter(telescope__enclosure__site=site).count()
    assert count("/instruments/") == count("/instruments/", site="", code="ignored", limit=3) == everything
    assert count("/instruments/", site=site.code) == here
    assert count("/instruments/", site=site.code.upper()) == 0
    assert count("/instruments/", state=["SCHEDULABLE", "MANUAL", "DISABLED", "STANDBY", "COMMISSIONING"]) == everything
    assert count("/telescopes/", aperture=telescope.aperture) >= 1
    assert count("/telescopes/", enclosure=telescope.enclosure_id) >= 1
    assert count("/enclosures/", site=site.pk) == site.enclosure_set.count()
    assert visitor.get("/instruments/", {"state": "BROKEN"}).status_code == 400
    assert visitor.get("/telescopes/", {"lat": "north"}).status_code == 400
    page = visitor.get("/instruments/", {"limit": 5, "offset": 5, "ordering": "-code"}).json()
    assert len(page["results"]) == 5
    assert page["next"]
    assert page["previous"]


@pytest.mark.usefixtures("small")
def test_a_patch_of_configuration_types_touches_that_instrument_type_alone(operator: APIClient) -> None:
    one, other = InstrumentType.objects.order_by("id")[:2]
    before = operator.get(f"/instrumenttypes/{other.pk}/").json()
    kinds = ConfigurationType.objects.count()
    body = {"configuration_types": [{"configuration_type": "EXPOSE"}], "default_configuration_type": "EXPOSE"}
    answer = operator.patch(f"/instrumenttypes/{one.pk}/", body)
    assert answer.status_code == 200, answer.content
    assert [each["code"] for each in answer.json()["configuration_types"]] == ["EXPOSE"]
    assert operator.get(f"/instrumenttypes/{other.pk}/").json() == before
    assert ConfigurationType.objects.count() == kinds


@pytest.mark.usefixtures("small")
def test_what_is_in_use_is_not_deleted_and_the_refusal_says_by_what(operator: APIClient) -> None:
    names = (
        "sites",
        "telescopes",
        "cameratypes",
        "opticalelements",
        "instrumenttypes",
        "configurationtypes",
        "modetypes",
    )
    for name in names:
        answer = operator.delete(first_address(operator, name))
        assert answer.status_code == 409, name
        assert answer.json()["used_by"], name
        assert "is in use by" in answer.json()["detail"]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("telescopes", {"code": "a.b"}, "code"),
    ("telescopes", {"horizon": 91}, "horizon"),
    ("telescopes", {"enclosure_id": 99999}, "enclosure_id"),
    ("sites", {"tz": "Mars/Olympus"}, "tz"),
    ("instruments", {"state": "BROKEN"}, "state"),
    ("instruments", {"autoguider_camera_id": 99999}, "autoguider_camera_id"),
    ("instruments", {"science_cameras_ids": [99999]}, "science_cameras_ids"),
    ("instrumenttypes", {"default_configuration_type": "nop"}, "default_configuration_type"),
    ("instrumenttypes", {"validation_schema": {"a": {"type": "nop"}}}, "validation_schema"),
    ("instrumenttypes", {"configuration_types": [{}]}, "configuration_types"),
    ("genericmodegroups", {"modes": [{}]}, "modes"),
    ("opticalelementgroups", {"optical_elements": [{}]}, "optical_elements"),
    ("genericmodes", {"validation_schema": {"a": {"no such rule": 1}}}, "validation_schema"),
    ("configurationtypeproperties", {"validation_schema": {"a": 1}}, "validation_schema"),
    ("genericmodes", {"validation_schema": {"a": []}}, "validation_schema"),
    ("genericmodes", {"validation_schema": {"a": {"anyof": [[]]}}}, "validation_schema"),
    ("opticalelementgroups", {"default": "not one of them"}, "default"),
    ("opticalelementgroups", {"type": "filter"}, "type"),
    ("genericmodegroups", {"default": "not one of them"}, "default"),
    ("cameras", {"orientation": 400}, "orientation"),
    ("configurationtypes", {"code": "OTHER"}, "code"),
]


@pytest.mark.usefixtures("small")
def test_what_would_break_the_consumers_is_refused_on_its_field(operator: APIClient) -> None:
    for name, body, field in REFUSED:
        answer = operator.patch(first_address(operator, name), body)
        assert answer.status_code == 400, (name, body, answer.content)
        assert field in answer.json(), (name, body, answer.content)


@pytest.mark.usefixtures("small")
def test_codes_are_unique_where_others_look_things_up_by_them(operator: APIClient) -> None:
    telescope = Telescope.objects.order_by("id")[0]
    body = operator.get(f"/telescopes/{telescope.pk}/").json() | {"enclosure_id": telescope.enclosure_id}
    twice = operator.post("/telescopes/", body)
    assert twice.status_code == 400
    site = operator.get(first_address(operator, "sites")).json()
    assert operator.post("/sites/", site).status_code == 400


@pytest.mark.usefixtures("small")
def test_a_group_can_be_emptied_and_its_default_taken_away(operator: APIClient) -> None:
    group = OpticalElementGroup.objects.order_by("id")[0]
    answer = operator.patch(f"/opticalelementgroups/{group.pk}/", {"optical_elements": [], "default": ""})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["optical_elements"], answer.json()["default"]) == ([], "")


def test_an_observatory_can_be_built_over_the_api_in_the_order_of_the_reference(operator: APIClient) -> None:
    def make(resource: str, /, **body: Any) -> Any:
        answer = operator.post(f"/{resource}/", body)
        assert answer.status_code == 201, (resource, answer.content)
        return answer.json()

    site = make("sites", code="tst", timezone=0, elevation=10)
    enclosure = make("enclosures", code="doma", site_id=site["id"])
    limits = {"lat": 1, "long": 2, "horizon": 15, "ha_limit_pos": 4.5, "ha_limit_neg": -4.5, "aperture": 1}
    telescope = make("telescopes", code="1m0a", enclosure_id=enclosure["id"], **limits)
    detector = make("cameratypes", name="CCD", code="CCD", size="10 x 10", pscale=1)
    group = make("opticalelementgroups", name="wheel", type="filters", optical_elements=[{"code": "V", "name": "V"}])
    camera = make("cameras", code="c1", camera_type_id=detector["id"], optical_element_group_ids=[group["id"]])
    make("instrumentcategories", code="IMAGE")
    make("configurationtypes", code="EXPOSE", name="Exposure")
    kind = make("instrumenttypes", name="Imager", code="1M0-X", instrument_category="IMAGE",
                configuration_types=[{"configuration_type": "EXPOSE"}])  # fmt: skip
    make("modetypes", id="readout") if operator.get("/modetypes/readout/").status_code == 404 else None
    modes = [{"code": "full", "name": "Full", "overhead": 5}]
    make("genericmodegroups", type="readout", instrument_type=kind["id"], modes=modes, default="full")
    ids = {"telescope_id": telescope["id"], "instrument_type_id": kind["id"], "autoguider_camera_id": camera["id"]}
    instrument = make("instruments", code="i1", state="SCHEDULABLE", science_cameras_ids=[camera["id"]], **ids)
    assert instrument["__str__"] == "tst.doma.1m0a.i1"
    tree = operator.get("/sites/").json()["results"][0]
    (found,) = tree["enclosure_set"][0]["telescope_set"][0]["instrument_set"]
    assert found == instrument
    assert isinstance(found["science_cameras"][0]["camera_type"]["pscale"], float)
    assert json.dumps(tree).count("validation_schema") == 3
