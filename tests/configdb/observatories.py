"""Strategies: observatories in the shape of GET /sites/, and ways to spoil them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
site_codes = st.text(_LETTERS, min_size=3, max_size=3)
codes = st.text(_LETTERS, min_size=2, max_size=8)
seconds = st.floats(0, 600).map(lambda value: round(value, 3))
names = st.text(st.characters(categories=["L", "N", "Zs"]), min_size=1, max_size=12).map(str.strip).filter(bool)
schemas = st.sampled_from([{}, {"extra_params": {"type": "dict", "schema": {"bin_x": {"type": "integer", "min": 1}}}}])


def _fixed(**fields: Any) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({name: it if isinstance(it, st.SearchStrategy) else st.just(it)
                                  for name, it in fields.items()})  # fmt: skip


def _some(draw: Any, pool: list[Any], least: int = 0, most: int = 3) -> list[Any]:
    return list(draw(st.lists(st.sampled_from(pool), min_size=least, max_size=most, unique_by=id)))


def _with_default(draw: Any, group: Json, members: str) -> Json:
    known = ["", *(each["code"] for each in group[members])]
    return group | {"default": draw(st.sampled_from(known))}


def _elements(draw: Any) -> list[Json]:
    found = draw(st.lists(codes, min_size=1, max_size=4, unique=True))
    return [{"code": code, "name": draw(names), "schedulable": draw(st.booleans())} for code in found]


def _cameras(draw: Any) -> list[Json]:
    elements = _elements(draw)
    kinds = [
        {"name": name, "code": name.upper(), "size": "10 x 10", "pscale": draw(seconds), "pixels_x": 1024,
         "pixels_y": 512, "max_rois": draw(st.integers(0, 3))}
        for name in draw(st.lists(codes, min_size=1, max_size=2, unique=True))
    ]  # fmt: skip
    groups = [
        _with_default(draw, {"name": draw(names), "type": kind, "element_change_overhead": draw(seconds),
                             "optical_elements": _some(draw, elements)}, "optical_elements")
        for kind in draw(st.lists(st.sampled_from(["filters", "slits"]), min_size=1, max_size=3))
    ]  # fmt: skip
    cameras = []
    for code in draw(st.lists(codes, min_size=1, max_size=3, unique=True)):
        fitted = {group["type"]: group for group in _some(draw, groups)}
        cameras.append({"code": code, "camera_type": draw(st.sampled_from(kinds)),
                        "orientation": draw(st.floats(0, 360)),
                        "optical_element_groups": list(fitted.values()), "host": ""})  # fmt: skip
    return cameras


def _instrument_types(draw: Any) -> list[Json]:
    modes = [
        {"code": code, "name": draw(names), "overhead": draw(seconds), "schedulable": draw(st.booleans()),
         "validation_schema": draw(schemas)}
        for code in draw(st.lists(codes, min_size=1, max_size=4))
    ]  # fmt: skip
    found = []
    kinds = {code: draw(names) for code in draw(st.lists(codes, min_size=1, max_size=3, unique=True))}
    for code in draw(st.lists(codes, min_size=1, max_size=2, unique=True)):
        groups = []
        for kind in draw(st.lists(st.sampled_from(["readout", "guiding", "rotator"]), unique=True)):
            members = {mode["code"]: mode for mode in _some(draw, modes)}
            groups.append(_with_default(draw, {"type": kind, "modes": list(members.values())}, "modes"))
        work = [
            {"code": each, "name": kinds[each], "config_change_overhead": draw(seconds), "schedulable": True,
             "force_acquisition_off": draw(st.booleans()), "requires_optical_elements": True,
             "validation_schema": draw(schemas)}
            for each in draw(st.lists(st.sampled_from(sorted(kinds)), unique=True))
        ]  # fmt: skip
        found.append({
            "code": code, "name": draw(names), "fixed_overhead_per_exposure": draw(seconds),
            "instrument_category": draw(st.sampled_from([None, "IMAGE"])), "observation_front_padding": draw(seconds),
            "acquire_exposure_time": 0.0, "default_acceptability_threshold": draw(st.floats(0, 100)),
            "config_front_padding": 0.0, "allow_self_guiding": draw(st.booleans()), "mode_types": groups,
            "configuration_types": work, "validation_schema": draw(schemas),
            "default_configuration_type": draw(st.sampled_from([None, *(each["code"] for each in work)])),
        })  # fmt: skip
    return found


@st.composite
def observatories(draw: Any) -> Json:
    """A valid description; things in it have ids of their own, as in an answer of the service."""
    cameras, kinds = _cameras(draw), _instrument_types(draw)

    def instrument(code: str) -> Json:
        return {"code": code, "state": draw(st.sampled_from(["DISABLED", "MANUAL", "STANDBY", "SCHEDULABLE"])),
                "autoguider_camera": draw(st.sampled_from(cameras)), "science_cameras": _some(draw, cameras),
                "instrument_type": draw(st.sampled_from(kinds))}  # fmt: skip

    def telescope(code: str) -> Json:
        return {
            "serial_number": "", "name": draw(names), "code": code, "active": draw(st.booleans()), "lat": 10.5,
            "aperture": draw(st.sampled_from([0.4, 1.0, 2.0])), "slew_rate": 0.0,
            "minimum_slew_overhead": draw(seconds),
            "instrument_change_overhead": draw(seconds), "long": -17.25, "horizon": draw(st.floats(0, 80)),
            "ha_limit_pos": draw(st.floats(0.5, 12)), "ha_limit_neg": draw(st.floats(-12, -0.5)),
            "telescope_front_padding": 90.0, "zenith_blind_spot": 0.0, "instrument_set": several(instrument),
        }  # fmt: skip

    def enclosure(code: str) -> Json:
        return {"name": draw(names), "code": code, "active": draw(st.booleans()), "telescope_set": several(telescope)}

    def several(make: Callable[[str], Json]) -> list[Json]:
        return [make(code) for code in draw(st.lists(codes, min_size=1, max_size=2, unique=True))]

    sites = [
        {"name": draw(names), "code": code, "active": draw(st.booleans()), "timezone": draw(st.integers(-12, 14)),
         "restart": "11:00:00", "tz": draw(st.sampled_from(["Etc/UTC", "Europe/Madrid"])), "lat": 10.5, "long": -17.25,
         "elevation": draw(st.integers(0, 4000)), "enclosure_set": several(enclosure)}
        for code in sorted(draw(st.lists(site_codes, min_size=1, max_size=2, unique=True)))
    ]  # fmt: skip
    return {"results": _numbered(sites)}


def _numbered(sites: list[Json]) -> list[Json]:
    """Give ids as the service would: things that are used twice keep theirs."""
    given: dict[int, int] = {}
    counters: dict[str, Iterator[int]] = {}
    nameless = {"configuration_types"}

    def number(value: Any, kind: str) -> None:
        if isinstance(value, list):
            for each in value:
                number(each, kind)
        elif isinstance(value, dict):
            for name, inner in value.items():
                if name != "validation_schema":
                    number(inner, "camera" if name in {"science_cameras", "autoguider_camera"} else name)
            if kind and kind not in nameless and "id" not in value:
                value["id"] = given.setdefault(id(value), next(counters.setdefault(kind, itertools.count(1))))

    number(sites, "sites")
    return list(json.loads(json.dumps(sites)))


def without_links(value: Any) -> Any:
    """An answer without what can be computed from the rest: links to parents, full names, joined codes."""
    if isinstance(value, list):
        return [without_links(each) for each in value]
    if not isinstance(value, dict):
        return value
    derived = {"site", "enclosure", "telescope", "__str__"} | (
        {"optical_elements"} if "camera_type" in value else set()
    )
    return {name: without_links(inner) for name, inner in value.items() if name not in derived}


# --- Ways to be wrong: each changes one place of an object and says which


def objects(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """Every object of a description with its place; schemas are not looked into."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from objects(each, (*place, index))
    elif isinstance(value, dict):
        yield place, value
        for name, inner in value.items():
            if name != "validation_schema":
                yield from objects(inner, (*place, name))


SPOILED: dict[str, list[Any]] = {
    "tz": ["Europe/Madrd", 1],
    "horizon": [90.5, -1, "20", None, True],
    "elevation": [10_000_000, 1.5, "high"],
    "timezone": [15, None],
    "restart": ["noon", 39600],
    "state": ["BROKEN", 30],
    "orientation": [-1, 361],
    "overhead": [-0.5, "long"],
    "pscale": [-1.0],
    "ha_limit_pos": [13, -1],
    "ha_limit_neg": [1],
    "active": ["yes", 1],
    "default": ["not one of them"],
    "default_configuration_type": ["not one of them"],
    "validation_schema": [{"a": {"type": "no such type"}}, {"a": {"no such rule": 1}}, []],
    "code": ["", 7, None],
    "science_cameras": ["im01", None],
    "autoguider_camera": [None, []],
    "enclosure_set": [{}],
    "name": [3, None],
}
