from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from armillary.configdb.document.checking import doubts_about, mistakes_in
from armillary.configdb.document.plain import expand
from armillary.configdb.document.source import DocumentError, Place, Problem, Source, path_of
from armillary.core.observatory import Observatory, ObservatoryError


@dataclass(frozen=True, slots=True)
class ObservatoryDocument:
    """A description in the shape of ``GET /sites/``, without mistakes."""

    sites: tuple[Mapping[str, Any], ...]
    doubts: tuple[str, ...] = ()
    """What is allowed, and probably not meant."""


def read(text: str) -> ObservatoryDocument:
    """Read a description: the shape of ``GET /sites/`` (the whole answer, or its ``results`` alone), or the plain form.

    Raises:
        DocumentError: It is neither JSON nor YAML, or has mistakes; every one is named with its line.
    """
    source = Source(text)
    return _document(source.content, source.problem)


def decode(content: Any) -> ObservatoryDocument:
    """The same for content that is parsed already; there are no lines then."""
    return _document(content, lambda place, sentence: Problem(path_of(place), sentence))


def _document(content: Any, problem: Callable[[Place, str], Problem]) -> ObservatoryDocument:
    if isinstance(content, Mapping) and "sites" in content:
        plain = expand(content)
        found = list(plain.mistakes)
        said = {place for place, _ in found}
        checked = [(plain.origin(place), sentence) for place, sentence in mistakes_in(plain.sites, plain.unused)]
        found += [(place, sentence) for place, sentence in checked if place not in said]
        sites: list[Any] = plain.sites
        doubts = plain.doubts
    else:
        doubts = []
        sites, above = _results(content, problem)
        found = [((*above, *place), sentence) for place, sentence in mistakes_in(sites)]
    if found:
        raise DocumentError(_in_order(problem(place, sentence) for place, sentence in dict.fromkeys(found)))
    _check_limits(sites)
    return ObservatoryDocument(tuple(sites), (*doubts_about(sites), *doubts))


def _results(content: Any, problem: Callable[[Place, str], Problem]) -> tuple[list[Any], Place]:
    if isinstance(content, Mapping) and isinstance(content.get("results"), list):
        return content["results"], ("results",)
    if isinstance(content, list):
        return content, ()
    sentence = "describes no observatory: there is neither a list `sites` (plain form) nor `results` (as GET /sites/)"
    raise DocumentError([problem((), sentence)])


def _in_order(problems: Iterable[Problem]) -> Sequence[Problem]:
    return sorted(problems, key=lambda each: each.line or 0)


def _check_limits(sites: Sequence[Mapping[str, Any]]) -> None:
    try:
        Observatory.from_sites(sites)
    except ObservatoryError as error:
        raise DocumentError([Problem("", str(error))]) from error
