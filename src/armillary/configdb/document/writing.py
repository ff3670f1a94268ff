"""The plain form again, from the ``/sites/`` shape: for people who go on by hand with what the database holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import yaml

from armillary.configdb.document import shapes
from armillary.configdb.document.plain import STANDARD_CONFIGURATION_TYPES, USUAL_LIMITS, USUAL_MODES, USUAL_OVERHEADS
from armillary.configdb.document.shapes import Shape
from armillary.configdb.document.source import MEANINGS

Json = dict[str, Any]

_WIDTH: Final = 120
_HEADER: Final = """\
# Written by `armillary configdb export --form plain`, to be edited and read in by `armillary configdb import`.
# Angles are degrees, hour angles hours, overheads seconds, apertures metres. What is left out has its usual value.

"""


def as_plain_form(sites: Sequence[Mapping[str, Any]]) -> str:
    """YAML that reads as the same observatory.

    What is used in several places stands once, by name, and what is usual is left out. Ids are not kept: things are
    known by their codes.

    Args:
        sites: In the shape of ``GET /sites/``, without mistakes.
    """
    parts = _Contraction().run(sites)
    return _HEADER + "\n".join(
        yaml.dump({key: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
        for key, value in parts.items()
        if value
    )


class _Dumper(yaml.SafeDumper):
    """Block style, but a short list of plain values in one line, and nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True

    def represent_sequence(
        self,
        tag: str,
        sequence: Iterable[Any],
        flow_style: bool | None = None,  # noqa: FBT001  PyYAML's signature
    ) -> yaml.SequenceNode:
        items = list(sequence)
        is_short = not any(isinstance(item, dict | list) for item in items)
        return super().represent_sequence(tag, items, is_short or flow_style)


for _meaning in MEANINGS:
    _Dumper.add_implicit_resolver(*_meaning)  # so that a text which would be read as a number is put in quotes
_Dumper.add_representer(list, lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items))


class _Named:
    """Things of one kind that are written once and named where they are used."""

    def __init__(self, write: Callable[[Json, str], Json], name_of: Callable[[Json], str]) -> None:
        self._write = write
        self._name_of = name_of
        self._names: dict[str, str] = {}
        self.written: dict[str, Json] = {}

    def name(self, thing: Json) -> str:
        """Under which name it stands; different things never stand under one."""
        content = repr(_without_ids(thing))
        if content not in self._names:
            wanted = name = self._name_of(thing) or "unnamed"
            number = 1
            while name in self.written:
                number += 1
                name = f"{wanted} {number}"
            self._names[content] = name
            self.written[name] = {}
            self.written[name] = self._write(thing, name)
        return self._names[content]


