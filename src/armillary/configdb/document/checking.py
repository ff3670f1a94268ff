"""Everything that is wrong with a description in the ``/sites/`` shape, found at once and without a database."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import models

from armillary.configdb import rules
from armillary.configdb.document import shapes
from armillary.configdb.document.shapes import Shape
from armillary.configdb.document.source import Place
from armillary.configdb.models import Resource

Json = Mapping[str, Any]
Mistake = tuple[Place, str]
"""Where, in the ``/sites/`` shape, and a sentence."""

_TYPES: Final[tuple[tuple[type[Any], tuple[type[Any], ...], str], ...]] = (
    (models.FloatField, (int, float), "a number"),
    (models.IntegerField, (int,), "a whole number"),
    (models.BooleanField, (bool,), "true or false"),
    (models.JSONField, (dict,), "an object of Cerberus rules"),
    (models.TimeField, (str,), "a time of day in quotes, such as '11:00:00'"),
    (models.CharField, (str,), "a text (in quotes, if it looks like a number)"),
)


def mistakes_in(sites: list[Any], others: Iterable[tuple[Shape, Any]] = ()) -> list[Mistake]:
    """All mistakes.

    Args:
        sites: The description; a place in it begins with the index of the site.
        others: Things that stand beside it; the place of the first begins with the index -1, the next with -2 ...
    """
    checker = _Checker()
    checker.check_list(shapes.SITE, sites, ())
    for index, (shape, value) in enumerate(others, start=1):
        checker.check(shape, value, (-index,))
    return checker.found


@dataclass
class _Checker:
    found: list[Mistake] = field(default_factory=list)
    _described: dict[tuple[Shape, str], tuple[str, Place]] = field(default_factory=dict)

    def check(self, shape: Shape, value: Any, place: Place) -> None:
        """An object and all that is inside it; what is described again in the same words is checked once."""
        if not isinstance(value, Mapping):
            self.found.append((place, f"must be an object, not {_shown(value)}"))
            return
        if self._is_known(shape, value, place):
            return
        self.found += _wrong_fields(shape, value, place)
        for name, inner in shape.objects.items():
            if value.get(name) is None:
                self.found.append(((*place, name), "is missing"))
            else:
                self.check(inner, value[name], (*place, name))
        for name, inner in shape.lists.items():
            self.check_list(inner, value.get(name), (*place, name))
        rule = _RULES.get(shape)
        if rule is not None:
            self.found += [((*place, name), sentence) for name, sentence in rule(value)]

    def check_list(self, shape: Shape, values: Any, place: Place) -> None:
        """Objects of one kind that stand together; their codes tell them apart."""
        if not isinstance(values, list):
            self.found.append((place, "is missing" if values is None else f"must be a list, not {_shown(values)}"))
            return
        for index, each in enumerate(values):
            self.check(shape, each, (*place, index))
        name = "type" if shape is shapes.MODE_GROUP else "code"
        if shape is not shapes.ELEMENT_GROUP:
            self.found += _repetitions(values, name, place)

    def _is_known(self, shape: Shape, value: Json, place: Place) -> bool:
        """Whether it was described before; in other words than now is a mistake."""
        identity = _identity(shape, value)
        if identity is None:
            return False
        words = json.dumps(_without_ids(value), sort_keys=True, default=str)
        first, where = self._described.setdefault((shape, identity), (words, place))
        if where == place:
            return False
        if first != words:
            kind = shape.model._meta.verbose_name  # noqa: SLF001  Django's public metadata
            self.found.append((place, f"the {kind} {identity!r} is described twice, and differently"))
            return False
        return True


def _identity(shape: Shape, value: Json) -> str | None:
    """What tells a thing apart: its code or name; for groups and modes, which have none that is unique, an id."""
    if shape.identity:
        named = value.get(shape.identity)
        return named if isinstance(named, str) else None
    numbered = value.get("id") if shape in {shapes.ELEMENT_GROUP, shapes.MODE} else None
    return f"{numbered}" if type(numbered) is int else None


def _without_ids(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_ids(inner) for name, inner in value.items() if name != "id"}
    return [_without_ids(inner) for inner in value] if isinstance(value, list) else value


# --- Plain values


def _wrong_fields(shape: Shape, value: Json, place: Place) -> Iterator[Mistake]:
    own = ((name, shape.model, name) for name in shape.fields)
    borrowed = ((name, model, original) for name, (model, original) in shape.borrowed.items())
    for name, model, original in (*own, *borrowed):
        given = value.get(name)
        if name in shape.optional and (given is None or given == ""):
            continue
        for sentence in _field_mistakes(model, original, value, name):
            yield (*place, name), sentence


def _field_mistakes(model: type[Resource], original: str, value: Json, name: str) -> Iterator[str]:
    described: Any = model._meta.get_field(original)  # noqa: SLF001  Django's public metadata
    if name not in value:
        if not described.has_default() and not described.null:
            yield "is missing"
        return
    given = value[name]
    if given is None:
        if not described.null:
            yield "must not be null"
        return
    expected = _expected(described, given)
    if expected:
        yield f"must be {expected}, not {_shown(given)}"
        return
    try:
        described.clean(given, None)
    except ValidationError as error:
        yield from error.messages


def _expected(described: Any, given: Any) -> str | None:
    """What it should have been; ``None`` when it is."""
    for kind, accepted, words in _TYPES:
        if isinstance(described, kind):
            is_right = isinstance(given, accepted) and (bool in accepted or not isinstance(given, bool))
            if is_right and isinstance(given, float) and not math.isfinite(given):
                return "a finite number"
            return None if is_right else words
    return None


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


# --- Rules between values


def _repetitions(values: Iterable[Any], name: str, place: Place) -> Iterator[Mistake]:
    """Codes that stand twice in one list, in any case: who looks them up ignores it."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, each in enumerate(values):
        code = each.get(name) if isinstance(each, Mapping) else None
        if isinstance(code, str) and code:
            places[code.casefold()].append(index)
    for code, indices in places.items():
        for index in indices[1:]:
            yield (*place, index, name), f"{code!r} stands in this list already"


