"""Renders the part of Go's template language that the chart uses, as Helm would; what it does not know is an error.

Helm itself is not everywhere; its own linter is used where it is (see the tests). This is only for reading our chart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_ACTION = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\(|\)|\||[^\s()|]+')


class TemplateError(ValueError):
    """The template uses something that is not known here, or does not fit together."""


@dataclass
class _Node:
    kind: str
    text: str = ""
    inner: list[_Node] | None = None
    otherwise: list[_Node] | None = None


def render(source: str, root: Mapping[str, Any], definitions: dict[str, list[_Node]]) -> str:
    """Render a template; blocks it defines are added to ``definitions``."""
    return _Renderer(root, definitions).nodes(_parsed(source), root)


def _parsed(source: str) -> list[_Node]:
    tokens: list[tuple[str, str]] = []
    position, trim_next = 0, False
    for match in _ACTION.finditer(source):
        text = source[position : match.start()]
        text = text.lstrip() if trim_next else text
        tokens.append(("text", text.rstrip() if match[1] else text))
        tokens.append(("action", match[2]))
        position, trim_next = match.end(), bool(match[3])
    tail = source[position:]
    tokens.append(("text", tail.lstrip() if trim_next else tail))
    nodes, rest, _ = _block(tokens)
    if rest:
        raise TemplateError("an end without a beginning")
    return nodes


def _block(tokens: list[tuple[str, str]]) -> tuple[list[_Node], list[tuple[str, str]], str]:
    nodes: list[_Node] = []
    while tokens:
        (kind, text), tokens = tokens[0], tokens[1:]
        word = text.split(" ", 1)[0] if kind == "action" else ""
        if kind == "text":
            nodes.append(_Node("text", text))
        elif word in {"end", "else"}:
            return nodes, tokens, word
        elif word in {"if", "with", "range", "define"}:
            inner, tokens, closed = _block(tokens)
            otherwise: list[_Node] = []
            if closed == "else":
                otherwise, tokens, closed = _block(tokens)
            if closed != "end":
                raise TemplateError(f"{text!r} has no end")
            nodes.append(_Node(word, text.split(" ", 1)[1], inner, otherwise))
        else:
            nodes.append(_Node("value", text))
    return nodes, [], ""


class _Renderer:
    def __init__(self, root: Mapping[str, Any], definitions: dict[str, list[_Node]]) -> None:
        self._variables: dict[str, Any] = {"$": root}
        self._definitions = definitions

    def nodes(self, nodes: list[_Node], dot: Any) -> str:
        return "".join(self._node(node, dot) for node in nodes)

    def _node(self, node: _Node, dot: Any) -> str:
        if node.kind == "text":
            return node.text
        if node.kind == "define":
            self._definitions[json.loads(node.text)] = node.inner or []
            return ""
        if node.kind == "value":
            return self._statement(node.text, dot)
        if node.kind == "range":
            return self._range(node, dot)
        value = self._evaluate(node.text, dot)
        if not value:
            return self.nodes(node.otherwise or [], dot)
        return self.nodes(node.inner or [], value if node.kind == "with" else dot)

    def _statement(self, text: str, dot: Any) -> str:
        if text.startswith("/*"):
            return ""
        if assigned := re.match(r"(\$\w+)\s*:=\s*(.*)", text, re.DOTALL):
            self._variables[assigned[1]] = self._evaluate(assigned[2], dot)
            return ""
        return _shown(self._evaluate(text, dot))

    def _range(self, node: _Node, dot: Any) -> str:
        names = re.match(r"(\$\w+),\s*(\$\w+)\s*:=\s*(.*)", node.text)
        if names is None:
            return "".join(self.nodes(node.inner or [], item) for item in self._evaluate(node.text, dot) or ())
        out = []
        for key, value in sorted((self._evaluate(names[3], dot) or {}).items()):
            self._variables |= {names[1]: key, names[2]: value}
            out.append(self.nodes(node.inner or [], dot))
        return "".join(out)

    def _evaluate(self, text: str, dot: Any) -> Any:
        words = _WORD.findall(text)
        value, rest = self._pipeline(words, dot)
        if rest:
            raise TemplateError(f"cannot read {text!r}")
        return value

    def _pipeline(self, words: list[str], dot: Any) -> tuple[Any, list[str]]:
        value, words = self._command(words, dot)
        while words and words[0] == "|":
            value, words = self._command(words[1:], dot, last=[value])
        return value, words

    def _command(self, words: list[str], dot: Any, last: list[Any] | None = None) -> tuple[Any, list[str]]:
        name, terms = words[0], []
        is_function = name in _FUNCTIONS or name == "include"
        words = words[1:] if is_function else words
        while words and words[0] not in {"|", ")"}:
            term, words = self._term(words, dot)
            terms.append(term)
        terms += last or []
        if name == "include":
            return self.nodes(self._definitions[terms[0]], terms[1]).strip("\n"), words
        if is_function:
            return _FUNCTIONS[name](*terms), words
        if len(terms) != 1:
            raise TemplateError(f"{name!r} is not a function known here")
        return terms[0], words

    def _term(self, words: list[str], dot: Any) -> tuple[Any, list[str]]:
        word, words = words[0], words[1:]
        if word == "(":
            value, words = self._pipeline(words, dot)
            if not words or words[0] != ")":
                raise TemplateError("a parenthesis is not closed")
            return value, words[1:]
        if word.startswith('"'):
            return json.loads(word), words
        if re.fullmatch(r"-?\d+", word):
            return int(word), words
        if word in {"true", "false"}:
            return word == "true", words
        return self._path(word, dot), words

    def _path(self, word: str, dot: Any) -> Any:
        if word == ".":
            return dot
        start, *names = word.split(".")
        value = self._variables[start] if start.startswith("$") else dot if not start else None
        if value is None:
            raise TemplateError(f"cannot read {word!r}")
        for name in names:
            if not isinstance(value, Mapping) or name not in value:
                raise TemplateError(f"{word} is not among the values")
            value = value[name]
        return value


def _shown(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else "" if value is None else str(value)


def _indented(width: int, text: str) -> str:
    return "\n" + "\n".join(" " * width + line if line else line for line in text.split("\n"))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "quote": lambda value: json.dumps(_shown(value)),
    "default": lambda otherwise, value: value or otherwise,
    "printf": lambda form, *values: form % values,
    "nindent": _indented,
    "toYaml": lambda value: yaml.safe_dump(value, default_flow_style=not value).strip(),
    "and": lambda *values: next((it for it in values if not it), values[-1]),
    "or": lambda *values: next((it for it in values if it), values[-1]),
    "not": lambda value: not value,
    "eq": lambda first, *others: first in others,
    "int": int,
    "gt": lambda one, other: one > other,
    "required": lambda message, value: value or _refuse(message),
}


def _refuse(message: str) -> Any:
    raise TemplateError(message)


_FUNCTIONS["fail"] = _refuse
