"""Finding the view of an address without trying all addresses there are.

Django tries one pattern after the other, several hundred of them, before every call. Nearly all begin with words that
the address does not begin with. Here the patterns that can match are kept for each beginning of an address; they are
tried in their old order by Django itself, so what is found is the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from django.urls import ResolverMatch, URLPattern, URLResolver
from django.urls.resolvers import RegexPattern, RoutePattern

Address = URLPattern | URLResolver
_BEGINNING: Final = re.compile(r"(?:[^/]*/){0,2}")
"""Up to two words with their slashes."""
_PLAIN: Final = re.compile(r"\^((?:[\w/:-](?![?*+{]))*)")
"""What a regular expression begins with literally."""
_MOST_KEPT: Final = 512


class PrunedResolver(URLResolver):
    """All addresses of a server, under nothing."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        super().__init__(RoutePattern("", is_endpoint=False), list(addresses))
        self._pruned = lru_cache(maxsize=_MOST_KEPT)(self._prune)

    def resolve(self, path: Any) -> ResolverMatch:
        """The view of an address.

        Raises:
            Resolver404: There is none.
        """
        beginning = _BEGINNING.match(str(path))
        return self._pruned(beginning.group() if beginning else "").resolve(path)

    def _prune(self, beginning: str) -> URLResolver:
        return URLResolver(self.pattern, _within(self.url_patterns, beginning))


def _within(addresses: Sequence[Address], beginning: str) -> list[Address]:
    """The addresses that something with this beginning can be."""
    found: list[Address] = []
    for address in addresses:
        literal, is_whole = _literal(address)
        if literal.startswith(beginning):
            found.append(address)
        elif beginning.startswith(literal):
            if is_whole and isinstance(address, URLResolver):
                address = _part(address, beginning.removeprefix(literal))  # noqa: PLW2901  a smaller one in its place
            found.append(address)
    return found


def _part(resolver: URLResolver, beginning: str) -> URLResolver:
    return URLResolver(
        resolver.pattern,
        _within(resolver.url_patterns, beginning),
        resolver.default_kwargs,
        resolver.app_name,
        resolver.namespace,
    )


def _literal(address: Address) -> tuple[str, bool]:
    """What an address begins with literally, and whether that is all of its pattern."""
    text = str(address.pattern)
    if isinstance(address.pattern, RoutePattern):
        literal = text.partition("<")[0]
    elif isinstance(address.pattern, RegexPattern) and "|" not in text and (plain := _PLAIN.match(text)):
        literal = plain.group(1)
    else:
        literal = ""
    return literal, isinstance(address.pattern, RoutePattern) and literal == text
