"""The observatory's own rules: Cerberus schemas of modes, instrument types and configuration types.

See :mod:`armillary.core.observatory.dialect` for their language. A schema's `default` fills a value in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import cerberus

from armillary.core.observatory.dialect import ConfigurationValidator, Definition
from armillary.core.requests.facts import NON_FIELD, Errors

_KEPT_DEFINITIONS: Final = 512
_KEPT_DOCUMENTS: Final = 4096
_LONGEST_KEPT: Final = 2000
"""Characters of the longest document whose outcome is kept."""


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
    rules = _Schema(schema)
    text = _as_text(document)
    if text is None:
        filled, errors = _applied(rules, document)
        return (document if errors else filled), errors
    filled, errors = json.loads(_applied_to_text(rules, text))
    return (document if errors else filled), errors


def _as_text(document: dict[str, Any]) -> str | None:
    """A small document as JSON that gives it back; none if there is no such JSON."""
    try:
        text = json.dumps(document)
    except (TypeError, ValueError):
        return None
    return text if len(text) < _LONGEST_KEPT and json.loads(text) == document else None


@lru_cache(maxsize=_KEPT_DOCUMENTS)
def _applied_to_text(schema: _Schema, text: str) -> str:
    """The same for JSON: requests by the thousand differ in their targets and windows, seldom in their instruments."""
    return json.dumps(_applied(schema, json.loads(text)))


def _applied(schema: _Schema, document: dict[str, Any]) -> tuple[dict[str, Any], Errors]:
    try:
        validator = ConfigurationValidator(_definition(schema))
    except cerberus.SchemaError as error:  # our own configuration database takes none such; another one may
        return {}, {NON_FIELD: [f"The observatory's own schema cannot be applied ({error}); tell its operators."]}
    if validator.validate(document):
        return dict(validator.document), {}
    return {}, _at_places(validator.errors)


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
