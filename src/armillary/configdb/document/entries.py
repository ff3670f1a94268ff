"""Taking an object of the plain form apart: what nobody takes is not known, and said so."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from armillary.configdb.document.source import Place

Mistakes = list[tuple[Place, str]]


class Entry:
    """An object and where it stands. Every key is taken by name; :meth:`finish` complains about the others."""

    def __init__(self, value: Any, place: Place, mistakes: Mistakes) -> None:
        self.place = place
        self._mistakes = mistakes
        self._known: set[str] = set()
        if not isinstance(value, Mapping):
            mistakes.append((place, "must be an object of `key: value` lines"))
            value = {}
        self._value: dict[str, Any] = {}
        for key, inner in value.items():
            if isinstance(key, str):
                self._value[key] = inner
            else:
                mistakes.append(((*place, str(key)), f"write this key in quotes: '{key}'"))

    def complain(self, sentence: str, key: str) -> None:
        """Note a mistake about one key."""
        self._mistakes.append(((*self.place, key), sentence))

    def finish(self) -> None:
        """Complain about keys that nobody took."""
        for key in self._value:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(self._known))}"
                self.complain(f"is not known here; {hint}", key)

    def has(self, key: str) -> bool:
        """Whether it is given."""
        self._known.add(key)
        return self._value.get(key) is not None

    def stands(self, key: str) -> bool:
        """Whether it is named, even if there is nothing (null) behind it."""
        self._known.add(key)
        return key in self._value

    def nulls_of(self, key: str) -> frozenset[str]:
        """Names in an object of which it is said that there is none: ``acquisition: null``."""
        value = self._value.get(key)
        return (
            frozenset(name for name, it in value.items() if it is None) if isinstance(value, Mapping) else frozenset()
        )

    def raw(self, key: str) -> Any:
        """Its value, whatever it is."""
        self._known.add(key)
        return self._value.get(key)

    def take(self, *keys: str) -> dict[str, Any]:
        """Values to be passed on as they are; what is not given stays out."""
        self._known |= set(keys)
        return {key: self._value[key] for key in keys if self._value.get(key) is not None}

    def text(self, key: str) -> str | None:
        """A name."""
        value = self.raw(key)
        if value is None or isinstance(value, str):
            return value
        self.complain("must be a name (in quotes, if it looks like a number)", key)
        return None

    def each(self, key: str) -> Iterator[Entry]:
        """Objects in a list."""
        value = self.raw(key)
        if value is not None and not isinstance(value, list):
            self.complain("must be a list: lines that begin with a dash", key)
            return
        for index, inner in enumerate(value or ()):
            yield Entry(inner, (*self.place, key, index), self._mistakes)

    def named(self, key: str, *, with_text: str = "") -> Iterator[tuple[str, Entry]]:
        """Objects by name: ``name: {...}`` lines, or a list of bare names.

        Args:
            key: Where they stand.
            with_text: A field that a plain text stands for: ``V: Johnson V``.
        """
        value = self.raw(key)
        place = (*self.place, key)
        if isinstance(value, list):
            for index, name in enumerate(value):
                if isinstance(name, str):
                    yield name, Entry({}, (*place, index), self._mistakes)
                else:
                    self._mistakes.append(((*place, index), "must be a name (in quotes, if it looks like a number)"))
            return
        if value is not None and not isinstance(value, Mapping):
            self.complain("must be `name: {...}` lines, or a list of names", key)
            return
        for name, inner in (value or {}).items():
            if not isinstance(name, str):
                self._mistakes.append(((*place, str(name)), f"write this name in quotes: '{name}'"))
                continue
            wanted = {with_text: inner} if with_text and isinstance(inner, str) else {} if inner is None else inner
            yield name, Entry(wanted, (*place, name), self._mistakes)

    def names(self, key: str, alone: str = "") -> Iterator[tuple[str, Place]]:
        """Names in a list, or one name alone (also under another key)."""
        for each in filter(None, (key, alone)):
            value = self.raw(each)
            place = (*self.place, each)
            entries = value if isinstance(value, list) else [value] if value is not None else []
            for index, name in enumerate(entries):
                where = (*place, index) if isinstance(value, list) else place
                if isinstance(name, str):
                    yield name, where
                else:
                    self._mistakes.append((where, "must be a name (in quotes, if it looks like a number)"))

    def refer(self, name: str | None, things: Mapping[str, dict[str, Any]], kind: str, place: Place) -> Any:
        """What stands under a name; ``None`` with a complaint if nothing does."""
        if name is None:
            return None
        if name not in things:
            self._mistakes.append((place, _no_such(name, things, kind)))
        return things.get(name)


def _no_such(name: str, things: Collection[str], kind: str) -> str:
    known = ", ".join(things) or "none"
    return f"there is no {name!r} among the {kind}; known are {known}"
