"""What a data product says about itself, by kind of file."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from armillary.core.file_names import completed, words_of_name
from armillary.core.frames import HeaderVocabulary, InvalidFrame, split_file_name
from armillary.ingester.footprints import footprint

PICTURES: Final = (".jpg", ".jpeg")
"""Thumbnails of frames."""
_CHUNK_BYTES: Final = 1024 * 1024
_LARGEST_MEMBER: Final = 16 * 1024**3


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Description:
    """What was found in a file."""

    header: Mapping[str, Any]
    area: Mapping[str, Any] | None
    """GeoJSON footprint, if the file has a world coordinate system or a radius."""


def beside(path: Path) -> Path:
    """Where metadata of a file may lie: called like the file, with ``.json`` after its name."""
    return path.with_name(path.name + ".json")


def metadata_beside(path: Path) -> dict[str, Any]:
    """Keywords and values in the JSON file beside a file; none if there is none.

    Raises:
        InvalidFrame: There is one, but it holds something else.
    """
    place = beside(path)
    if not place.is_file():
        return {}
    try:
        words = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidFrame([f"its metadata in {place.name} cannot be read: {error}"]) from error
    if not isinstance(words, dict):
        raise InvalidFrame([f"its metadata in {place.name} must be a JSON object of keywords and values"])
    return words


def describe(path: Path, metadata: Mapping[str, Any], vocabulary: HeaderVocabulary) -> Description:
    """Read the header and footprint of a file. Metadata given beside the file win over what is in it.

    FITS files (also fpacked) are read; of a ``.tar.gz``, the first FITS file inside that has what is needed; pictures
    and documents have only their metadata.

    Raises:
        InvalidFrame: The file is broken, of an unknown kind, or says too little about itself; with every reason.
    """
    extension = split_file_name(path.name)[1].lower()
    reader = _READERS.get(extension)
    if reader is None:
        raise InvalidFrame(
            [f"files that end in {extension or 'nothing'} are not known; known are {', '.join(_READERS)}"]
        )
    found = reader(path, metadata, vocabulary)
    return Description(completed(found.header, path.name, vocabulary), found.area)


def _from_fits(path: Path, metadata: Mapping[str, Any], vocabulary: HeaderVocabulary) -> Description:
    with _fits_errors(path.name), path.open("rb") as stream:
        return _described(stream, path.name, metadata, vocabulary)


def _from_tar(path: Path, metadata: Mapping[str, Any], vocabulary: HeaderVocabulary) -> Description:
    problems: list[str] = []
    with _fits_errors(path.name), tarfile.open(path, "r|gz") as archive:
        for member in archive:
            name = Path(member.name).name
            if not member.isfile() or ".fits" not in name or member.size > _LARGEST_MEMBER:
                continue
            stream = archive.extractfile(member)
            if stream is None:
                continue
            try:
                with stream, tempfile.NamedTemporaryFile(prefix="armillary-") as whole:
                    shutil.copyfileobj(stream, whole, _CHUNK_BYTES)
                    whole.flush()
                    with Path(whole.name).open("rb") as member_file:
                        return _described(member_file, name, metadata, vocabulary)
            except InvalidFrame as error:
                problems.extend(error.problems)
    raise InvalidFrame(problems or ["it contains no FITS file"])


def _from_metadata(path: Path, metadata: Mapping[str, Any], vocabulary: HeaderVocabulary) -> Description:
    del vocabulary
    if path.stat().st_size == 0:
        raise InvalidFrame(["it is empty"])
    return Description(dict(metadata), None)


_READERS: Final[dict[str, Callable[[Path, Mapping[str, Any], HeaderVocabulary], Description]]] = {
    ".fits": _from_fits,
    ".fits.fz": _from_fits,
    ".fits.gz": _from_fits,
    ".tar.gz": _from_tar,
    ".pdf": _from_metadata,
    ".jpg": _from_metadata,
    ".jpeg": _from_metadata,
}


def _described(stream: Any, name: str, metadata: Mapping[str, Any], vocabulary: HeaderVocabulary) -> Description:
    from astropy.io import fits

    with fits.open(stream, mode="readonly", memmap=False, lazy_load_hdus=False, ignore_missing_simple=False) as units:
        headers = [unit.header for unit in units]
        _refuse_truncated(units, stream, name)
        known = {**metadata, **words_of_name(name, vocabulary)}
        chosen, missing = _most_telling(headers, known, vocabulary)
        if missing:
            raise InvalidFrame(f"the required keyword {keyword} is missing" for keyword in missing)
        header = _as_dictionary(headers[chosen]) | dict(metadata)
        return Description(header, footprint(headers, header, vocabulary))


def _most_telling(
    headers: list[Any], metadata: Mapping[str, Any], vocabulary: HeaderVocabulary
) -> tuple[int, list[str]]:
    """Which header to take: the first that has every required keyword, else the one that lacks the fewest."""
    lacking = [
        [keyword for keyword in vocabulary.required if keyword not in header and keyword not in metadata]
        for header in headers
    ]
    best = min(range(len(headers)), key=lambda number: len(lacking[number]))
    return best, lacking[best]


def _refuse_truncated(units: Any, stream: Any, name: str) -> None:
    """Astropy reads the header of a file whose data were cut off without a complaint."""
    stream.seek(0, io.SEEK_END)
    have = stream.tell()
    for number, unit in enumerate(units):
        information = unit.fileinfo()
        if information is None:
            continue
        need = information["datLoc"] + information["datSpan"]
        if need > have and not name.endswith(".gz"):
            raise InvalidFrame([f"it is truncated: extension {number} ends at byte {need}, the file at byte {have}"])


def _as_dictionary(header: Any) -> dict[str, Any]:
    """Keyword and value; undefined values become empty, repeated keywords keep the first value.

    A value that cannot be read (a bare ``NaN``, which FITS does not have) is empty too: no frame is lost for it.
    """
    from astropy.io.fits.card import Undefined
    from astropy.io.fits.verify import VerifyError

    words: dict[str, Any] = {}
    for card in header.cards:
        try:
            value = card.value
        except VerifyError:
            log.warning("unreadable_keyword", keyword=card.keyword)
            value = None
        words.setdefault(card.keyword, None if isinstance(value, Undefined) else value)
    return words


@contextmanager
def _fits_errors(name: str) -> Iterator[None]:
    from astropy.io.fits.verify import VerifyError
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # telescopes' headers are rarely quite standard
            yield
    except InvalidFrame:
        raise
    except (OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, MemoryError) as error:
        raise InvalidFrame([f"it cannot be read as FITS: {error}"]) from error
    except (VerifyError, tarfile.TarError, AssertionError, ArithmeticError) as error:
        raise InvalidFrame([f"{name} cannot be read: {error}"]) from error
