"""Files that say nothing about themselves: metadata lie beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from armillary.core.thumbnail_records import ThumbnailRecord
from armillary.ingester import UnacceptableFile, validate
from armillary.ingester.journal import Fingerprint

SAID: dict[str, Any] = {
    "PROPID": "night-one", "DATE-OBS": "2026-11-23T02:03:04.567", "DAY-OBS": "20261122", "INSTRUME": "sim01",
    "SITEID": "tst", "TELID": "1m0a", "OBSTYPE": "EXPOSE", "BLKUID": 1000,
}  # fmt: skip
PICTURE = {"frame_basename": "tst1m0a-sim01-20261122-0001-e00", "size": "small"}


def _file(folder: Path, name: str, metadata: Any) -> Path:
    path = folder / name
    path.write_bytes(b"content")
    if metadata is not None:
        path.with_name(f"{name}.json").write_text(metadata if isinstance(metadata, str) else json.dumps(metadata))
    return path


def test_metadata_beside_a_document_describe_it(tmp_path: Path) -> None:
    record = validate(_file(tmp_path, "guider-plot.pdf", SAID))
    assert not isinstance(record, ThumbnailRecord)
    assert (record.proposal_id, record.observation_id, record.extension) == ("night-one", 1000, ".pdf")


def test_what_is_given_goes_before_what_lies_beside(tmp_path: Path) -> None:
    record = validate(_file(tmp_path, "guider-plot.pdf", SAID), metadata={"PROPID": "other"})
    assert not isinstance(record, ThumbnailRecord)
    assert record.proposal_id == "other"


def test_a_picture_is_the_thumbnail_of_a_frame(tmp_path: Path) -> None:
    record = validate(_file(tmp_path, "tst1m0a-sim01-20261122-0001-e00-small.jpg", SAID | PICTURE))
    assert isinstance(record, ThumbnailRecord)
    body = record.wire([{"key": "k", "md5": "m", "extension": ".jpg"}])
    assert (body["basename"], body["frame_basename"], body["size"]) == (
        "tst1m0a-sim01-20261122-0001-e00-small", PICTURE["frame_basename"], "small",
    )  # fmt: skip
    assert record.place == "tst/1m0a/sim01/20261122/thumbnails/tst1m0a-sim01-20261122-0001-e00-small.jpg"
    assert record.shared_place == "tst/sim01/20261122/thumbnails/tst1m0a-sim01-20261122-0001-e00-small.jpg"


@pytest.mark.parametrize(
    ("name", "metadata", "text"),
    [
        ("a.jpg", None, "frame_basename is missing.*size is missing.*DATE-OBS is missing"),
        ("a.jpeg", SAID | PICTURE | {"size": "huge"}, "size is 'huge'; use one of small, medium, large"),
        ("a.jpg", SAID | PICTURE | {"DATE-OBS": "soon"}, "not a UTC time"),
        ("a.jpg", SAID | PICTURE | {"frame_basename": "../../x"}, "not accepted"),
        ("a.pdf", "{not json", "cannot be read"),
        ("a.pdf", "[1, 2]", "must be a JSON object"),
    ],
)
def test_what_is_missing_or_wrong_is_told(name: str, metadata: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(UnacceptableFile, match=text):
        validate(_file(tmp_path, name, metadata))


def test_metadata_that_arrive_later_make_a_refused_file_worth_another_look(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.pdf", None)
    before = Fingerprint.of(path)
    path.with_name("a.pdf.json").write_text(json.dumps(SAID))
    assert Fingerprint.of(path) != before
