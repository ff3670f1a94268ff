"""The observatory's own rules: Cerberus schemas of modes, instrument types and configuration types.

See :mod:`armillary.core.observatory.dialect` for their language. A schema's `default` fills a value in.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from armillary.core.observatory.dialect import ConfigurationValidator, Definition
from armillary.core.requests.facts import NON_FIELD, Errors

_KEPT_DEFINITIONS: Final = 512


class _Schema:
    """A schema of a snapshot of the observatory, which never changes: equal to itself alone."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self.rules = rules

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Schema) and other.rules is self.rules

    def __hash__(self) -> int:
        return id(self.rules)


@lru_cache(maxsize=_KEPT_DEFINITIONS)
def _definition(schema: _Schema) -> Definition:
    """The schema, checked and expanded: that takes longer than to apply it."""
    return Definition(ConfigurationValidator(), dict(schema.rules))


def apply_schema(schema: Mapping[str, Any], document: dict[str, Any]) -> tuple[dict[str, Any], Errors]:
    """The document with the schema's defaults filled in, and what the schema refuses, in the wire's shape.

    The document is not changed. If something is refused, it comes back as it was.
    """
    if not schema:
        return document, {}
    validator = ConfigurationValidator(_definition(_Schema(schema)))
    if validator.validate(document):
        return dict(validator.document), {}
    return document, _at_places(validator.errors)


def _at_places(found: Mapping[Any, list[Any]]) -> Errors:
    """Cerberus wraps what is inside a field into a list of one dictionary, with list positions as keys."""
    return {str(field): _inside(problems) for field, problems in found.items()}


def _inside(problems: list[Any]) -> Any:
    words = [problem for problem in problems if isinstance(problem, str)]
    nested = {key: value for problem in problems if isinstance(problem, Mapping) for key, value in problem.items()}
    if not nested:
        return words
    if all(isinstance(key, int) for key in nested):
        return [_inside(nested[index]) if index in nested else {} for index in range(max(nested) + 1)]
    return _at_places(nested) | ({NON_FIELD: words} if words else {})


def in_one_line(errors: Mapping[str, Any]) -> str:
    """Refusals of a schema in one line: `extra_params{bin_x error: unallowed value 5}`."""
    return ", ".join(_line(field, problems) for field, problems in errors.items())


def _line(field: str, problems: Any) -> str:
    if isinstance(problems, Mapping):
        return f"{field}{{{in_one_line(problems)}}}"
    if all(isinstance(problem, str) for problem in problems):
        return f"{field} error: {', '.join(problems)}"
    inside = ", ".join(in_one_line(problem) for problem in problems if problem)
    return f"{field}{{{inside}}}"