def _texts(value: Json, name: str, key: str) -> list[str]:
    entries = value.get(name)
    found = [each.get(key) for each in entries if isinstance(each, Mapping)] if isinstance(entries, list) else []
    return [each for each in found if isinstance(each, str)]


def _default(value: Json, key: str, members: str, what: str) -> Iterator[tuple[str, str]]:
    default = value.get(key)
    if isinstance(default, str):
        problem = rules.default_problem(default, _texts(value, members, "code"), what)
        if problem:
            yield key, problem


def _camera(value: Json) -> Iterator[tuple[str, str]]:
    for twice in rules.repeated(_texts(value, "optical_element_groups", "type")):
        yield "optical_element_groups", f"A camera has at most one group of a type; there are several of {twice}."


_RULES: Final[Mapping[Shape, Callable[[Json], Iterator[tuple[str, str]]]]] = {
    shapes.ELEMENT_GROUP: lambda value: _default(value, "default", "optical_elements", "optical elements"),
    shapes.MODE_GROUP: lambda value: _default(value, "default", "modes", "modes"),
    shapes.INSTRUMENT_TYPE: lambda value: _default(
        value, "default_configuration_type", "configuration_types", "configuration types"
    ),
    shapes.CAMERA: _camera,
}


def doubts_about(sites: Iterable[Json]) -> list[str]:
    """What is allowed, and probably not meant: instrument types that no request could use."""
    found: dict[str, None] = {}
    for site in sites:
        for enclosure in site["enclosure_set"]:
            for telescope in enclosure["telescope_set"]:
                for instrument in telescope["instrument_set"]:
                    found |= dict.fromkeys(_doubts(instrument))
    return list(found)


def _doubts(instrument: Json) -> Iterator[str]:
    kind = instrument["instrument_type"]
    missing = [need for need in ("readout", "guiding", "acquisition") if need not in _texts(kind, "mode_types", "type")]
    if missing:
        yield f"instrument type {kind['code']}: no {' and no '.join(missing)} modes, so no request can use it"
    if not kind["configuration_types"]:
        yield f"instrument type {kind['code']}: no configuration types, so no request can use it"
    if not instrument["science_cameras"]:
        yield f"instrument {instrument['code']}: no science camera"
