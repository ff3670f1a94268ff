"""Putting refusals together without losing one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from armillary.core.requests.facts import NON_FIELD, Errors


def refuse(errors: Errors, message: str, field: str = NON_FIELD) -> None:
    """Add a sentence about a field, or about the object as a whole."""
    known = errors.get(field)
    if isinstance(known, list):
        known.append(message)
    elif isinstance(known, Mapping):
        errors[field] = merged({NON_FIELD: [message]}, known)
    else:
        errors[field] = [message]


def refuse_all(errors: Errors, found: Mapping[str, Any]) -> None:
    """Add refusals of the wire's shape."""
    errors.update(merged(errors, found))


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> Errors:
    """Both refusals in one."""
    both: Errors = dict(first)
    for key, value in second.items():
        both[key] = _both(both[key], value) if key in both else value
    return both


def _both(first: Any, second: Any) -> Any:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return merged(first, second)
    if isinstance(first, list) and isinstance(second, list):
        if all(isinstance(item, str) for item in (*first, *second)):
            return list(dict.fromkeys([*first, *second]))
        return _itemwise(first, second)
    return first or second


def _itemwise(first: list[Any], second: list[Any]) -> list[Any]:
    longest = max(len(first), len(second))
    padded = [[*items, *([{}] * (longest - len(items)))] for items in (first, second)]
    return [_both(one, other) for one, other in zip(*padded, strict=True)]
