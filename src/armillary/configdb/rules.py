"""Rules between several values of an object; rules of single values are validators of the models' fields.

Each rule returns nested errors of the wire's shape, ``{field: [sentence, ...]}``, and raises nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from armillary.configdb.models import (
    Camera,
    GenericModeGroup,
    InstrumentType,
    OpticalElementGroup,
    Resource,
)

Errors = dict[str, list[str]]
Members = Mapping[str, Sequence[Resource]]


def broken_rules(thing: Resource, members: Members) -> Errors:
    """What is wrong with an object as it is about to be, with these members.

    Args:
        thing: The object with its new values.
        members: All its ordered relations as they are about to be, by name.
    """
    rule = _RULES.get(type(thing))
    return rule(thing, members) if rule else {}


def default_problem(default: str | None, codes: Iterable[str], what: str) -> str | None:
    """Why a default cannot be one, given the codes of the members."""
    known = list(codes)
    if not default or default in known:
        return None
    return f"The default {default!r} is not among its {what}: {', '.join(known) or 'there are none'}."


def repeated(codes: Iterable[str]) -> list[str]:
    """Codes that occur more than once; upper and lower case are the same, as for those who look them up."""
    counted = Counter(code.casefold() for code in codes)
    return sorted(code for code, count in counted.items() if count > 1)


def repetition_problem(codes: Iterable[str], what: str) -> str | None:
    """Why members cannot be told apart."""
    twice = repeated(codes)
    return f"More than one of the {what} has the code {', '.join(twice)}." if twice else None


def _group_rules(default: Any, members: Sequence[Any], field: str, what: str) -> Errors:
    codes = [member.code for member in members]
    outsider = default is not None and default not in members
    found = {
        "default": default_problem(default.code, codes, what) or f"The default is not one of its {what}."
        if outsider
        else None,
        field: repetition_problem(codes, what),
    }
    return {name: [problem] for name, problem in found.items() if problem}


def _optical_element_group(thing: Any, members: Members) -> Errors:
    return _group_rules(thing.default, members["optical_elements"], "optical_elements", "optical elements")


def _mode_group(thing: Any, members: Members) -> Errors:
    return _group_rules(thing.default, members["modes"], "modes", "modes")


def _camera(thing: Any, members: Members) -> Errors:
    del thing
    groups = [each for each in members["optical_element_groups"] if isinstance(each, OpticalElementGroup)]
    twice = repeated(group.type for group in groups)
    if not twice:
        return {}
    return {
        "optical_element_groups": [
            f"A camera has at most one group of a type; there are several of {', '.join(twice)}."
        ]
    }


_RULES: Final[dict[type[Resource], Callable[[Any, Members], Errors]]] = {
    OpticalElementGroup: _optical_element_group,
    GenericModeGroup: _mode_group,
    Camera: _camera,
}


def default_configuration_type_problem(thing: InstrumentType) -> str | None:
    """Why the default configuration type of a stored instrument type cannot be one."""
    codes = thing.configuration_types.order_by("id").values_list("configuration_type_id", flat=True)
    return default_problem(thing.default_configuration_type_id, codes, "configuration types")
