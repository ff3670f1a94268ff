"""One file describes an observatory: reading it, and saying what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from armillary.core.observatory import Observatory, ObservatoryError


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a document."""

    path: str
    """Where: ``exh.doma.0m6a.im01``, or the place in the file."""
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence


class DocumentError(ValueError):
    """A document does not describe an observatory; it holds every mistake that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class ObservatoryDocument:
    """A description in the shape of ``GET /sites/``."""

    sites: tuple[Mapping[str, Any], ...]


def read(text: str, *, name: str = "") -> ObservatoryDocument:
    """Read a description in the shape of ``GET /sites/`` (the whole answer, or its ``results`` alone).

    Raises:
        DocumentError: It is not JSON, or not of that shape.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DocumentError([Problem(name, f"is not JSON: {error}")]) from error
    return decode(content)


def decode(content: Any) -> ObservatoryDocument:
    """The same for content that is parsed already."""
    results = content.get("results") if isinstance(content, Mapping) else content
    if not isinstance(results, list) or not all(isinstance(site, Mapping) for site in results):
        raise DocumentError([Problem("", "is not in the shape of GET /sites/: there is no list of sites (`results`)")])
    try:
        Observatory.from_sites(results)
    except ObservatoryError as error:
        raise DocumentError([Problem("", str(error))]) from error
    return ObservatoryDocument(tuple(results))
