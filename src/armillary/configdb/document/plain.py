"""The plain form: an observatory as a person writes it, expanded to the ``/sites/`` shape.

Things that are used in several places (cameras, camera types, optical element groups, instrument types) stand once, by
name, and are named where they are used; what is usual is filled in. ``examples/one_telescope.yaml`` shows all of it.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from armillary.configdb.document import shapes
from armillary.configdb.document.entries import Entry, Mistakes
from armillary.configdb.document.shapes import Shape
from armillary.configdb.document.source import Place, path_of

Json = dict[str, Any]

STANDARD_CONFIGURATION_TYPES: Final[Mapping[str, Json]] = {
    "EXPOSE": {"name": "Exposure"},
    "REPEAT_EXPOSE": {"name": "Exposure sequence"},
    "STANDARD": {"name": "Standard star"},
    "AUTO_FOCUS": {"name": "Auto focus", "force_acquisition_off": True},
    "SCRIPT": {"name": "Script", "force_acquisition_off": True, "requires_optical_elements": False},
    "SPECTRUM": {"name": "Spectrum"},
    "REPEAT_SPECTRUM": {"name": "Spectrum sequence"},
    "ARC": {"name": "Arc lamp", "force_acquisition_off": True},
    "LAMP_FLAT": {"name": "Lamp flat", "force_acquisition_off": True},
    "SKY_FLAT": {"name": "Sky flat", "schedulable": False, "force_acquisition_off": True},
    "BIAS": {
        "name": "Bias", "schedulable": False, "force_acquisition_off": True, "requires_optical_elements": False,
    },
    "DARK": {
        "name": "Dark", "schedulable": False, "force_acquisition_off": True, "requires_optical_elements": False,
    },
}  # fmt: skip
"""What these usually mean, for whoever only names them."""
_USUAL_CONFIGURATION_TYPES: Final = ("EXPOSE", "REPEAT_EXPOSE", "BIAS", "DARK")
USUAL_MODES: Final[Mapping[str, Mapping[str, Json]]] = {
    "readout": {"default": {"name": "Full frame"}},
    "guiding": {"OFF": {"name": "No guiding"}, "ON": {"name": "Guiding"}},
    "acquisition": {"OFF": {"name": "No acquisition"}},
}
USUAL_LIMITS: Final[Mapping[str, float]] = {"horizon": 15.0, "ha_limit_neg": -12.0, "ha_limit_pos": 12.0}
"""Of a telescope: degrees, and hours."""
USUAL_OVERHEADS: Final[Mapping[str, float]] = {"fixed_overhead_per_exposure": 1.0, "observation_front_padding": 90.0}
"""Of an instrument type: seconds."""
_SITE: Final = ("code", "name", "active", "timezone", "restart", "tz", "lat", "long", "elevation")
_TELESCOPE: Final = (
    *("code", "serial_number", "name", "active", "aperture", "lat", "long", "slew_rate", "minimum_slew_overhead"),
    *("maximum_slew_overhead", "instrument_change_overhead", "horizon", "ha_limit_pos", "ha_limit_neg"),
    *("telescope_front_padding", "zenith_blind_spot"),
)
_INSTRUMENT_TYPE: Final = (
    *("name", "instrument_category", "fixed_overhead_per_exposure", "observation_front_padding"),
    *("acquire_exposure_time", "default_configuration_type", "default_acceptability_threshold"),
    *("config_front_padding", "allow_self_guiding", "validation_schema"),
)
_CONFIGURATION_TYPE: Final = (
    *("name", "config_change_overhead", "schedulable", "force_acquisition_off", "requires_optical_elements"),
    "validation_schema",
)
_MODE: Final = ("name", "overhead", "schedulable", "validation_schema")


@dataclass(slots=True)
class Expanded:
    """A plain description in the ``/sites/`` shape."""

    sites: list[Any]
    mistakes: Mistakes
    """Of the plain form itself: unknown keys, names that nothing stands under; with places in the plain form."""
    unused: list[tuple[Shape, Json]] = field(default_factory=list)
    """Things with a name that nothing leads to: they are checked, and not stored."""
    _origins: dict[int, Place] = field(default_factory=dict)

    @property
    def doubts(self) -> list[str]:
        """What is allowed, and probably not meant."""
        places = (self._origins[id(thing)] for _, thing in self.unused)
        return [f"{path_of(place)} is used nowhere, so it is not stored" for place in places]

    def origin(self, place: Place) -> Place:
        """Where in the plain form a place of the ``/sites/`` shape comes from."""
        value: Any = [*self.sites, *(thing for _, thing in reversed(self.unused))]
        best: Place = ("sites",)
        rest: Place = place
        for depth, part in enumerate(place):
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                break
            if id(value) in self._origins:
                best, rest = self._origins[id(value)], place[depth + 1 :]
        return (*best, *(_PLAIN_NAMES.get(part, part) if isinstance(part, str) else part for part in rest[:1]))


_PLAIN_NAMES: Final = {
    "enclosure_set": "enclosures",
    "telescope_set": "telescopes",
    "instrument_set": "instruments",
    "optical_elements": "elements",
    "mode_types": "modes",
    "pixels_x": "pixels",
    "pixels_y": "pixels",
    "camera_type": "type",
    "optical_element_groups": "optics",
    "science_cameras": "cameras",
    "instrument_type": "type",
    "autoguider_camera": "guider",
}


def expand(content: Mapping[str, Any]) -> Expanded:
    """Fill in what is usual, and put everything where the ``/sites/`` shape has it."""
    return _Expansion(content).run()


class _Expansion:
    """One document; things that are named are expanded once."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._mistakes: Mistakes = []
        self._origins: dict[int, Place] = {}
        self._top = Entry(content, (), self._mistakes)
        self._groups = {name: self._group(name, it) for name, it in self._top.named("optical_element_groups")}
        self._camera_types = {name: self._camera_type(name, it) for name, it in self._top.named("camera_types")}
        self._cameras = {name: self._camera(name, it) for name, it in self._top.named("cameras")}
        self._types = {name: self._instrument_type(name, it) for name, it in self._top.named("instrument_types")}

    def run(self) -> Expanded:
        sites = [self._site(entry) for entry in self._top.each("sites")]
        self._top.finish()
        return Expanded(sites, self._mistakes, list(self._unused(sites)), self._origins)

    def _unused(self, sites: list[Json]) -> Iterator[tuple[Shape, Json]]:
        used = {id(thing) for thing in _things_in(sites)}
        for shape, things in (
            (shapes.INSTRUMENT_TYPE, self._types),
            (shapes.CAMERA, self._cameras),
            (shapes.CAMERA_TYPE, self._camera_types),
            (shapes.ELEMENT_GROUP, self._groups),
        ):
            yield from ((shape, thing) for thing in things.values() if id(thing) not in used)

    def _made(self, entry: Entry, value: Json) -> Json:
        entry.finish()
        self._origins[id(value)] = entry.place
        return value

    # --- Places

    def _site(self, entry: Entry) -> Json:
        values = entry.take(*_SITE)
        if "timezone" not in values:
            values["timezone"] = _standard_offset(values.get("tz", "Etc/UTC"))
        values["enclosure_set"] = [self._enclosure(each, values) for each in entry.each("enclosures")]
        return self._made(entry, values)

    def _enclosure(self, entry: Entry, site: Json) -> Json:
        values = entry.take("code", "name", "active")
        values["telescope_set"] = [self._telescope(each, site) for each in entry.each("telescopes")]
        return self._made(entry, values)

    def _telescope(self, entry: Entry, site: Json) -> Json:
        usual: Json = {name: site[name] for name in ("lat", "long") if name in site}
        values: Json = {**usual, **USUAL_LIMITS, **entry.take(*_TELESCOPE)}
        if "aperture" not in values:
            entry.complain("is missing: metres; it gives the telescope class", "aperture")
        values["instrument_set"] = [self._instrument(each) for each in entry.each("instruments")]
        return self._made(entry, values)

    def _instrument(self, entry: Entry) -> Json:
        values = {"state": "SCHEDULABLE"} | entry.take("code", "state", "autoguider_type")
        cameras = [
            entry.refer(name, self._cameras, "cameras", place) for name, place in entry.names("cameras", "camera")
        ]
        guider, has_guider = entry.text("guider"), entry.has("guider")
        values["science_cameras"] = [camera for camera in cameras if camera is not None]
        if has_guider:
            values["autoguider_camera"] = entry.refer(guider, self._cameras, "cameras", (*entry.place, "guider"))
        elif values["science_cameras"]:  # no guider: the instrument guides itself
            values["autoguider_camera"] = values["science_cameras"][0]
            values.setdefault("autoguider_type", "SelfGuide")
        if not entry.has("type"):
            entry.complain("is missing: name one of the instrument_types", "type")
        values["instrument_type"] = entry.refer(
            entry.text("type"), self._types, "instrument_types", (*entry.place, "type")
        )
        return self._made(entry, values)

    # --- Things with names

    def _camera_type(self, name: str, entry: Entry) -> Json:
        values = {"name": name, "code": name} | entry.take("name", "code", "pscale", "max_rois", "size")
        pixels = entry.raw("pixels")
        if isinstance(pixels, list) and len(pixels) == 2:
            values["pixels_x"], values["pixels_y"] = pixels
        elif pixels is not None:
            entry.complain("must be a list of two numbers: [columns, rows]", "pixels")
        values.setdefault("size", _field_of_view(values))
        return self._made(entry, values)

    def _camera(self, name: str, entry: Entry) -> Json:
        values = {"code": name} | entry.take("code", "orientation", "host")
        if not entry.has("type"):
            entry.complain("is missing: name one of the camera_types", "type")
        values["camera_type"] = entry.refer(
            entry.text("type"), self._camera_types, "camera_types", (*entry.place, "type")
        )
        groups = [
            entry.refer(each, self._groups, "optical_element_groups", place) for each, place in entry.names("optics")
        ]
        values["optical_element_groups"] = [group for group in groups if group is not None]
        return self._made(entry, values)

    def _group(self, name: str, entry: Entry) -> Json:
        values = {"name": name, "type": "filters"} | entry.take("name", "type", "default", "element_change_overhead")
        values["optical_elements"] = [
            self._coded(code, each, ("name", "schedulable")) for code, each in entry.named("elements", with_text="name")
        ]
        if "default" not in values and len(values["optical_elements"]) == 1:
            values["default"] = values["optical_elements"][0]["code"]
        return self._made(entry, values)

    def _coded(self, code: str, entry: Entry, fields: tuple[str, ...], usual: Json | None = None) -> Json:
        return self._made(entry, {"code": code, "name": code, **(usual or {}), **entry.take(*fields)})

    def _instrument_type(self, name: str, entry: Entry) -> Json:
        values: Json = {"code": name, "name": name, **USUAL_OVERHEADS, **entry.take(*_INSTRUMENT_TYPE)}
        kinds = dict(entry.named("configuration_types"))
        if not entry.has("configuration_types"):
            kinds = {code: Entry({}, entry.place, self._mistakes) for code in _USUAL_CONFIGURATION_TYPES}
        values["configuration_types"] = [
            self._coded(code, each, _CONFIGURATION_TYPE, STANDARD_CONFIGURATION_TYPES.get(code))
            for code, each in kinds.items()
        ]
        if not entry.stands("default_configuration_type"):
            usable = (each["code"] for each in values["configuration_types"] if each.get("schedulable", True) is True)
            values["default_configuration_type"] = next(usable, None)
        values["mode_types"] = list(self._mode_groups(entry))
        return self._made(entry, values)

    def _mode_groups(self, entry: Entry) -> Iterator[Json]:
        given = dict(entry.named("modes"))
        left_out = entry.nulls_of("modes")
        for kind in dict.fromkeys((*given, *USUAL_MODES)):
            if kind in given and kind not in left_out:
                yield self._mode_group(kind, given[kind])
            elif kind not in left_out:
                yield self._usual_modes(kind, entry)

    def _mode_group(self, kind: str, entry: Entry) -> Json:
        modes = [self._coded(code, each, _MODE) for code, each in entry.named("modes", with_text="name")]
        values = {"type": kind, "modes": modes, **entry.take("default")}
        if "default" not in values and modes:
            values["default"] = modes[0]["code"]
        return self._made(entry, values)

    def _usual_modes(self, kind: str, entry: Entry) -> Json:
        modes = [{"code": code, **values} for code, values in USUAL_MODES[kind].items()]
        for mode in modes:
            self._origins[id(mode)] = entry.place
        values = {"type": kind, "modes": modes, "default": modes[0]["code"]}
        self._origins[id(values)] = entry.place
        return values


def _things_in(value: Any) -> Iterator[Json]:
    """Every object inside."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _things_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _things_in(inner)


def _standard_offset(zone: Any) -> int:
    """Whole hours from UTC without summer time."""
    try:
        local = datetime(2026, 1, 1, tzinfo=UTC).astimezone(zoneinfo.ZoneInfo(zone))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return 0  # the zone is refused by its own rule
    offset, summer = local.utcoffset(), local.dst()
    return round((offset.total_seconds() - (summer.total_seconds() if summer else 0.0)) / 3600) if offset else 0


def _field_of_view(values: Json) -> str:
    """In arcminutes, from pixels and scale."""
    try:
        sides = [values[name] * values["pscale"] / 60 for name in ("pixels_x", "pixels_y")]
        return " x ".join(f"{side:.1f}" for side in sides)
    except (KeyError, TypeError):
        return "unknown"
