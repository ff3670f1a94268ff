"""What may be submitted: the request language with nothing left out that only its author can know.

Reading is by levels, so that one answer can name the mistakes of every level: a group is read without looking into its
requests, a request without looking into its configurations, a configuration as a whole. Refusals are in the words and
the shape of Django REST Framework, which clients know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from armillary.core.requests.facts import NON_FIELD, Errors
from armillary.core.requests.model import (
    AcquisitionConfig,
    Configuration,
    Constraints,
    Flag,
    GuidingConfig,
    Instant,
    InstrumentConfig,
    Location,
    Number,
    Request,
    RequestGroup,
    Target,
    Window,
    WireObject,
)

REQUIRED: Final = "This field is required."
NULL: Final = "This field may not be null."

LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)


class SubmittedWindow(Window):
    """A window; without a start it begins now."""

    start: Instant = LONG_AGO


class SubmittedConfiguration(Configuration):
    """A configuration as its author writes it."""

    READ_ONLY: ClassVar[frozenset[str]] = frozenset({"id", "priority"})

    id: Any = None
    priority: Any = None
    target: Target
    instrument_configs: list[InstrumentConfig]
    constraints: Constraints
    acquisition_config: AcquisitionConfig
    guiding_config: GuidingConfig
    fill_window: Flag | None = None
    """Whether to repeat until the visible part of the window is full."""


class SubmittedRequest(Request):
    """A request as its author writes it, its configurations not looked into."""

    READ_ONLY: ClassVar[frozenset[str]] = frozenset({"id", "created", "modified", "duration", "state"})

    id: Any = None
    created: Any = None
    modified: Any = None
    duration: Any = None
    state: Any = None
    location: Location
    configurations: list[Any]
    windows: list[SubmittedWindow]  # type: ignore[assignment]  # a submission is read once and never grows others
    cadence: Any = None


class Cadence(WireObject):
    """One request repeated: every `period` hours, each time within `jitter` hours around the exact moment."""

    start: Instant
    end: Instant
    period: Annotated[Number, Field(ge=0.02)]
    jitter: Annotated[Number, Field(ge=0.02)]


class CadenceRequest(SubmittedRequest):
    """A request that a cadence repeats; its windows come from the cadence."""

    cadence: Cadence
    windows: Any = None


class DirectRequest(SubmittedRequest):
    """A request that comes with its place and time: it has no location and no windows of its own."""

    location: Any = None
    windows: Any = None


class SubmittedRequestGroup(RequestGroup):
    """A group as its author writes it, its requests not looked into."""

    READ_ONLY: ClassVar[frozenset[str]] = frozenset({"id", "created", "state", "modified", "submitter", "is_staff"})

    id: Any = None
    created: Any = None
    state: Any = None
    modified: Any = None
    submitter: Any = None
    is_staff: Any = None
    proposal: Any
    requests: list[Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body says, as far as it can be read."""

    document: dict[str, Any] | None
    """Known keys that were supplied, values in their types; None when something cannot be read."""
    errors: Errors


def read(model: type[WireObject], body: object) -> Reading:
    """Read one object of a submission."""
    try:
        return Reading(supplied(model.model_validate(body)), {})
    except ValidationError as refusal:
        details = refusal.errors(include_url=False, include_context=True)
        return Reading(None, _tree([(list(detail["loc"]), _words(detail)) for detail in details], body))


def items(body: object, key: str) -> Sequence[Any]:
    """The list under a key of a body that may be anything; empty if there is none."""
    found = body.get(key) if isinstance(body, Mapping) else None
    return found if isinstance(found, list) else []


def supplied(model: BaseModel) -> dict[str, Any]:
    """What an author has set, in the order of the fields; unknown and read-only keys left out."""
    hidden = model.READ_ONLY if isinstance(model, WireObject) else frozenset()
    names = (name for name in type(model).model_fields if name in model.model_fields_set and name not in hidden)
    return {name: _value(getattr(model, name)) for name in names}


def _value(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return supplied(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    return value


# --- pydantic's refusals in the words of the wire ---

_FIXED: Final[Mapping[str, str]] = {
    "missing": REQUIRED,
    "float_type": "A valid number is required.",
    "float_parsing": "A valid number is required.",
    "finite_number": "A valid number is required.",
    "int_type": "A valid integer is required.",
    "int_parsing": "A valid integer is required.",
    "int_from_float": "A valid integer is required.",
    "int_parsing_size": "A valid integer is required.",
    "bool_type": "Must be a valid boolean.",
    "bool_parsing": "Must be a valid boolean.",
    "string_type": "Not a valid string.",
}


def _words(detail: ErrorDetails) -> list[str] | Errors:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if value is None and kind != "missing":
        return [NULL]
    if kind in _FIXED:
        return [_FIXED[kind]]
    name = type(value).__name__
    if kind in ("model_type", "model_attributes_type"):
        return {NON_FIELD: [f"Invalid data. Expected a dictionary, but got {name}."]}
    if kind == "list_type":
        return {NON_FIELD: [f'Expected a list of items but got type "{name}".']}
    if kind == "literal_error":
        return [not_a_choice(value)]
    return [_bound(kind, context, name) or detail["msg"]]


def _bound(kind: str, context: Mapping[str, Any], name: str) -> str:
    if kind == "dict_type":
        return f'Expected a dictionary of items but got type "{name}".'
    if kind in ("string_too_long", "too_long"):
        return f"Ensure this field has no more than {context['max_length']} characters."
    if kind == "string_too_short" or (kind == "too_short" and name == "str"):
        return "This field may not be blank."
    if kind == "greater_than_equal":
        return f"Ensure this value is greater than or equal to {context['ge']}."
    if kind == "less_than_equal":
        return f"Ensure this value is less than or equal to {context['le']}."
    return ""


def not_a_choice(value: object, choices: Sequence[str] = ()) -> str:
    """The refusal of a value that is not among the choices; names them when there are few enough to read."""
    return f'"{value}" is not a valid choice.' + (f" Choose from {', '.join(choices)}." if choices else "")


def _tree(found: list[tuple[list[int | str], list[str] | Errors]], body: object) -> Errors:
    """Refusals at their places; lists of objects are as long as the body's, `{}` for the good ones."""
    if any(not place for place, _ in found):
        return {NON_FIELD: [f"Invalid data. Expected a dictionary, but got {type(body).__name__}."]}
    tree: Errors = {}
    for place, words in found:
        _plant(tree, place, words, body)
    return tree


def _plant(tree: Any, place: list[int | str], words: list[str] | Errors, body: Any) -> None:
    head, rest = place[0], place[1:]
    inside = _part(body, head)
    if not rest:
        tree[head] = words
        return
    if isinstance(tree, dict) and head not in tree:
        tree[head] = [{} for _ in inside] if isinstance(inside, list) else {}
    _plant(tree[head], rest, words, inside)


def _part(body: object, key: int | str) -> object:
    if isinstance(body, Mapping):
        return body.get(key)
    return body[key] if isinstance(body, list) and isinstance(key, int) and key < len(body) else None
