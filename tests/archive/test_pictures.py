"""Pictures of frames: drawn, stretched, in colour, and only for those for whom the frame exists."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rest_framework.test import APIClient

from armillary import clock
from armillary.archive.models import Frame, Thumbnail
from armillary.archive.pictures import Curve, FrameImage, Limits, Stretch, aligned, picture
from armillary.ingester import IngestedFrame
from armillary.platform import worker

PUBLIC = "2020-01-01T00:00:00"
SKY = np.random.default_rng(7).normal(1000, 10, (64, 64)).astype(np.float32)


def _pixels(jpeg: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(jpeg)))


def _grey(image: Any, stretch: Stretch) -> Any:
    return _pixels(picture([image], width=64, height=64, stretch=stretch, quality=95))


@pytest.mark.parametrize("curve", list(Curve))
@pytest.mark.parametrize("limits", list(Limits))
def test_brighter_pixels_are_never_darker(curve: Curve, limits: Limits) -> None:
    ramp = np.tile(np.linspace(0, 1000, 64, dtype=np.float32), (64, 1))
    row = _grey(ramp, Stretch(curve=curve, limits=limits)).astype(int)[32]
    assert (np.diff(row) >= -3).all()  # JPEG is not exact
    assert row[0] < 10
    assert row[-1] > 120  # zscale leaves room above for stars


def test_black_and_white_are_what_was_chosen() -> None:
    image = np.full((64, 64), 500.0, np.float32)
    assert _grey(image, Stretch(curve=Curve.LINEAR, black=0.0, white=1000.0)).mean() == pytest.approx(127, abs=2)
    assert _grey(image, Stretch(black=600.0, white=1000.0)).max() < 3
    assert _grey(image, Stretch(black=0.0, white=400.0)).min() > 252


def test_row_zero_is_at_the_bottom() -> None:
    image = np.zeros((64, 64), np.float32)
    image[:10] = 1000
    shown = _grey(image, Stretch(limits=Limits.MINMAX))
    assert shown[-5:].mean() > 200
    assert shown[:40].mean() < 10


def test_bad_pixels_are_black_and_an_image_of_nothing_else_too() -> None:
    broken = SKY.copy()
    broken[10:20, 10:20] = np.nan
    assert _grey(broken, Stretch())[46:52, 12:18].max() < 40
    assert _grey(np.full((64, 64), np.nan, np.float32), Stretch()).max() == 0


def test_images_of_one_field_are_laid_on_each_other() -> None:
    from astropy.io import fits

    words: dict[str, Any] = {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 83.82, "CRVAL2": -5.39, "CRPIX1": 32.5, "CRPIX2": 32.5,
        "CD1_1": -0.001, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.001,
    }  # fmt: skip
    star = np.zeros((64, 64), np.float32)
    star[30, 20] = 1
    moved = np.roll(star, (5, -3), axis=(0, 1))
    first = FrameImage(star, 1, fits.Header(words))
    second = FrameImage(moved, 1, fits.Header(words | {"CRPIX1": 29.5, "CRPIX2": 37.5}))
    unplaced = FrameImage(moved, 1, fits.Header())
    one, other, left = aligned([first, second, unplaced])
    assert np.unravel_index(np.nanargmax(other), other.shape) == np.unravel_index(np.argmax(one), one.shape)
    assert left is moved


@pytest.mark.django_db(transaction=True)
def test_a_picture_can_be_fetched_without_a_token_by_its_address(
    taken_in: Callable[..., IngestedFrame], stranger: APIClient
) -> None:
    frame = taken_in(L1PUBDAT=PUBLIC, pixels=300)
    for name in (frame.frame_id, frame.basename):
        answer = stranger.get(f"/archive/thumbnail/{name}/?width=128&height=100&stretch=log&label=M 42&percentile=99")
        assert answer.status_code == 200, answer.content
        shown = stranger.get(answer.json()["url"])
        assert shown["Content-Type"] == "image/jpeg"
        assert Image.open(io.BytesIO(shown.content)).size == (100, 100)
    redirect = stranger.get(f"/archive/thumbnail/{frame.frame_id}/?image=")
    assert redirect.status_code == 302


@pytest.mark.django_db(transaction=True)
def test_an_altered_address_shows_nothing(taken_in: Callable[..., IngestedFrame], web: APIClient) -> None:
    shown, other = taken_in(L1PUBDAT=PUBLIC), taken_in()
    address = web.get(f"/archive/thumbnail/{shown.frame_id}/").json()["url"]
    stranger = APIClient()
    for altered in (
        address.replace(f"/{shown.frame_id}.jpg", f"/{other.frame_id}.jpg"),
        address.replace(f"frames={shown.frame_id}", f"frames={other.frame_id}"),
        address.replace("width=200", "width=2000"),
        address.replace("signature=", "signature=x"),
    ):
        assert altered != address
        assert stranger.get(altered).status_code == 404
    assert stranger.get(f"/archive/thumbnail/{other.frame_id}/").status_code == 404
    assert stranger.get(f"/archive/thumbnail/{other.basename}/").status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("width=5000", "width"),
        ("height=none", "height"),
        ("stretch=rubber", "stretch"),
        ("limits=none", "limits"),
        ("percentile=101", "percentile"),
        ("black=5&white=1", "white"),
        ("color=true", "non_field_errors"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(
    query: str, field: str, web: APIClient, record: Callable[..., dict[str, Any]]
) -> None:
    key = web.post("/frames/", record()).json()["id"]
    answer = web.get(f"/archive/thumbnail/{key}/?{query}")
    assert answer.status_code == 400
    assert field in answer.json()


@pytest.mark.django_db(transaction=True)
def test_a_frame_without_a_picture_says_so(web: APIClient, record: Callable[..., dict[str, Any]]) -> None:
    key = web.post("/frames/", record()).json()["id"]
    assert web.get(web.get(f"/archive/thumbnail/{key}/").json()["url"]).status_code == 415


@pytest.mark.django_db(transaction=True)
def test_three_filters_of_one_request_make_a_picture_in_colour(
    taken_in: Callable[..., IngestedFrame], web: APIClient
) -> None:
    frames = {name: taken_in(FILTER=name, REQNUM=55, pixels=300, RLEVEL=91) for name in ("B", "V", "rp")}
    taken_in(FILTER="B", REQNUM=56, pixels=300, RLEVEL=91)
    last = Frame.objects.get(basename=frames["V"].basename)
    Frame.objects.filter(pk=last.pk).update(public_date=last.public_date and last.public_date + timedelta(hours=1))
    worker.work_once(clock.now())
    coloured = Thumbnail.objects.filter(basename__contains="-colour-")
    assert {(thumbnail.frame_id, thumbnail.size) for thumbnail in coloured} == {(last.pk, "small"), (last.pk, "large")}
    address = web.get(f"/archive/thumbnail/{frames['B'].frame_id}/?color=true&width=100").json()["url"]
    assert Image.open(io.BytesIO(web.get(address).content)).mode == "RGB"


@pytest.mark.django_db(transaction=True)
def test_a_thumbnail_can_be_corrected(web: APIClient, record: Callable[..., dict[str, Any]]) -> None:
    body = record("pic-small") | {"frame_basename": "pic-e00", "size": "small"}
    assert web.post("/thumbnails/", body).status_code == 201
    key = Thumbnail.objects.get().pk
    assert web.patch(f"/thumbnails/{key}/", {"size": "large"}).json()["size"] == "large"
    picture_of = {"key": "0" * 32, "md5": "0" * 32, "extension": ".jpeg"}
    changed = web.put(f"/thumbnails/{key}/", {"size": "medium", "version_set": [picture_of]}).json()
    assert (changed["size"], changed["key"], changed["extension"]) == ("medium", "0" * 32, ".jpeg")
    assert web.patch(f"/thumbnails/{key}/", {"size": "huge"}).status_code == 400
    assert web.patch("/thumbnails/999999/", {"size": "large"}).status_code == 404
    assert APIClient().patch(f"/thumbnails/{key}/", {"size": "small"}).status_code == 401
