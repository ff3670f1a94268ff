"""Astronomers' own tools find and download frames: pyvo, over a real socket."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pyvo
from astropy import units
from astropy.coordinates import SkyCoord
from pyvo.dal.exceptions import DALQueryError
from pyvo.io.vosi import parse_availability, parse_capabilities
from rest_framework.test import APIClient

from armillary.archive.vo.parameters import InvalidParameter, interval, region

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

    from armillary.ingester import IngestedFrame

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # pyvo leaves its connections to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PUBLIC = "2020-01-01T00:00:00"
ORION = SkyCoord(83.82 * units.deg, -5.39 * units.deg)


@pytest.fixture(autouse=True)
def offline_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyvo would fetch the words for links from ivoa.net; none of those used here has narrower ones."""
    monkeypatch.setattr(pyvo.utils.vocabularies, "get_vocabulary", lambda _name: {"terms": {}})


@pytest.fixture
def frame(taken_in: Callable[..., IngestedFrame]) -> IngestedFrame:
    return taken_in(ra=83.82, dec=-5.39, L1PUBDAT=PUBLIC, FILTER="rp")


def test_an_image_is_found_by_place_and_downloaded(
    frame: IngestedFrame, live_server: LiveServer, tmp_path: Path
) -> None:
    service = pyvo.dal.SIA2Service(f"{live_server.url}/archive/vo/sia2/query")
    found = service.search(pos=(ORION, 0.1 * units.deg))
    assert [row.obs_id for row in found] == [frame.basename]
    found[0].cachedataset(filename=str(tmp_path / "frame.fits"))
    assert (tmp_path / "frame.fits").stat().st_size == frame.size_bytes


def test_what_belongs_to_an_image_is_linked(frame: IngestedFrame, live_server: LiveServer) -> None:
    found = pyvo.dal.SIA2Service(f"{live_server.url}/archive/vo/sia2/query").search(pos=(ORION, 0.1 * units.deg))
    links = next(iter(found.iter_datalinks()))
    this = next(links.bysemantics("#this"))
    assert this.content_length == frame.size_bytes
    assert this.access_url == found[0].access_url
    assert any(link.content_type == "application/json" for link in links.bysemantics("#auxiliary"))


def test_a_cone_finds_what_it_overlaps(frame: IngestedFrame, live_server: LiveServer) -> None:
    service = pyvo.dal.SCSService(f"{live_server.url}/archive/vo/scs/query?")
    assert [row["obs_id"] for row in service.search(pos=ORION, radius=0.1)] == [frame.basename]
    assert len(service.search(pos=SkyCoord(200 * units.deg, 40 * units.deg), radius=1)) == 0


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("BAND=6e-7 6.5e-7", 1),
        ("BAND=3e-7 4e-7", 0),
        ("CALIB=1", 1),
        ("CALIB=2", 0),
        ("DPTYPE=image", 1),
        ("DPTYPE=cube", 0),
        ("POS=RANGE 83 84 -6 -5", 1),
        ("POS=RANGE 0 360 -90 90", 1),
        ("POS=POLYGON 83 -6 84 -6 84 -5 83 -5", 1),
        ("POS=CIRCLE 200 40 1&POS=CIRCLE 83.8 -5.4 1", 1),
        ("TIME=-Inf +Inf", 1),
        ("TIME=1 2", 0),
        ("POL=I", 0),
        ("FOV=0 10", 1),
        ("pos=circle 83.8 -5.4 1", 1),
        ("MAXREC=0", 0),
    ],
)
@pytest.mark.usefixtures("frame")
def test_a_parameter_finds_and_leaves_out(query: str, count: int, stranger: APIClient) -> None:
    answer = stranger.get(f"/archive/vo/sia2/query?{query.replace('+', '%2B')}")
    assert b"".join(answer.streaming_content).count(b"<TR>") == count


def test_private_frames_exist_for_nobody_else(taken_in: Callable[..., IngestedFrame], live_server: LiveServer) -> None:
    hidden = taken_in(L1PUBDAT="2999-01-01T00:00:00")
    found = pyvo.dal.SIA2Service(f"{live_server.url}/archive/vo/sia2/query").search(maxrec=10)
    assert len(found) == 0
    answer = b"".join(APIClient().get(f"/archive/vo/datalink?ID={hidden.basename}").streaming_content)
    assert b"NotFoundFault" in answer


@pytest.mark.usefixtures("frame")
def test_a_question_that_makes_no_sense_is_answered_with_the_reason(live_server: LiveServer) -> None:
    service = pyvo.dal.SIA2Service(f"{live_server.url}/archive/vo/sia2/query")
    with pytest.raises(DALQueryError, match="ends before it begins"):
        service.create_query(TIME="2 1").execute()


@pytest.mark.parametrize(
    "text", ["CIRCLE 1 2", "CIRCLE a b c", "BALL 1 2 3", "POLYGON 1 2 3 4", "RANGE 5 1 0 1", "CIRCLE nan 0 1"]
)
def test_a_region_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        region(text)


@pytest.mark.parametrize("text", ["", "a", "1 2 3", "nan", "2 1"])
def test_an_interval_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        interval("TIME", text)


@pytest.mark.parametrize(
    "place", ["vo/sia2/capabilities", "vo/sia2/availability", "vo/capabilities", "vo/scs/availability"]
)
def test_services_say_what_they_are(place: str, stranger: APIClient) -> None:
    answer: Any = stranger.get(f"/archive/{place}", HTTP_ACCEPT="application/xml")
    assert answer.status_code == 200
    parse = parse_capabilities if place.endswith("capabilities") else parse_availability
    said = parse(io.BytesIO(answer.content))
    if place.endswith("availability"):
        assert said.available
    else:
        assert {"ivo://ivoa.net/std/SIA#query-2.0", "ivo://ivoa.net/std/DataLink#links-1.1"} <= {
            capability.standardid for capability in said
        }
