"""What the reference portal was recorded to answer, and how an answer of ours is compared with it."""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

RECORDED = Path(__file__).parent / "recorded"
FIRST_ID = 100_000
"""The tables of the recorded databases number their rows from multiples of this."""
TIME_TOLERANCE_S = 2.0
STAMPS = frozenset({"created", "modified", "date_joined", "sent", "used", "last_change_time", "terms_accepted"})
SECRETS = frozenset({"api_token", "archive_bearer_token", "token"})

Json = Any
Difference = tuple[str, Json, Json]


@cache
def recorded(name: str) -> Json:
    """``calls`` by module of the reference's tests, ``states`` of its database by digest, or its ``configdb``."""
    return json.loads(lzma.decompress((RECORDED / f"{name}.json.xz").read_bytes()))


@dataclass
class Comparison:
    """Compares answers of one recorded test: the ids of new rows may differ, if they differ everywhere alike."""

    known: set[int]
    """Ids that the state before the calls names; these must be equal."""
    ids: dict[int, int] = field(default_factory=dict)
    """Ours by the recorded ids of rows that the calls made."""

    def renamed(self, value: Json) -> Json:
        """A body or an address, with our ids instead of recorded ones."""
        if isinstance(value, dict):
            return {key: self.renamed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.renamed(item) for item in value]
        if isinstance(value, str):
            return re.sub(r"\d{6,}", lambda found: str(self.ids.get(int(found[0]), found[0])), value)
        return self.ids.get(value, value) if isinstance(value, int) and not isinstance(value, bool) else value

    def differences(self, expected: Json, found: Json, *, ordered: bool) -> list[Difference]:
        """Where an answer is not the recorded one; keys that only ours has are none."""
        return list(self._compare(expected, found, "$", ordered=ordered))

    def _compare(self, expected: Json, found: Json, path: str, *, ordered: bool) -> Iterator[Difference]:
        if isinstance(expected, dict) and isinstance(found, dict):
            for key, value in expected.items():
                other = found.get(key, "(missing)")
                if not _is_of_the_moment(key, value, other):
                    yield from self._compare(value, other, f"{path}.{key}", ordered=ordered)
        elif isinstance(expected, list) and isinstance(found, list):
            yield from self._compare_lists(expected, found, path, ordered=ordered)
        elif not self._same(expected, found):
            yield path, expected, found

    def _compare_lists(
        self, expected: list[Json], found: list[Json], path: str, *, ordered: bool
    ) -> Iterator[Difference]:
        before = dict(self.ids)
        pairs = zip_longest(expected, found, fillvalue="(missing)")
        in_order = [
            difference
            for index, (one, other) in enumerate(pairs)
            for difference in self._compare(one, other, f"{path}[{index}]", ordered=ordered)
        ]
        if in_order and not ordered and len(expected) == len(found):
            after, self.ids = self.ids, before
            if self._matches_in_any_order(expected, found):
                return
            self.ids = after
        yield from in_order

    def _matches_in_any_order(self, expected: list[Json], found: list[Json]) -> bool:
        left = list(found)
        for one in expected:
            for index, other in enumerate(left):
                before = dict(self.ids)
                if not list(self._compare(one, other, "", ordered=False)):
                    del left[index]
                    break
                self.ids = before
            else:
                return False
        return True

    def _same(self, expected: Json, found: Json) -> bool:
        if isinstance(expected, bool) or isinstance(found, bool) or expected is None or found is None:
            return expected is found
        if isinstance(expected, (int, float)) and isinstance(found, (int, float)):
            return self._same_number(expected, found)
        if isinstance(expected, str) and isinstance(found, str):
            return expected == found or self._same_text(self.renamed(expected), found)
        return bool(expected == found)

    def _same_number(self, expected: float, found: float) -> bool:
        if isinstance(expected, int) and isinstance(found, int) and expected >= FIRST_ID and expected not in self.known:
            return self.ids.setdefault(expected, found) == found
        return found == pytest.approx(expected, rel=1e-6, abs=1e-6)

    def _same_text(self, expected: str, found: str) -> bool:
        if expected.startswith("http"):
            return _address(expected) == _address(found)
        one, other = _moment(expected), _moment(found)
        if one is not None and other is not None:
            return abs((one - other).total_seconds()) <= TIME_TOLERANCE_S
        return Counter(re.findall(r"[\w.<>-]+", expected)) == Counter(re.findall(r"[\w.<>-]+", found))


def _is_of_the_moment(key: str, expected: Json, found: Json) -> bool:
    """Times of writing and secrets need only be of the right kind."""
    return (key in STAMPS or key in SECRETS) and type(expected) is type(found)


def _address(text: str) -> tuple[str, list[tuple[str, str]]]:
    parts = urlsplit(text)
    return parts.path, sorted(parse_qsl(parts.query))


def _moment(text: str) -> datetime | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:\d\d)", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
