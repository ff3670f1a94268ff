"""What can be searched by, and that pages are right."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from armillary.archive import paging
from armillary.archive.models import Frame
from armillary.configdb.services.importing import import_observatory

pytestmark = pytest.mark.django_db(transaction=True)


def _square(ra: float, dec: float, half: float = 0.2) -> dict[str, Any]:
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    return {"type": "Polygon", "coordinates": [[[(ra + x) % 360, dec + y] for x, y in corners]]}


@pytest.fixture
def post(web: APIClient, record: Callable[..., dict[str, Any]]) -> Callable[..., str]:
    def make(**changes: Any) -> str:
        answer = web.post("/frames/", record(**changes))
        assert answer.status_code == 201, answer.content
        return str(answer.json()["basename"])

    return make


def _found(client: APIClient, query: str) -> set[str]:
    answer = client.get(f"/frames/?{query}")
    assert answer.status_code == 200, answer.content
    return {frame["basename"] for frame in answer.json()["results"]}


@pytest.mark.parametrize(
    ("changes", "hit", "miss"),
    [
        ({"target_name": "Café"}, "target_name=caf", "target_name=tea"),
        ({"target_name": "M42"}, "target_name_exact=M42", "target_name_exact=m42"),
        ({"request_id": 5}, "REQNUM=5", "request_id=6"),
        ({"observation_id": 5}, "BLKUID=5", "observation_id=99999999999999999999"),
        ({"exposure_time": 30.0}, "exposure_time=30", "EXPTIME=30.1"),
        ({"exposure_time": 30.0}, "exposure_time_max=30", "exposure_time_max=29"),
        ({"configuration_type": "BIAS"}, "OBSTYPE=BIAS", "exclude_OBSTYPE=BIAS"),
        ({"configuration_type": "BIAS"}, "include_configuration_type=BIAS", "exclude_calibrations=true"),
        ({"observation_day": "2026-11-22"}, "dayobs=2026-11-22", "DAY_OBS=2026-11-23"),
        ({}, "start=2026-11-23&end=2026-11-24", "start=2026-11-24"),
        ({}, "mjd_min=61367&mjd_max=61368", "mjd_min=61368"),
        ({"headers": {"AIRMASS": 1.5}}, "airmass_max=1.6&airmass_min=1.4", "airmass_max=1.4"),
        ({"headers": {"USERID": "kepler"}}, "submitter=kepler", "submitter=brahe"),
        ({"headers": {"MOONFRAC": 0.3}}, "word.MOONFRAC.max=0.5", "word.MOONFRAC=0.5"),
        ({"headers": {"MOLUID": "a7"}}, "word.MOLUID=a7", "word.MOLUID=a8"),
        ({"basename": "abc-e00"}, "basename=BC-E", "basename_exact=abc"),
        ({"target_name": ""}, "empty_target_name=yes", "OBJECT=x"),
    ],
)
def test_a_filter_finds_and_leaves_out(
    post: Callable[..., str], web: APIClient, changes: dict[str, Any], hit: str, miss: str
) -> None:
    name = post(**changes)
    assert _found(web, hit) == {name}
    assert _found(web, miss) == set()


@pytest.mark.parametrize(
    ("query", "field", "text"),
    [
        ("start=yesterday", "start", "Enter a valid date/time."),
        ("reduction_level=high", "reduction_level", "Enter a number."),
        ("exclude_configuration_type=X", "exclude_configuration_type", "Select a valid choice. X is not one"),
        ("covers=junk", "covers", "expected POINT(ra dec)"),
        ("covers=POINT(400 95)", "covers", "is not a right ascension"),
        ("intersects=POLYGON((0 0, 1 1, 0 1, 1 0, 0 0))", "intersects", "crosses itself"),
        ("ra=1&dec=2", "radius", "give ra, dec and radius"),
        ("ra=1&dec=2&radius=-1", "radius", "between 0 and 90"),
        ("name=Nowhere", "name", "not known here"),
        ("public=maybe", "public", "Enter true or false."),
        ("word.SECRET=1", "word.SECRET", "can be searched by these header keywords"),
        ("mjd_min=1e40", "mjd_min", "not a modified Julian date"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_with_the_reason(
    stranger: APIClient, query: str, field: str, text: str
) -> None:
    answer = stranger.get(f"/frames/?{query}")
    assert answer.status_code == 400
    assert text in answer.json()[field][0]


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (359.95, 45.0), (180.0, -30.0), (10.0, 89.9), (200.0, -89.8)])
def test_a_footprint_is_found_by_cone_point_and_polygon_anywhere_on_the_sky(
    post: Callable[..., str], web: APIClient, ra: float, dec: float
) -> None:
    half = 0.05 if abs(dec) > 80 else 0.2
    here = post(area=_square(ra, dec, half))
    post(area=_square((ra + 120) % 360, -dec * 0.5, half))
    signed = ra - 360 if ra > 180 else ra
    assert _found(web, f"covers=POINT({ra} {dec})") == {here}
    assert _found(web, f"covers=POINT({signed} {dec})") == {here}
    assert _found(web, f"ra={ra}&dec={dec}&radius=0.001") == {here}
    assert _found(web, f"ra={ra}&dec={dec - half - 0.02 if dec > 0 else dec + half + 0.02}&radius=0.03") == {here}
    assert _found(web, f"ra={ra}&dec={dec - 3 if dec > 0 else dec + 3}&radius=1") == set()


def test_an_object_is_found_by_its_name(post: Callable[..., str], web: APIClient) -> None:
    orion = post(area=_square(83.82, -5.39))
    post(area=_square(10.68, 41.27))
    assert _found(web, "name=M 42") == {orion}
    assert _found(web, "name=orion nebula&radius=0.1") == {orion}


@pytest.mark.parametrize("search", ["", "&ra=10&dec=10&radius=1", "&covers=POINT(10 10)"])
def test_pages_are_complete_and_never_overlap(
    post: Callable[..., str], web: APIClient, monkeypatch: pytest.MonkeyPatch, search: str
) -> None:
    monkeypatch.setattr(paging, "COUNTED", 3)  # so that few rows are "very many"
    moment = datetime(2026, 11, 23, tzinfo=UTC).isoformat()
    names = [post(observation_date=moment, area=_square(10, 10)) for _ in range(12)]
    for style in ("", "&pagination_style=cursor"):
        address: str | None = f"/frames/?limit=2{style}{search}"
        seen: list[str] = []
        while address:
            body = web.get(address).json()
            seen += [frame["basename"] for frame in body["results"]]
            address = body["next"]
            if not style:
                assert len(seen) <= body["count"]
                assert body["count_estimated"]
                assert (body["count"] > len(seen)) == (address is not None)
        assert sorted(seen) == sorted(names)
    assert web.get(f"/frames/?limit=2&force_count=1{search}").json()["count"] == 12
    assert web.get(f"/frames/?limit=2&offset=20{search}").json()["results"] == []


@pytest.mark.parametrize(
    "ordering",
    ["exposure_time", "-exposure_time", "target_name", "-observation_date,exposure_time", "id", "-proposal_id"],
)
def test_cursors_lead_through_rows_that_are_alike_or_empty_and_back(
    post: Callable[..., str], web: APIClient, ordering: str
) -> None:
    names = [
        post(exposure_time=exposure, target_name=target)
        for exposure, target in zip((None, 1.5, None, 30.0, 30.0, 30.0, None), "aabbbcc", strict=True)
    ]
    whole = [frame["basename"] for frame in web.get(f"/frames/?ordering={ordering}").json()["results"]]
    assert sorted(whole) == sorted(names)
    forth, back = [], []
    body = web.get(f"/frames/?ordering={ordering}&limit=2&pagination_style=cursor").json()
    assert body["previous"] is None
    while True:
        forth.append([frame["basename"] for frame in body["results"]])
        if body["next"] is None:
            break
        body = web.get(body["next"]).json()
    while body["previous"] is not None:
        body = web.get(body["previous"]).json()
        back.insert(0, [frame["basename"] for frame in body["results"]])
    assert [name for page in forth for name in page] == whole
    assert [name for page in back for name in page] == whole[: sum(len(page) for page in forth[:-1])]


@pytest.mark.parametrize(
    "cursor", ["junk", "W10=", "W3RydWUsIFsxXV0=", "bnVsbA==", "W2ZhbHNlLCBbInllc3RlcmRheSIsICIxIl1d"]
)
def test_a_cursor_that_was_not_given_out_is_refused(stranger: APIClient, cursor: str) -> None:
    answer = stranger.get(f"/frames/?pagination_style=cursor&cursor={cursor}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Invalid cursor"})


def test_any_page_takes_few_queries(
    post: Callable[..., str], web: APIClient, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(20):
        post(related_frame_filenames=[f"bias-{number}", f"dark-{number}"], area=_square(10, 10))
    for query in (
        "",
        "covers=POINT(10 10)",
        "include_thumbnails=true",
        "ordering=exposure_time&offset=5",
        "submitter=kepler",
    ):
        with django_assert_max_num_queries(8):
            web.get(f"/frames/?limit=100&{query}")


def test_the_aggregate_of_an_empty_archive_is_empty(stranger: APIClient) -> None:
    answer = stranger.get("/frames/aggregate/")
    assert answer.status_code == 200
    assert {key: answer.json()[key] for key in ("sites", "proposals", "filters")} == {
        "sites": [], "proposals": [], "filters": [],
    }  # fmt: skip


def test_the_aggregate_of_a_period_needs_both_ends_and_at_most_a_year(stranger: APIClient) -> None:
    assert stranger.get("/frames/aggregate/?start=2026-01-01").status_code == 400
    assert stranger.get("/frames/aggregate/?start=2024-01-01&end=2026-01-01").status_code == 400
    assert stranger.get("/frames/aggregate/?start=junk&end=2026-01-01").json() == {
        "start": ["Enter a valid date/time."]
    }


def test_the_aggregate_counts_the_caller_s_own_and_public_frames(
    post: Callable[..., str], web: APIClient, stranger: APIClient
) -> None:
    now = datetime(2026, 11, 23, 2, tzinfo=UTC)
    post(public_date="2020-01-01T00:00:00Z", proposal_id="open")
    post(proposal_id="closed")
    period = f"start={(now - timedelta(days=1)):%Y-%m-%d}&end={(now + timedelta(days=1)):%Y-%m-%d}"
    assert stranger.get(f"/frames/aggregate/?{period}&public=true").json()["proposals"] == ["open"]
    assert stranger.get(f"/frames/aggregate/?{period}").json()["proposals"] == []
    assert web.get(f"/frames/aggregate/?{period}&public=true").json()["proposals"] == ["closed", "open"]


def test_content_that_is_known_is_refused_under_any_name(web: APIClient, record: Callable[..., dict[str, Any]]) -> None:
    first = record("one-e00")
    assert web.post("/frames/", first).status_code == 201
    again = web.post("/frames/", record("two-e00", version_set=first["version_set"]))
    assert again.status_code == 400
    assert again.json()["version_set"][0]["md5"] == ["version with this md5 already exists."]
    assert Frame.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version_set": None}, "version_set"),
        ({"configuration_type": "PARTY"}, "configuration_type"),
        ({"headers": []}, "headers"),
        ({"basename": "../../etc/passwd"}, "basename"),
        ({"area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]}}, "area"),
        ({"area": "POINT(1 2)"}, "area"),
        ({"observation_id": 2**70}, "observation_id"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(
    web: APIClient, record: Callable[..., dict[str, Any]], change: dict[str, Any], field: str
) -> None:
    answer = web.post("/frames/", record(**change))
    assert answer.status_code == 400
    assert field in answer.json()


def test_kinds_that_an_instrument_can_take_are_known(
    web: APIClient, record: Callable[..., dict[str, Any]], examples: Path
) -> None:
    body = record(configuration_type="HARTMANN")
    refused = web.post("/frames/", body)
    assert refused.json() == {"configuration_type": ['"HARTMANN" is not a valid choice.']}
    text = (examples / "small_observatory.json").read_text().replace('"LAMP_FLAT"', '"HARTMANN"')
    import_observatory(json.loads(text))
    assert web.post("/frames/", body).status_code == 201
    assert _found(web, "exclude_OBSTYPE=HARTMANN") == set()
    assert _found(web, "include_configuration_type=HARTMANN") == {body["basename"]}


def test_control_characters_in_a_header_are_dropped(web: APIClient, record: Callable[..., dict[str, Any]]) -> None:
    key = web.post("/frames/", record(headers={"OBJECT": "M\x0042\x1b"})).json()["id"]
    assert web.get(f"/frames/{key}/headers/").json() == {"data": {"OBJECT": "M42"}}


def test_versions_are_filtered_by_md5(web: APIClient, record: Callable[..., dict[str, Any]]) -> None:
    body = record()
    web.post("/frames/", body)
    web.post("/frames/", record())
    assert web.get(f"/versions/?md5={body['version_set'][0]['md5']}").json()["count"] == 1
    assert web.get("/versions/?md5=unknown").json()["count"] == 0
