from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.core.frames import (
    DataRights,
    HeaderVocabulary,
    InvalidFrame,
    Viewer,
    cleaned_header,
    record_from_header,
    split_file_name,
)

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
HEADER: dict[str, Any] = {
    "PROPID": "night-one", "DATE-OBS": "2026-11-23T04:05:06.5", "DAY-OBS": "20261122", "INSTRUME": "sim01",
    "SITEID": "tst", "TELID": "1m0a", "OBSTYPE": "EXPOSE", "BLKUID": "0000123", "REQNUM": "UNSPECIFIED",
}  # fmt: skip


def _record(name: str = "a-e00.fits.fz", **changes: Any) -> Any:
    header = {key: value for key, value in (HEADER | changes).items() if value is not None}
    return record_from_header(name, header, vocabulary=HeaderVocabulary(), rights=DataRights())


def test_a_header_becomes_a_record() -> None:
    record = _record(L1IDBIAS="bias-b00.fits", OBJECT="M42")
    assert (record.basename, record.extension) == ("a-e00", ".fits.fz")
    assert record.observation_date == datetime(2026, 11, 23, 4, 5, 6, 500_000, tzinfo=UTC)
    assert record.observation_day.isoformat() == "2026-11-22"
    assert (record.observation_id, record.request_id) == (123, None)
    assert record.related_frame_filenames == ("bias-b00",)
    assert record.place == "tst/1m0a/sim01/20261122/raw/a-e00.fits.fz"


def test_every_missing_keyword_is_named() -> None:
    with pytest.raises(InvalidFrame) as refusal:
        record_from_header("a.fits", {"PROPID": "x"}, vocabulary=HeaderVocabulary(), rights=DataRights())
    for keyword in ("DATE-OBS", "DAY-OBS", "INSTRUME", "SITEID", "TELID", "OBSTYPE", "BLKUID"):
        assert any(keyword in problem for problem in refusal.value.problems)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"DATE-OBS": "soon"}, "DATE-OBS is 'soon', which is not a UTC time"),
        ({"DATE-OBS": ""}, "DATE-OBS is empty"),
        ({"DAY-OBS": "20261345"}, "which is not a night"),
        ({"BLKUID": "12x"}, "BLKUID is '12x', which is not a whole number"),
        ({"BLKUID": "-4"}, "not between 0"),
        ({"EXPTIME": "long"}, "EXPTIME is 'long'"),
        ({"OBSTYPE": "UNKNOWN"}, "OBSTYPE is empty"),
    ],
)
def test_a_value_that_makes_no_sense_is_told(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidFrame, match=text):
        _record(**changes)


@pytest.mark.parametrize(
    "name", ["", ".fits", "../x.fits", "a/b.fits", "a b.fits", "a..fits", "a" * 1001, "a\x00.fits"]
)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(InvalidFrame):
        split_file_name(name)


@pytest.mark.parametrize(
    ("changes", "tags", "days"),
    [
        ({}, (), 365),
        ({}, ("public",), 0),
        ({"OBSTYPE": "BIAS"}, (), 0),
        ({"PROPID": "calibrate"}, (), 0),
        ({"PROPID": "my-calibration-of-vega"}, (), 365),
        ({"OBSTYPE": "BIAS"}, ("private",), 999 * 365),
        ({"PROPID": "LCOEngineering"}, (), 999 * 365),
    ],
)
def test_the_first_rule_that_applies_decides_when_a_frame_is_public(
    changes: dict[str, Any], tags: tuple[str, ...], days: int
) -> None:
    record = record_from_header(
        "a-e00.fits", HEADER | changes, vocabulary=HeaderVocabulary(), rights=DataRights(), tags=tags
    )
    assert record.public_date - record.observation_date == timedelta(days=days)


def test_a_public_date_in_the_header_wins() -> None:
    assert _record(L1PUBDAT="2030-01-01T00:00:00").public_date == datetime(2030, 1, 1, tzinfo=UTC)


@given(st.booleans(), st.sets(st.sampled_from("abc")), st.sampled_from("abcd"), st.none() | st.timedeltas())
def test_nobody_but_members_and_who_sees_all_sees_what_is_not_public(
    sees_all: bool, proposals: set[str], proposal: str, age: timedelta | None
) -> None:
    try:
        public_date = None if age is None else NOW - age
    except OverflowError:
        return
    viewer = Viewer(sees_all, frozenset(proposals))
    is_public = public_date is not None and public_date < NOW
    expected = sees_all or proposal in proposals or is_public
    assert viewer.may_see(proposal=proposal, public_date=public_date, now=NOW) == expected


@given(st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
def test_a_cleaned_header_can_be_written_as_json(header: dict[str, Any]) -> None:
    import json

    cleaned = cleaned_header(header, HeaderVocabulary())
    json.dumps(cleaned, allow_nan=False)
    assert all(text.isprintable() for text in cleaned.values() if isinstance(text, str))
    assert cleaned_header(cleaned, HeaderVocabulary()) == cleaned
