"""What the name of a data product says. The examples are names as OCS observatories give them."""

from __future__ import annotations

from typing import Any

import pytest

from armillary.core.file_names import completed, words_of_name
from armillary.core.frames import HeaderVocabulary

VOCABULARY = HeaderVocabulary()


@pytest.mark.parametrize(
    ("name", "kind", "level"),
    [
        ("coj1m011-fa12-20261122-0123-e91.fits.fz", "EXPOSE", 91),
        ("coj1m011-fa12-20261122-0123-b00.fits.fz", "BIAS", 0),
        ("coj1m011-fa12-20261122-0123-d00.fits", "DARK", 0),
        ("coj1m011-fa12-20261122-0123-f00.fits", "SKYFLAT", 0),
        ("coj1m011-fa12-20261122-0123-g00.fits", "GUIDE", 0),
        ("coj1m011-fa12-20261122-0123-s00.fits", "STANDARD", 0),
        ("ogg2m001-en06-20261122-0008-w00.fits.fz", "LAMPFLAT", 0),
        ("ogg2m001-en06-20261122-0008-a00.fits.fz", "ARC", 0),
        ("ogg2m001-en06-20261122-0008-e00.fits.fz", "SPECTRUM", 0),
        ("ogg2m001-en06-20261122-0008-e00.tar.gz", "SPECTRUM", 90),
        ("lscnrs01-nres01-20261122-0008-e92.fits.fz", "TARGET", 92),
        ("lscnrs01-nres01-20261122-0008-a00.fits.fz", "DOUBLE", 0),
        ("coj1m011-fa12-20261122-0123-x00.fits", "EXPERIMENTAL", 0),
        ("coj1m011-fa12-20261122-bpm-full_frame.fits", "BPM", None),
        ("coj1m011-fa12-20261122-bias-bin1x1.fits.fz", "BIAS", None),
        ("cfzst_0123_target_22-11-2026.fits", None, 62),
        ("ecfzst_0123_target_22-11-2026.fits", None, 63),
        ("wecfzst_0123_target_22-11-2026.fits.fz", None, 64),
        ("finding-chart.pdf", None, None),
        ("a name that is none.fits", None, None),
    ],
)
def test_a_name_says_kind_and_level(name: str, kind: str | None, level: int | None) -> None:
    words = words_of_name(name, VOCABULARY)
    assert (words.get("OBSTYPE"), words.get("RLEVEL")) == (kind, level)


@pytest.mark.parametrize("said", [None, "", "UNKNOWN", "n/a"])
def test_the_name_fills_in_what_the_header_does_not_say(said: Any) -> None:
    header = completed({"OBSTYPE": said}, "coj1m011-fa12-20261122-0123-b00.fits.fz", VOCABULARY)
    assert header == {"OBSTYPE": "BIAS", "RLEVEL": 0}


def test_the_header_goes_before_the_name() -> None:
    said = {"OBSTYPE": "DARK", "RLEVEL": 11}
    assert completed(said, "coj1m011-fa12-20261122-0123-b00.fits.fz", VOCABULARY) == said


def test_a_spectrum_of_soar_has_the_level_of_its_name_which_its_header_may_get_wrong() -> None:
    assert completed({"OBSTYPE": "SPECTRUM", "RLEVEL": 0}, "wecfzst_0123_target_22-11-2026.fits", VOCABULARY) == {
        "OBSTYPE": "SPECTRUM", "RLEVEL": 64,
    }  # fmt: skip
    assert completed({"RLEVEL": 0}, "0123_target_22-11-2026.fits", VOCABULARY) == {"RLEVEL": 0}


def test_a_catalogue_names_its_frame_whatever_its_copied_header_says() -> None:
    name = "coj1m011-fa12-20261122-0123-e91_cat.fits.fz"
    assert completed({"OBSTYPE": "EXPOSE", "RLEVEL": 91}, name, VOCABULARY) == {
        "OBSTYPE": "CATALOG", "RLEVEL": 91, "L1IDCAT": "coj1m011-fa12-20261122-0123-e91",
    }  # fmt: skip
