"""From text to values, and back from a place among the values to its line."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

Place = tuple[str | int, ...]
"""Where something stands in a document: keys and indices, from the outside in."""

_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a document."""

    path: str
    """Where, in the words of the document: ``sites[0].enclosures[0].code``."""
    sentence: str
    line: int | None = None
    """Line in the file, counted from 1; ``None`` when the document did not come as text."""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"line {self.line}: {where}{self.sentence}" if self.line else f"{where}{self.sentence}"


class DocumentError(ValueError):
    """A document does not describe an observatory; it holds every mistake that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def path_of(place: Place) -> str:
    """A place as people write it."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # C where the package has it
    """YAML without its traps: ``OFF`` is a text and not false, ``11:00:00`` is no number of seconds."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_SIGNS: Final = "-+0123456789"
MEANINGS: Final = (
    ("tag:yaml.org,2002:null", re.compile(r"(?:~|null|)$"), ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)$"), ["t", "f"]),
    ("tag:yaml.org,2002:int", re.compile(f"(?:{_INTEGER.pattern})$"), list(_SIGNS)),
    ("tag:yaml.org,2002:float", re.compile(f"(?:{_FLOAT.pattern})$"), [*_SIGNS, "."]),
)
"""What is no text although it stands without quotes: tag, pattern, first characters; the first that fits counts."""
for _meaning in MEANINGS:
    _Loader.add_implicit_resolver(*_meaning)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))
_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))


class Source:
    """A document as it was given.

    Args:
        text: JSON or YAML.

    Raises:
        DocumentError: It is neither, or a key stands twice in one object.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._root: yaml.Node | None = None
        self.content: Any = self._json() if text.lstrip()[:1] in {"{", "["} else self._yaml()

    def problem(self, place: Place, sentence: str) -> Problem:
        """A mistake at a place, with its line."""
        return Problem(path_of(place), sentence, self._line(place))

    def _json(self) -> Any:
        try:
            return json.loads(self._text)
        except json.JSONDecodeError as error:
            raise DocumentError([Problem("", f"is not JSON: {error.msg}", error.lineno)]) from error
        except RecursionError as error:
            raise DocumentError([Problem("", "is nested too deeply")]) from error

    def _yaml(self) -> Any:
        try:
            self._root = yaml.compose(self._text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise DocumentError([Problem("", f"is not YAML: {error.problem}", _line_of(mark))]) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise DocumentError([Problem("", f"is not YAML: {error}")]) from error
        if self._root is None:
            return None
        try:
            twice = list(_repeated_keys(self._root, ()))
        except RecursionError as error:
            raise DocumentError([Problem("", "contains itself, or is nested too deeply")]) from error
        if twice:
            raise DocumentError(twice)
        try:
            return yaml.load(self._text, Loader=_Loader)  # noqa: S506  the loader is a safe one
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise DocumentError([Problem("", f"is not usable: {error.problem}", _line_of(mark))]) from error

    def _line(self, place: Place) -> int | None:
        node = self._tree()
        for part in place:
            inner = _child(node, part) if node is not None else None
            if inner is None:
                break
            node = inner
        return None if node is None else int(node.start_mark.line) + 1

    def _tree(self) -> yaml.Node | None:
        if self._root is None:
            try:  # JSON is YAML, too, but for tabs and some escapes; for finding lines these do not matter
                self._root = yaml.compose(_ESCAPE.sub("?", self._text).replace("\t", " "), Loader=_Loader)
            except yaml.YAMLError:
                return None
        return self._root


def _line_of(mark: yaml.Mark | None) -> int | None:
    return None if mark is None else int(mark.line) + 1


def _child(node: yaml.Node, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part] if part < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((_of_entry(key, value) for key, value in node.value if key.value == str(part)), None)
    return None


def _of_entry(key: yaml.Node, value: yaml.Node) -> yaml.Node:
    """The value; it begins where its key stands, which is what people look for."""
    value.start_mark = key.start_mark
    return value


def _repeated_keys(node: yaml.Node, place: Place) -> Iterator[Problem]:
    if isinstance(node, yaml.SequenceNode):
        for index, each in enumerate(node.value):
            yield from _repeated_keys(each, (*place, index))
    elif isinstance(node, yaml.MappingNode):
        seen: dict[Hashable, int] = {}
        for key, value in node.value:
            line = int(key.start_mark.line) + 1
            if key.value in seen:
                first = seen[str(key.value)]
                yield Problem(path_of((*place, str(key.value))), f"stands here a second time; see line {first}", line)
            seen[str(key.value)] = line
            yield from _repeated_keys(value, (*place, str(key.value)))


def is_object(value: object) -> bool:
    """Whether a value is a JSON object."""
    return isinstance(value, Mapping)