class _Contraction:
    def __init__(self) -> None:
        self._groups = _Named(self._group, lambda it: str(it["name"]))
        self._camera_types = _Named(self._camera_type, lambda it: str(it["name"]))
        self._cameras = _Named(self._camera, lambda it: str(it["code"]))
        self._types = _Named(self._instrument_type, lambda it: str(it["code"]))

    def run(self, sites: Iterable[Mapping[str, Any]]) -> Json:
        return {
            "sites": [self._site(site) for site in sites],
            "cameras": self._cameras.written,
            "camera_types": self._camera_types.written,
            "optical_element_groups": self._groups.written,
            "instrument_types": self._types.written,
        }

    # --- Places

    def _site(self, site: Mapping[str, Any]) -> Json:
        enclosures = [self._enclosure(each, site) for each in site["enclosure_set"]]
        return {**_values(shapes.SITE, site, keep=("timezone",)), **_some(enclosures=enclosures)}

    def _enclosure(self, enclosure: Json, site: Mapping[str, Any]) -> Json:
        telescopes = [self._telescope(each, site) for each in enclosure["telescope_set"]]
        return {**_values(shapes.ENCLOSURE, enclosure), **_some(telescopes=telescopes)}

    def _telescope(self, telescope: Json, site: Mapping[str, Any]) -> Json:
        usual = {**USUAL_LIMITS, "lat": site.get("lat"), "long": site.get("long")}
        instruments = [self._instrument(each) for each in telescope["instrument_set"]]
        return {**_values(shapes.TELESCOPE, telescope, usual, keep=("aperture",)), **_some(instruments=instruments)}

    def _instrument(self, instrument: Json) -> Json:
        values = _values(shapes.INSTRUMENT, instrument, keep=("state",))
        values["type"] = self._types.name(instrument["instrument_type"])
        cameras = [self._cameras.name(each) for each in instrument["science_cameras"]]
        values |= _some(cameras=cameras)
        guider = self._cameras.name(instrument["autoguider_camera"])
        guides_itself = cameras[:1] == [guider] and instrument.get("autoguider_type") == "SelfGuide"
        if guides_itself:
            values.pop("autoguider_type", None)
            return values
        return {**values, "guider": guider}

    # --- Things with names

    def _camera_type(self, camera_type: Json, name: str) -> Json:
        values = _values(shapes.CAMERA_TYPE, camera_type, {"name": name, "code": name}, keep=("size", "pscale"))
        values.pop("pixels_x", None), values.pop("pixels_y", None)
        return {**values, "pixels": [camera_type["pixels_x"], camera_type["pixels_y"]]}

    def _camera(self, camera: Json, name: str) -> Json:
        optics = [self._groups.name(each) for each in camera["optical_element_groups"]]
        values = _values(shapes.CAMERA, camera, {"code": name})
        return {"type": self._camera_types.name(camera["camera_type"]), **values, **_some(optics=optics)}

    def _group(self, group: Json, name: str) -> Json:
        elements = group["optical_elements"]
        usual = {"name": name, "type": "filters"}
        values = _values(shapes.ELEMENT_GROUP, group, usual, keep=("default",))
        written = {each["code"]: _coded(shapes.ELEMENT, each) for each in elements}
        return {**values, **_some(elements={code: _short(inner) for code, inner in written.items()})}

    def _instrument_type(self, kind: Json, name: str) -> Json:
        usual = {**USUAL_OVERHEADS, "name": name, "code": name}
        values = _values(shapes.INSTRUMENT_TYPE, kind, usual, keep=("default_configuration_type",))
        values["modes"] = {each["type"]: _mode_group(each) for each in kind["mode_types"]}
        values["modes"] |= {usual: None for usual in USUAL_MODES if usual not in values["modes"]}
        work = {each["code"]: each for each in kind["configuration_types"]}
        values["configuration_types"] = {
            code: _coded(shapes.CONFIGURATION_TYPE, each, STANDARD_CONFIGURATION_TYPES.get(code))
            for code, each in work.items()
        } or []
        return values


def _mode_group(group: Json) -> Json:
    modes = {each["code"]: _short(_coded(shapes.MODE, each)) for each in group["modes"]}
    return {"default": group.get("default"), "modes": modes}


def _coded(shape: Shape, thing: Json, usual: Mapping[str, Any] | None = None) -> Json:
    return _values(shape, thing, {"name": thing["code"], **(usual or {}), "code": thing["code"]})


def _short(values: Json) -> Any:
    """``V: Johnson V``, where the name is all there is to say."""
    return values["name"] if set(values) == {"name"} else values


def _values(
    shape: Shape, thing: Mapping[str, Any], usual: Mapping[str, Any] | None = None, *, keep: tuple[str, ...] = ()
) -> Json:
    """Plain values that are not what reading would fill in; those to keep are written in any case."""
    found: Json = {}
    for name in (*shape.fields, *shape.borrowed):
        value = thing.get(name)
        if name in keep or not _goes_without_saying(shape, name, value, usual or {}):
            found[name] = value
    return found


def _goes_without_saying(shape: Shape, name: str, value: Any, usual: Mapping[str, Any]) -> bool:
    if name in usual:
        return bool(value == usual[name])
    model, field = shape.borrowed.get(name, (shape.model, name))
    described: Any = model._meta.get_field(field)  # noqa: SLF001  Django's public metadata
    return value is None or (described.has_default() and bool(value == described.get_default()))


def _some(**parts: Any) -> Json:
    """Parts that are not empty."""
    return {name: part for name, part in parts.items() if part}


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_ids(inner) for name, inner in value.items() if name not in {"id", "__str__"}}
    return [_without_ids(each) for each in value] if isinstance(value, list) else value
