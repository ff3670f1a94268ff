"""Data products: what a frame's file name and header say about it, and who may see it when.

The vocabulary is that of FITS headers as OCS observatories write them; every keyword can be renamed
(:class:`HeaderVocabulary`). Nothing here reads files or asks anybody: headers, dates and proposal tags are arguments.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

HeaderValue = str | int | float | bool | None

CONFIGURATION_TYPES: Final = (
    "BIAS", "DARK", "EXPOSE", "SPECTRUM", "LAMPFLAT", "SKYFLAT", "STANDARD", "TRAILED", "GUIDE", "EXPERIMENTAL",
    "CATALOG", "ARC", "DOUBLE", "TARGET", "OBJECT", "BPM", "LAMP_FLAT", "SKY_FLAT", "AUTO_FOCUS", "ZERO_POINTING",
    "REPEAT_EXPOSE", "REPEAT_SPECTRUM", "NRES_SPECTRUM", "REPEAT_NRES_SPECTRUM", "NRES_EXPOSE", "NRES_TEST",
    "ENGINEERING", "SCRIPT", "TRACE", "FRINGE",
)  # fmt: skip
"""What a frame can be, unless the observatory adds its own."""

SCIENCE_CONFIGURATION_TYPES: Final = ("EXPOSE", "TARGET", "SPECTRUM", "CATALOG", "OBJECT")
"""What ``exclude_calibrations`` leaves."""

THUMBNAIL_SIZES: Final = ("small", "medium", "large")

LONGEST_BASENAME: Final = 1000
"""Characters of a basename on the wire."""

_NEVER: Final = timedelta(days=999 * 365)
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+\-]*(\.[A-Za-z0-9_+\-]+)*")
_DAY: Final = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})$")
_LARGEST_IDENTIFIER: Final = 2**63 - 1


class InvalidFrame(ValueError):
    """A data product cannot be described; ``problems`` names everything that is wrong with it."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True)
