"""What the name of a data product says where its header says nothing.

The convention is that of Las Cumbres Observatory, which OCS observatories follow: site and telescope, camera, night,
number, then a letter for the kind and two digits for the level, like ``coj1m011-fa12-20261122-0123-e91.fits.fz``; the
catalogue of a frame is called like the frame with ``_cat`` after it. Names of spectra reduced at SOAR begin with the
steps that they went through. Names of other shapes say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from armillary.core.frames import HeaderVocabulary, InvalidFrame, split_file_name

_NAME: Final = re.compile(r"[a-z0-9]+-(?P<camera>[a-z0-9]+)-\d{8}-\d{4,}-(?P<kind>[a-z])(?P<level>\d\d)", re.IGNORECASE)
_CATALOGUE: Final = "_cat"
_KINDS: Final = {
    "b": "BIAS", "d": "DARK", "f": "SKYFLAT", "g": "GUIDE", "s": "STANDARD", "w": "LAMPFLAT", "x": "EXPERIMENTAL",
}  # fmt: skip
_KINDS_BY_WORD: Final = {"trace": "TRACE", "arc": "ARC", "bias": "BIAS", "bpm": "BPM"}
_SOAR_LEVELS: Final = {"cfzst": 62, "ecfzst": 63, "wecfzst": 64}
"""The level by the beginning of a name: what SOAR's pipeline did, one letter for each step."""
_REDUCED_BUNDLE: Final = 90
"""The level of a bundle (``.tar.gz``) of reduced files."""


def words_of_name(file_name: str, vocabulary: HeaderVocabulary) -> dict[str, Any]:
    """Keywords and values that a file's name implies; those of the file itself go before them (:func:`completed`)."""
    try:
        basename, extension = split_file_name(file_name)
    except InvalidFrame:
        return {}
    frame = basename.removesuffix(_CATALOGUE)
    words: dict[str, Any] = {}
    if found := _NAME.fullmatch(frame):
        words[vocabulary.reduction_level] = int(found["level"])
        if kind := _kind(found["kind"].lower(), found["camera"].lower()):
            words[vocabulary.configuration_type] = kind
    elif kind := next((kind for word, kind in _KINDS_BY_WORD.items() if word in basename.lower().split("-")), None):
        words[vocabulary.configuration_type] = kind
    if level := _soar_level(basename):
        words[vocabulary.reduction_level] = level
    if extension.lower() == ".tar.gz":
        words[vocabulary.reduction_level] = _REDUCED_BUNDLE
    return words


def completed(header: Mapping[str, Any], file_name: str, vocabulary: HeaderVocabulary) -> dict[str, Any]:
    """A header with what the name adds.

    A catalogue is one whatever its header, a copy of its frame's, says; so is the level of a spectrum reduced at SOAR.
    """
    words = dict(header)
    for keyword, value in words_of_name(file_name, vocabulary).items():
        if _says_nothing(words.get(keyword), vocabulary):
            words[keyword] = value
    basename = file_name.partition(".")[0]
    if level := _soar_level(basename):
        words[vocabulary.reduction_level] = level
    if basename.endswith(_CATALOGUE):
        words[vocabulary.configuration_type] = "CATALOG"
        words[vocabulary.catalog_target_frame] = basename.removesuffix(_CATALOGUE)
    return words


def _kind(letter: str, camera: str) -> str | None:
    is_echelle = camera.startswith("nres")
    if letter == "e":
        return "TARGET" if is_echelle else "SPECTRUM" if camera.startswith("en") else "EXPOSE"
    if letter == "a":
        return "DOUBLE" if is_echelle else "ARC"
    return _KINDS.get(letter)


def _soar_level(basename: str) -> int | None:
    return next((level for beginning, level in _SOAR_LEVELS.items() if basename.startswith(beginning)), None)


def _says_nothing(value: Any, vocabulary: HeaderVocabulary) -> bool:
    return value is None or str(value).strip().upper() in {"", *vocabulary.null_values}
