"""What somebody types into the request composer, as the request group it means; pure, and judged by the portal alone.

Nothing is refused here: what is not a number is passed on as it was typed, so that the portal's own sentence comes back
to the field. :func:`located` brings the portal's nested errors to the fields they are about.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from armillary.core.observatory import InstrumentType, Observatory, OpticalElementGroup
from armillary.core.requests.model import Request, RequestGroup

Json = dict[str, Any]

_TEXTS: Final = (
    *("name", "proposal", "observation_type", "ipp_value", "target_name", "ra", "dec", "proper_motion_ra"),
    *("proper_motion_dec", "instrument_type", "telescope_class", "site", "acquisition_mode", "guiding_mode"),
    *("max_airmass", "min_lunar_distance", "max_lunar_phase", "cadence_period", "cadence_jitter", "optimization_type"),
)
_DEFAULTS: Final = {
    **dict.fromkeys(_TEXTS, ""),
    "observation_type": "NORMAL",
    "optimization_type": "TIME",
    "ipp_value": "1.0",
    "max_airmass": "1.6",
    "min_lunar_distance": "30",
    "max_lunar_phase": "1.0",
}
_WITH_COMPLAINTS: Final = tuple(it for it in _TEXTS if it not in {"cadence_jitter", "optimization_type"})
_SEXAGESIMAL: Final = re.compile(r"^([+-]?)(\d{1,3})[:h°d\s]\s*(\d{1,2})[:m'\s]\s*(\d{1,2}(?:\.\d+)?)\s*[s\"]?$")
_PRIMES: Final = {0x2032: "'", 0x2033: '"', 0x2212: "-"}  # what papers print for minutes, seconds and minus
_BROWSERS_TIME: Final = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$")
_A_WEEK: Final = timedelta(days=7)
_DEGREES_PER_HOUR: Final = 15.0
_MOST_ROWS: Final = 30


class Form(Protocol):
    """A submitted form: Django's ``QueryDict``, or anything that answers like it."""

    def get(self, key: str, default: str, /) -> Any:
        """The last value of a field."""

    def getlist(self, key: str, /) -> list[Any]:
        """All values of a field."""