class HeaderVocabulary:
    """Which header keyword says what. The defaults are those of the OCS ingester."""

    observation_date: str = "DATE-OBS"
    observation_day: str = "DAY-OBS"
    observation_end_time: str = "UTSTOP"
    reduction_level: str = "RLEVEL"
    exposure_time: str = "EXPTIME"
    instrument_id: str = "INSTRUME"
    site_id: str = "SITEID"
    telescope_id: str = "TELID"
    observation_id: str = "BLKUID"
    configuration_id: str = "MOLUID"
    primary_optical_element: str = "FILTER"
    target_name: str = "OBJECT"
    request_id: str = "REQNUM"
    request_group_id: str = "TRACKNUM"
    configuration_type: str = "OBSTYPE"
    proposal_id: str = "PROPID"
    public_date: str = "L1PUBDAT"
    right_ascension: str = "RA"
    declination: str = "DEC"
    radius: str = "RADIUS"
    submitter: str = "USERID"
    catalog_target_frame: str = "L1IDCAT"
    related_frames: tuple[str, ...] = (
        "L1IDBIAS", "L1IDDARK", "L1IDFLAT", "L1IDSHUT", "L1IDMASK", "L1IDFRNG", "L1IDCAT", "L1IDARC", "L1ID1D",
        "L1ID2D", "L1IDSUM", "TARFILE", "ORIGNAME", "ARCFILE", "FLATFILE", "GUIDETAR",
    )  # fmt: skip
    required: tuple[str, ...] = ("PROPID", "DATE-OBS", "DAY-OBS", "INSTRUME", "SITEID", "TELID", "OBSTYPE", "BLKUID")
    ignored: tuple[str, ...] = ("HISTORY", "COMMENT", "")
    null_values: tuple[str, ...] = ("N/A", "UNSPECIFIED", "UNKNOWN")

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The keywords that hold integers naming things of the portal."""
        return (self.request_id, self.request_group_id, self.observation_id, self.configuration_id)


@dataclass(frozen=True, slots=True)
class DataRights:
    """When a frame becomes public, unless its header already says so.

    The first rule that applies wins: private proposal tags; public proposal tags; calibration types and public
    proposals; private proposals and private kinds of files; everything else after ``days_until_public``.
    Proposals are named in full (the reference matches fragments, which makes ``my-calibration`` public by accident).
    """

    days_until_public: int = 365
    calibration_types: frozenset[str] = frozenset({"BIAS", "DARK", "SKYFLAT", "EXPERIMENTAL", "SKY_FLAT", "BPM"})
    public_proposals: frozenset[str] = frozenset({"EPO", "calib", "calibrate", "standard", "standards", "pointing"})
    private_proposals: frozenset[str] = frozenset({"LCOEngineering"})
    private_name_endings: tuple[str, ...] = ("-t00", "-x00")
    public_tags: frozenset[str] = frozenset({"public"})
    private_tags: frozenset[str] = frozenset({"private", "internal"})

    def public_date(
        self, *, observation_date: datetime, proposal: str, configuration_type: str, basename: str, tags: Iterable[str]
    ) -> datetime:
        """When a frame becomes public; private ones far in the future, because the wire has no "never"."""
        lowered = {tag.lower() for tag in tags}
        if lowered & self.private_tags:
            return observation_date + _NEVER
        if lowered & self.public_tags:
            return observation_date
        if configuration_type in self.calibration_types or proposal in self.public_proposals:
            return observation_date
        if proposal in self.private_proposals or basename.endswith(self.private_name_endings):
            return observation_date + _NEVER
        return observation_date + timedelta(days=self.days_until_public)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at data: what decides which frames exist for them."""

    sees_all: bool = False
    """Also what is not public and not theirs."""
    proposals: frozenset[str] = field(default_factory=frozenset)

    def may_see(self, *, proposal: str, public_date: datetime | None, now: datetime) -> bool:
        """Whether a frame exists for this viewer; a frame without a public date never becomes public by itself."""
        if self.sees_all or proposal in self.proposals:
            return True
        return public_date is not None and public_date < now


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """What an archive is told about a data product: the fields of ``POST /frames/`` except versions."""

    basename: str
    extension: str
    observation_date: datetime
    observation_day: date
    proposal_id: str
    instrument_id: str
    site_id: str
    telescope_id: str
    configuration_type: str
    public_date: datetime
    target_name: str = ""
    reduction_level: int = 0
    exposure_time: float | None = None
    primary_optical_element: str = ""
    observation_id: int | None = None
    request_id: int | None = None
    area: Mapping[str, Any] | None = None
    """GeoJSON polygon: right ascension and declination in degrees, ICRS."""
    headers: Mapping[str, HeaderValue] = field(default_factory=dict)
    related_frame_filenames: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """The name of the file the record describes."""
        return self.basename + self.extension

    @property
    def place(self) -> str:
        """Where the file belongs in a store: site/telescope/instrument/night/raw or processed/name."""
        level = "raw" if self.reduction_level == 0 else "processed"
        parts = (self.site_id, self.telescope_id, self.instrument_id, f"{self.observation_day:%Y%m%d}", level)
        return "/".join((*(place_segment(part) for part in parts), self.file_name))

    @property
    def shared_place(self) -> str:
        """Where an OCS archive, which works the place out again, looks for the file: without the telescope."""
        level = "raw" if self.reduction_level == 0 else "processed"
        is_bad_pixel_mask = self.configuration_type == "BPM"
        night = ("bpm",) if is_bad_pixel_mask else (f"{self.observation_day:%Y%m%d}", level)
        parts = (self.site_id, self.instrument_id, *night)
        return "/".join((*(place_segment(part) for part in parts), self.file_name))

    def with_area(self, area: Mapping[str, Any] | None) -> FrameRecord:
        """The same record with a footprint."""
        return replace(self, area=area)

    def wire(self, versions: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """The body of ``POST /frames/``."""
        return {
            "basename": self.basename,
            "area": None if self.area is None else dict(self.area),
            "headers": dict(self.headers),
            "related_frame_filenames": list(self.related_frame_filenames),
            "version_set": [dict(version) for version in versions],
            "observation_date": _wire_time(self.observation_date),
            "observation_day": self.observation_day.isoformat(),
            "public_date": _wire_time(self.public_date),
            "proposal_id": self.proposal_id,
            "instrument_id": self.instrument_id,
            "target_name": self.target_name,
            "reduction_level": self.reduction_level,
            "site_id": self.site_id,
            "telescope_id": self.telescope_id,
            "exposure_time": self.exposure_time,
            "primary_optical_element": self.primary_optical_element,
            "configuration_type": self.configuration_type,
            "observation_id": self.observation_id,
            "request_id": self.request_id,
        }


def split_file_name(name: str) -> tuple[str, str]:
    """The basename (up to the first dot: what identifies a frame) and the extension (the rest, with its dot).

    Raises:
        InvalidFrame: The name is empty, too long, or holds anything but letters, digits, ``_``, ``-``, ``+`` and dots.
    """
    if not _FILE_NAME.fullmatch(name) or len(name) > LONGEST_BASENAME:
        accepted = f"at most {LONGEST_BASENAME} letters, digits, '_', '-', '+' and single dots, a letter or digit first"
        raise InvalidFrame([f"the file name {name[:80]!r} is not accepted: {accepted}"])
    basename, dot, extension = name.partition(".")
    return basename, dot + extension


def place_segment(text: str) -> str:
    """A text as one segment of a path: everything that is not a letter, digit, ``_``, ``+`` or ``-`` becomes ``_``."""
    return re.sub(r"[^A-Za-z0-9_+\-]", "_", text) or "_"


def cleaned_header(header: Mapping[str, Any], vocabulary: HeaderVocabulary) -> dict[str, HeaderValue]:
    """A header as JSON can hold it, with the many ways to write "nothing" made one.

    Ignored keywords are dropped; null values become ``""`` (``None`` for identifiers); not-a-number and infinities,
    which JSON does not have, become ``None``; names of related frames lose their extensions; control characters,
    which FITS forbids and databases refuse, are dropped.
    """
    cleaned: dict[str, HeaderValue] = {}
    for keyword, value in header.items():
        if keyword in vocabulary.ignored:
            continue
        cleaned[keyword] = _cleaned(value, keyword, vocabulary)
    for keyword in vocabulary.related_frames:
        value = cleaned.get(keyword)
        if isinstance(value, str):
            cleaned[keyword] = value.partition(".")[0]
    return cleaned


def record_from_header(
    file_name: str,
    header: Mapping[str, Any],
    *,
    vocabulary: HeaderVocabulary,
    rights: DataRights,
    tags: Iterable[str] = (),
) -> FrameRecord:
    """Describe a data product from its name and header.

    Args:
        file_name: Name of the file, without folders.
        header: Keywords and values, as read.
        vocabulary: Which keyword says what.
        rights: When frames become public.
        tags: The tags of the frame's proposal.

    Raises:
        InvalidFrame: With every problem: missing keywords by name, values that do not make sense.
    """
    basename, extension = split_file_name(file_name)
    words = cleaned_header(header, vocabulary)
    problems = [f"the required keyword {keyword} is missing" for keyword in vocabulary.required if keyword not in words]
    reader = _Reader(words, problems)
    observed = reader.moment(vocabulary.observation_date)
    published = reader.moment(vocabulary.public_date)
    day = reader.day(vocabulary.observation_day)
    if day is None and observed is not None and vocabulary.observation_day not in vocabulary.required:
        day = observed.date()
    level = reader.whole_number(vocabulary.reduction_level)
    exposure = reader.number(vocabulary.exposure_time)
    observation, request = (reader.whole_number(key) for key in (vocabulary.observation_id, vocabulary.request_id))
    texts = {key: reader.text(getattr(vocabulary, key)) for key in _TEXTS}
    if not texts["configuration_type"] and vocabulary.configuration_type in words:
        problems.append(f"{vocabulary.configuration_type} is empty; name the type of the exposure, for example EXPOSE")
    if problems or observed is None or day is None:
        empty = [
            name
            for name, value in ((vocabulary.observation_date, observed), (vocabulary.observation_day, day))
            if value is None
        ]
        raise InvalidFrame(problems or [f"{keyword} is empty; it says when the frame was taken" for keyword in empty])
    return FrameRecord(
        basename=basename,
        extension=extension,
        observation_date=observed,
        observation_day=day,
        public_date=published
        or rights.public_date(
            observation_date=observed,
            proposal=texts["proposal_id"],
            configuration_type=texts["configuration_type"],
            basename=basename,
            tags=tags,
        ),
        reduction_level=level or 0,
        exposure_time=exposure,
        headers=words,
        related_frame_filenames=related_frames(words, basename, vocabulary),
        observation_id=observation,
        request_id=request,
        proposal_id=texts["proposal_id"],
        instrument_id=texts["instrument_id"],
        site_id=texts["site_id"],
        telescope_id=texts["telescope_id"],
        configuration_type=texts["configuration_type"],
        target_name=texts["target_name"],
        primary_optical_element=texts["primary_optical_element"],
    )


def related_frames(header: Mapping[str, HeaderValue], basename: str, vocabulary: HeaderVocabulary) -> tuple[str, ...]:
    """The basenames of the other frames that a cleaned header names, each once."""
    names = (header.get(keyword) for keyword in vocabulary.related_frames)
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name and name != basename))


