"""Who sees which frames. What somebody may not see does not exist for them, wherever they look."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from astropy.io import fits
from rest_framework.test import APIClient

from armillary.accounts.models import User
from armillary.accounts.permissions import ROLES, Permission, Role
from armillary.accounts.services import create_user
from armillary.archive.models import Frame, RightsChange
from armillary.ingester import IngestedFrame

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(members: Callable[..., None]) -> User:
    user = create_user("halley")
    members(user, "night-one")
    return user


@pytest.fixture
def outsider(members: Callable[..., None]) -> User:
    user = create_user("hooke")
    members(user, "another")
    return user


def _everywhere(key: int) -> list[str]:
    return [
        f"/archive/frames/{key}/",
        f"/frames/{key}/headers/",
        f"/frames/{key}/related/",
        f"/frame-funpack/{key}/funpack/",
        f"/frame-catalog/{key}/catalog/",
    ]


def test_whoever_is_permitted_to_store_frames_stores_them_and_reads_all(
    record: Callable[..., dict[str, Any]], client_of: Callable[..., APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(create_user("operator", is_staff=True))
    assert client.post("/frames/", record("one-e00")).status_code == 403
    monkeypatch.setitem(
        cast("dict[Role, frozenset[Permission]]", ROLES),
        Role.OPERATOR,
        ROLES[Role.OPERATOR] | {Permission.STORE_FRAMES},
    )
    answer = client.post("/frames/", record("one-e00", public_date="2999-01-01T00:00:00"))
    assert answer.status_code == 201
    assert client.get(f"/frames/{answer.json()['id']}/").status_code == 200


def test_a_private_frame_exists_nowhere_for_others(
    taken_in: Callable[..., IngestedFrame], stranger: APIClient, outsider: User, client_of: Callable[..., APIClient]
) -> None:
    key = taken_in("p-e91.fits.fz", RLEVEL=91).frame_id
    assert key is not None
    for client in (stranger, client_of(outsider)):
        assert client.get("/frames/").json()["results"] == []
        assert client.get("/thumbnails/").json()["results"] == []
        assert [client.get(address).status_code for address in _everywhere(key)] == [404] * 5
        assert client.post("/frames/zip/", {"frame_ids": [key]}).status_code == 404
        assert client.get("/frames/aggregate/").json()["proposals"] == []


def test_a_member_of_the_proposal_sees_it(
    taken_in: Callable[..., IngestedFrame], member: User, client_of: Callable[..., APIClient]
) -> None:
    key = taken_in().frame_id
    client = client_of(member)
    assert [frame["id"] for frame in client.get("/frames/").json()["results"]] == [key]
    assert client.get(f"/frames/{key}/headers/").json()["data"]["PROPID"] == "night-one"
    assert client.get("/frames/aggregate/").json()["proposals"] == ["night-one"]
    assert client.get("/archive/profile/").json() == {
        "username": "halley", "profile": {"proposals": ["night-one"]}, "is_staff": False,
    }  # fmt: skip


def test_a_frame_becomes_public_on_its_date(
    taken_in: Callable[..., IngestedFrame], stranger: APIClient, set_clock: Callable[..., None]
) -> None:
    key = taken_in(L1PUBDAT="2027-01-01T00:00:00").frame_id
    set_clock(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert stranger.get(f"/frames/{key}/").status_code == 404
    set_clock(datetime(2027, 1, 1, 0, 1, tzinfo=UTC))
    assert stranger.get(f"/frames/{key}/").status_code == 200


def test_calibrations_are_public_at_once(taken_in: Callable[..., IngestedFrame], stranger: APIClient) -> None:
    key = taken_in(OBSTYPE="BIAS", PROPID="calibrate", DATE_OBS="2020-01-01T00:00:00").frame_id
    assert stranger.get(f"/frames/{key}/").status_code == 200


def test_ids_of_hidden_relatives_are_not_told(
    web: APIClient, stranger: APIClient, record: Callable[..., dict[str, Any]]
) -> None:
    hidden = web.post("/frames/", record("hidden-e00")).json()["id"]
    shown = web.post(
        "/frames/", record(public_date="2020-01-01T00:00:00", related_frame_filenames=["hidden-e00"])
    ).json()
    assert shown["related_frames"] == [hidden]
    assert stranger.get(f"/frames/{shown['id']}/").json()["related_frames"] == []
    assert stranger.get(f"/frames/{shown['id']}/related/").json() == []
    assert [frame["id"] for frame in web.get(f"/frames/{shown['id']}/related/").json()] == [hidden]


def test_a_name_that_only_was_referred_to_is_no_frame(web: APIClient, record: Callable[..., dict[str, Any]]) -> None:
    web.post("/frames/", record(related_frame_filenames=["not-yet-b00"]))
    stub = Frame.objects.get(basename="not-yet-b00")
    assert web.get(f"/frames/{stub.pk}/").status_code == 404
    assert len(web.get("/frames/").json()["results"]) == 1


def test_only_superusers_write(
    stranger: APIClient, member: User, client_of: Callable[..., APIClient], record: Callable[..., dict[str, Any]]
) -> None:
    assert stranger.post("/frames/", record()).status_code == 401
    assert client_of(member).post("/frames/", record()).status_code == 403
    assert client_of(member).put("/archive/store/a/b.fits", b"x", content_type="image/fits").status_code == 403
    assert stranger.get("/versions/?md5=0").status_code == 401
    assert client_of(member).get("/versions/?md5=0").status_code == 403


def test_a_change_of_rights_is_remembered(
    web: APIClient, stranger: APIClient, record: Callable[..., dict[str, Any]]
) -> None:
    key = web.post("/frames/", record()).json()["id"]
    answer = web.patch(f"/frames/{key}/", {"public_date": "2021-01-01T00:00:00Z", "reason": "press release"})
    assert answer.json()["public_date"] == "2021-01-01T00:00:00Z"
    assert stranger.get(f"/frames/{key}/").status_code == 200
    change = RightsChange.objects.get()
    assert (change.changed_by, change.reason) == ("ingester", "press release")
    assert change.public_date_after == datetime(2021, 1, 1, tzinfo=UTC)
    (told,) = web.get(f"/frames/{key}/rights/").json()
    assert (told["changed_by"], told["reason"], told["public_date_after"]) == (
        "ingester", "press release", "2021-01-01T00:00:00Z",
    )  # fmt: skip
    assert stranger.get(f"/frames/{key}/rights/").json() == []
    assert stranger.get("/frames/999999/rights/").status_code == 404


def test_a_zip_holds_the_frames_that_exist_for_the_caller(
    taken_in: Callable[..., IngestedFrame], member: User, client_of: Callable[..., APIClient], fits_file: Any
) -> None:
    del fits_file
    mine, other = taken_in("mine-e00.fits"), taken_in("other-e00.fits", PROPID="secret")
    answer = client_of(member).post("/frames/zip/", {"frame_ids": [mine.frame_id, other.frame_id, 999_999]})
    content = b"".join(answer.streaming_content)
    assert int(answer["Content-Length"]) == len(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert [Path(name).name for name in archive.namelist()] == ["mine-e00.fits"]


def test_a_browser_may_post_its_token_in_the_form(
    taken_in: Callable[..., IngestedFrame], superuser: User, stranger: APIClient
) -> None:
    from armillary.accounts.services import api_token

    key = taken_in().frame_id
    form = {"frame_ids[0]": str(key), "auth_token": api_token(superuser)}
    answer = stranger.post("/frames/zip/", form, format="multipart")
    assert answer.status_code == 200
    answer.close()
    for nonsense in ("nonsense", "κλειδί", "two words"):
        answer = stranger.post("/frames/zip/", form | {"auth_token": nonsense}, format="multipart")
        assert answer.status_code == 404


def test_a_packed_frame_can_be_fetched_unpacked(
    taken_in: Callable[..., IngestedFrame], web: APIClient, fits_file: Callable[..., Path]
) -> None:
    del fits_file
    key = taken_in("packed-e00.fits.fz").frame_id
    answer = web.get(f"/frame-funpack/{key}/funpack/")
    content = b"".join(answer.streaming_content)
    answer.close()
    with fits.open(io.BytesIO(content)) as units:
        assert units[0].data.shape == (64, 64)
        assert units[0].header["OBJECT"] == "M42"
        assert "ZIMAGE" not in units[0].header
    answer = web.post("/frames/zip/", {"frame_ids": [key], "uncompress": True})
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert [Path(name).name for name in archive.namelist()] == ["packed-e00.fits"]
        assert archive.read(archive.namelist()[0]) == content


def test_a_frame_without_a_catalogue_says_so(taken_in: Callable[..., IngestedFrame], web: APIClient) -> None:
    answer = web.get(f"/frame-catalog/{taken_in().frame_id}/catalog/")
    assert answer.status_code == 400
    assert "no catalogue" in answer.json()["non_field_errors"][0]


def test_what_the_archive_says_of_a_frame_can_be_corrected(
    web: APIClient, record: Callable[..., dict[str, Any]], member: User, client_of: Callable[..., APIClient]
) -> None:
    body = record(headers={"AIRMASS": 1.5})
    key = web.post("/frames/", body).json()["id"]
    square = [[10.0, 10.0], [11.0, 10.0], [11.0, 11.0], [10.0, 11.0], [10.0, 10.0]]
    changed = web.patch(
        f"/frames/{key}/",
        {
            "target_name": "M43",
            "headers": {"AIRMASS": 2.5},
            "area": {"type": "Polygon", "coordinates": [square]},
            "related_frame_filenames": ["bias-1"],
        },
    ).json()
    assert (changed["target_name"], len(changed["related_frames"])) == ("M43", 1)
    assert web.get("/frames/?airmass_min=2&covers=POINT(10.5 10.5)").json()["results"][0]["id"] == key
    assert web.get("/frames/?airmass_max=2").json()["results"] == []
    assert RightsChange.objects.count() == 0
    whole = {name: value for name, value in body.items() if name != "version_set"} | {"target_name": "M44"}
    again = web.put(f"/frames/{key}/", whole).json()
    assert (again["target_name"], len(again["version_set"]), "area" in again) == ("M44", 1, False)
    assert client_of(member).put(f"/frames/{key}/", whole).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"basename": "other-e00"}, "basename"),
        ({"observation_date": None}, "observation_date"),
        ({"configuration_type": "PARTY"}, "configuration_type"),
        ({"area": {"type": "Point"}}, "area"),
    ],
)
def test_a_correction_that_makes_no_sense_is_refused(
    web: APIClient, record: Callable[..., dict[str, Any]], change: dict[str, Any], field: str
) -> None:
    key = web.post("/frames/", record()).json()["id"]
    answer = web.patch(f"/frames/{key}/", change)
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert web.put(f"/frames/{key}/", change).status_code == 400
    assert web.patch("/frames/999999/", change).status_code == 404


def test_a_download_of_many_can_be_broken_off_and_continued_by_its_list(
    taken_in: Callable[..., IngestedFrame], web: APIClient, stranger: APIClient
) -> None:
    plain, packed = taken_in("mine-e00.fits"), taken_in("packed-e00.fits.fz")
    keys = [plain.frame_id, packed.frame_id]
    answer = web.post("/frames/zip/", {"frame_ids": keys, "manifest": True})
    assert answer["Content-Type"].startswith("text/plain")
    lines = [line.split(" ", 3) for line in answer.content.decode().splitlines()]
    assert {(int(size), name.rpartition("/")[2]) for _, size, _, name in lines} == {
        (plain.size_bytes, plain.filename), (packed.size_bytes, packed.filename),
    }  # fmt: skip
    for _, size, address, _ in lines:
        rest = stranger.get(address, headers={"Range": "bytes=100-"})
        assert rest.status_code == 206
        assert len(b"".join(rest.streaming_content)) == int(size) - 100
    unpacked = web.post("/frames/zip/", {"frame_ids": keys, "manifest": True, "uncompress": True}).content.decode()
    assert f"/frame-funpack/{packed.frame_id}/funpack/" in unpacked