@dataclass(frozen=True, slots=True)
class Exposures:
    """A row of the table of exposures, as typed."""

    time: str = "60"
    count: str = "1"
    mode: str = ""
    elements: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """A row of the table of windows, as typed: UTC."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Composition:
    """The composer's fields."""

    texts: Mapping[str, str]
    exposures: tuple[Exposures, ...]
    windows: tuple[Span, ...]

    def __getitem__(self, name: str) -> str:
        """A single field, for templates too."""
        return self.texts[name]

    def with_texts(self, **texts: str) -> Composition:
        """The same with other words in some fields."""
        return replace(self, texts={**self.texts, **texts})

    def one_more_exposure(self) -> Composition:
        """The same with the last row of exposures twice."""
        return replace(self, exposures=(*self.exposures, self.exposures[-1])[:_MOST_ROWS])

    def without_exposure(self, index: int) -> Composition:
        """The same without a row; the last one stays."""
        rest = self.exposures[:index] + self.exposures[index + 1 :]
        return replace(self, exposures=rest or self.exposures)

    def one_more_window(self) -> Composition:
        """The same with the last window twice."""
        return replace(self, windows=(*self.windows, self.windows[-1])[:_MOST_ROWS])

    def without_window(self, index: int) -> Composition:
        """The same without a window; the last one stays."""
        rest = self.windows[:index] + self.windows[index + 1 :]
        return replace(self, windows=rest or self.windows)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of everything that a complaint can be about."""
        rows = (f"exposure-{row}" for row in range(len(self.exposures)))
        spans = (f"window-{row}" for row in range(len(self.windows)))
        return (*_WITH_COMPLAINTS, *rows, *spans)

    @property
    def has_cadence(self) -> bool:
        """Whether the request is to be repeated at regular times."""
        return bool(self["cadence_period"].strip())

    def body(self, observatory: Observatory) -> Json:
        """The request group on the wire; with a ``cadence`` in place of windows, if it is to be repeated."""
        return {
            "name": self["name"],
            "proposal": self["proposal"],
            "ipp_value": _number(self["ipp_value"]),
            "operator": "SINGLE",
            "observation_type": self["observation_type"],
            "requests": [self._request(observatory)],
        }

    def _request(self, observatory: Observatory) -> Json:
        location = {name: self[name] for name in ("telescope_class", "site") if self[name]}
        windows = [{"start": _instant(it.start), "end": _instant(it.end)} for it in self.windows]
        when: Json = {"windows": windows}
        if self.has_cadence:
            rhythm = {"period": _number(self["cadence_period"]), "jitter": _number(self["cadence_jitter"])}
            when = {"cadence": {**windows[0], **rhythm}}
        return {
            "location": location,
            **when,
            "optimization_type": self["optimization_type"],
            "configurations": [self._configuration(observatory)],
        }

    def _configuration(self, observatory: Observatory) -> Json:
        kind = observatory.instrument_type(self["instrument_type"])
        target = {"type": "ICRS", "name": self["target_name"], "ra": _ra_deg(self["ra"]), "dec": _angle(self["dec"])}
        for name in ("proper_motion_ra", "proper_motion_dec"):
            if self[name].strip():
                target[name] = _number(self[name])
        return {
            "type": (kind.default_configuration_type if kind else None) or "EXPOSE",
            "instrument_type": self["instrument_type"],
            "target": target,
            "constraints": {
                name: _number(self[name]) for name in ("max_airmass", "min_lunar_distance", "max_lunar_phase")
            },
            "instrument_configs": [_instrument_config(it) for it in self.exposures],
            "acquisition_config": {"mode": self["acquisition_mode"]} if self["acquisition_mode"] else {},
            "guiding_config": {"mode": self["guiding_mode"]} if self["guiding_mode"] else {},
        }


# --- where a composition comes from


def blank(observatory: Observatory, proposals: Sequence[str], now: datetime) -> Composition:
    """What an empty composer begins with: the first imager there is, and a window of a week from now."""
    types = observatory.instrument_types().values()
    kind = next((it for it in types if it.category == "IMAGE"), next(iter(types), None))
    start = now.replace(second=0, microsecond=0)
    texts = _DEFAULTS | {"proposal": proposals[0] if proposals else "", "instrument_type": kind.code if kind else ""}
    composition = Composition(texts, (Exposures(),), (Span(_shown(start), _shown(start + _A_WEEK)),))
    return fitted(composition, observatory)


def typed(form: Form, observatory: Observatory) -> Composition:
    """What a submitted form says."""
    texts = {name: str(form.get(name, _DEFAULTS[name])).strip() for name in _TEXTS}
    keys = _element_groups(observatory, texts["instrument_type"])
    columns = {key: form.getlist(f"element-{key}") for key in keys}
    times, counts, modes = (form.getlist(name) for name in ("exposure_time", "exposure_count", "readout_mode"))
    exposures = [
        Exposures(time, _at(counts, row), _at(modes, row), {key: _at(column, row) for key, column in columns.items()})
        for row, time in enumerate(times[:_MOST_ROWS])
    ]
    ends = form.getlist("window_end")
    windows = [Span(start, _at(ends, row)) for row, start in enumerate(form.getlist("window_start")[:_MOST_ROWS])]
    composition = Composition(texts, tuple(exposures) or (Exposures(),), tuple(windows) or (Span("", ""),))
    return fitted(composition, observatory)


def again(group: RequestGroup, observatory: Observatory, now: datetime) -> Composition:
    """A composition like a group that was submitted: its first request, with windows that are not over."""
    request = group.requests[0]
    configuration = request.configurations[0]
    target, limits = configuration.target, configuration.constraints
    texts = _DEFAULTS | {
        "name": group.name,
        "proposal": group.proposal,
        "observation_type": group.observation_type,
        "ipp_value": f"{group.ipp_value:g}",
        "instrument_type": configuration.instrument_type,
        "optimization_type": request.optimization_type,
        "acquisition_mode": configuration.acquisition_config.mode,
        "guiding_mode": configuration.guiding_config.mode,
        "max_airmass": f"{limits.max_airmass:g}",
        "min_lunar_distance": f"{limits.min_lunar_distance:g}",
        "max_lunar_phase": f"{limits.max_lunar_phase:g}",
    }
    if request.location is not None:
        texts |= {"telescope_class": request.location.telescope_class, "site": request.location.site}
    if target is not None and target.ra is not None and target.dec is not None:
        texts |= {"target_name": target.name, "ra": f"{target.ra:.6g}", "dec": f"{target.dec:.6g}"}
    exposures = tuple(
        Exposures(f"{it.exposure_time:g}", str(it.exposure_count), it.mode, dict(it.optical_elements))
        for it in configuration.instrument_configs
    )
    composition = Composition(texts, exposures or (Exposures(),), _windows_to_come(request, now))
    return fitted(composition, observatory)


def fitted(composition: Composition, observatory: Observatory) -> Composition:
    """The same with codes that the chosen instrument has: after another one is chosen, its defaults."""
    kind = observatory.instrument_type(composition["instrument_type"])
    if kind is None:
        return composition
    classes, sites = places(observatory, kind.code)
    chosen = composition["telescope_class"]
    texts = {
        "telescope_class": chosen if chosen in classes else next(iter(classes), ""),
        "site": composition["site"] if composition["site"] in sites else "",
    }
    for name in ("acquisition", "guiding"):
        mode = composition[f"{name}_mode"]
        texts[f"{name}_mode"] = mode if mode in mode_codes(kind, name) else ""
    exposures = tuple(_fitted(it, kind, _element_groups(observatory, kind.code)) for it in composition.exposures)
    return replace(composition.with_texts(**texts), exposures=exposures)


def places(observatory: Observatory, instrument_type: str) -> tuple[list[str], list[str]]:
    """Telescope classes and sites that have an instrument of a type."""
    keys = dict.fromkeys(it.telescope_key for it in observatory.instruments_of(instrument_type))
    telescopes = [it for key in keys if (it := observatory.telescope(key)) is not None]
    return list(dict.fromkeys(it.telescope_class for it in telescopes)), list(
        dict.fromkeys(it.site for it in telescopes)
    )


def mode_codes(kind: InstrumentType, group: str) -> list[str]:
    """Codes of the modes of a kind (readout, acquisition, guiding) that can be asked for."""
    found = kind.mode_groups.get(group)
    return [] if found is None else [it.code for it in found.modes if it.schedulable]


# --- errors


@dataclass(frozen=True, slots=True)
class Complaint:
    """A sentence of the portal, and the field it is about; ``""`` if it is about the whole."""

    slot: str
    sentence: str


def located(errors: object) -> list[Complaint]:
    """Nested field errors as complaints, each once, in the order in which they came."""
    return list(dict.fromkeys(Complaint(_slot(path), sentence) for path, sentence in _flattened(errors, ())))


def _flattened(errors: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            yield from _flattened(inner, (*path, str(name)))
    elif isinstance(errors, list):
        for number, inner in enumerate(errors):
            yield from _flattened(inner, (*path, number) if isinstance(inner, (Mapping, list)) else path)
    elif errors:
        yield path, str(errors)


def _slot(path: tuple[str | int, ...]) -> str:
    for rows, slot in (("instrument_configs", "exposure"), ("windows", "window")):
        if rows in path:
            row = path[path.index(rows) + 1 : path.index(rows) + 2]
            return f"{slot}-{row[0] if row and isinstance(row[0], int) else 0}"
    names = [it for it in path if isinstance(it, str) and it != "non_field_errors"]
    last = names[-1] if names else ""
    if "cadence" in names:
        return "cadence_period"
    for part, prefix in (("acquisition_config", "acquisition"), ("guiding_config", "guiding")):
        if part in names:
            return f"{prefix}_mode"
    if last == "name" and "target" in names:
        return "target_name"
    return last if last in _TEXTS else ""


# --- small conversions


def _instrument_config(exposures: Exposures) -> Json:
    config: Json = {
        "exposure_time": _number(exposures.time),
        "exposure_count": _number(exposures.count),
        "optical_elements": {key: code for key, code in exposures.elements.items() if code},
    }
    return config | ({"mode": exposures.mode} if exposures.mode else {})


def _fitted(exposures: Exposures, kind: InstrumentType, groups: Mapping[str, OpticalElementGroup]) -> Exposures:
    elements = {}
    for key, group in groups.items():
        codes = [it.code for it in group.elements if it.schedulable]
        chosen = exposures.elements.get(key, "")
        elements[key] = chosen if chosen in codes else group.default or next(iter(codes), "")
    modes = mode_codes(kind, "readout")
    readout = kind.mode_groups.get("readout")
    default = "" if readout is None else readout.default
    return replace(exposures, elements=elements, mode=exposures.mode if exposures.mode in modes else default)


def _element_groups(observatory: Observatory, instrument_type: str) -> dict[str, OpticalElementGroup]:
    if observatory.instrument_type(instrument_type) is None:
        return {}
    return {group.request_key: group for group in observatory.optical_element_groups(instrument_type).values()}


def _windows_to_come(request: Request, now: datetime) -> tuple[Span, ...]:
    start = now.replace(second=0, microsecond=0)
    spans = [Span(_shown(max(it.start, start)), _shown(it.end)) for it in request.windows if it.end > start]
    return tuple(spans) or (Span(_shown(start), _shown(start + _A_WEEK)),)


def _at(column: Sequence[Any], row: int) -> str:
    return str(column[row]).strip() if row < len(column) else ""


def _number(text: str) -> float | int | str:
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() else number


def _angle(text: str, unit_deg: float = 1.0) -> float | int | str:
    """Degrees; a sexagesimal angle is read in units of ``unit_deg``."""
    parts = _SEXAGESIMAL.match(text.strip().translate(_PRIMES))
    if parts is None:
        return _number(text)
    whole, minutes, seconds = int(parts[2]), int(parts[3]), float(parts[4])
    size = (whole + minutes / 60 + seconds / 3600) * unit_deg
    return round(-size if parts[1] == "-" else size, 7)


def _ra_deg(text: str) -> float | int | str:
    return _angle(text, _DEGREES_PER_HOUR)


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def _instant(text: str) -> str:
    """What browsers send has no zone; here it is UTC, as everything is."""
    return f"{text if len(text) > len('2026-01-01T00:00') else text + ':00'}Z" if _BROWSERS_TIME.match(text) else text
