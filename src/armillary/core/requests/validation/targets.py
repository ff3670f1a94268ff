"""Rules for targets."""

from __future__ import annotations

from typing import Any, Final

from armillary.core.requests.facts import Errors
from armillary.core.requests.model import TARGET_DEFAULTS, Target, required_target_fields, target_fields
from armillary.core.requests.validation.refusals import refuse
from armillary.core.requests.visibility import UnsupportedTarget, riseset_target

NAME_MISSING: Final = "Please provide a name."
_FIELD_MISSING: Final = "This field is required"
"""Without a full stop, unlike the same refusal of a form: that is how clients know it."""
_HIGHEST_ECCENTRICITY: Final = 0.9


def check_target(document: dict[str, Any]) -> tuple[dict[str, Any], Errors]:
    """The target with only the fields of its type and their defaults, and what is wrong with it."""
    kind, scheme = document["type"], document.get("scheme")
    kept = (*target_fields(kind, scheme), "extra_params")
    target = {key: value for key, value in document.items() if key in kept and value is not None}
    target = {**target, **{key: value for key, value in TARGET_DEFAULTS.get(kind, {}).items() if key not in target}}
    errors: Errors = {}
    if not target.get("name"):
        refuse(errors, NAME_MISSING, "name")
    for field in required_target_fields(kind, scheme):
        if target.get(field) in (None, ""):
            refuse(errors, _FIELD_MISSING, field)
    if not errors:
        _check_orbit(target, errors)
    if not errors:
        _check_place(target, errors)
    return target, errors


def _check_orbit(target: dict[str, Any], errors: Errors) -> None:
    scheme = target.get("scheme")
    if scheme and "COMET" not in scheme and target["eccentricity"] > _HIGHEST_ECCENTRICITY:
        refuse(
            errors,
            f"ORBITAL_ELEMENTS pointing of scheme {scheme} requires eccentricity to be lower than"
            f" {_HIGHEST_ECCENTRICITY}, or the scheme MPC_COMET. You submitted {target['eccentricity']}.",
            "scheme",
        )


def _check_place(target: dict[str, Any], errors: Errors) -> None:
    """Whether the target can be evaluated: elements may describe no orbit, a two-line set may have a typing error."""
    try:
        riseset_target(Target.model_validate(target))
    except UnsupportedTarget as refusal:
        refuse(errors, str(refusal), refusal.field)