_TEXTS: Final = (
    "proposal_id", "instrument_id", "site_id", "telescope_id", "configuration_type", "target_name",
    "primary_optical_element",
)  # fmt: skip


class _Reader:
    """Reads typed values of a cleaned header, and collects what is wrong with them."""

    def __init__(self, words: Mapping[str, HeaderValue], problems: list[str]) -> None:
        self._words = words
        self._problems = problems

    def text(self, keyword: str) -> str:
        value = self._words.get(keyword)
        return "" if value is None else str(value).strip()

    def number(self, keyword: str) -> float | None:
        text = self.text(keyword)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            self._problems.append(f"{keyword} is {text[:40]!r}, which is not a number")
            return None
        return value if math.isfinite(value) else None

    def whole_number(self, keyword: str) -> int | None:
        text = self.text(keyword)
        if not text:
            return None
        try:
            value = int(text) if text.lstrip("+-").isdigit() else int(float(text))
        except (ValueError, OverflowError):
            self._problems.append(f"{keyword} is {text[:40]!r}, which is not a whole number")
            return None
        if not 0 <= value <= _LARGEST_IDENTIFIER:
            self._problems.append(f"{keyword} is {text[:40]}, which is not between 0 and {_LARGEST_IDENTIFIER}")
            return None
        return value

    def moment(self, keyword: str) -> datetime | None:
        text = self.text(keyword)
        if not text:
            return None
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            self._problems.append(f"{keyword} is {text[:40]!r}, which is not a UTC time like 2026-11-23T04:05:06.789")
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def day(self, keyword: str) -> date | None:
        text = self.text(keyword)
        if not text:
            return None
        found = _DAY.match(text)
        try:
            if found:
                return date(*(int(part) for part in found.groups()))
        except ValueError:
            pass  # a day like 20261345: told below, like any other text that is no day
        self._problems.append(f"{keyword} is {text[:40]!r}, which is not a night like 20261123 or 2026-11-23")
        return None


def _cleaned(value: Any, keyword: str, vocabulary: HeaderVocabulary) -> HeaderValue:
    is_identifier = keyword in vocabulary.identifiers
    if isinstance(value, str):
        text = "".join(character for character in value if character.isprintable()).strip()
        is_null = text.upper() in vocabulary.null_values or (is_identifier and ("NONE" in text.upper() or not text))
        return (None if is_identifier else "") if is_null else text
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return str(value)


def _wire_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
