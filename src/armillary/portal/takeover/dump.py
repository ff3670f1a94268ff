"""Reading a dump: Django's fixture format, a list of ``{"model", "pk", "fields"}``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


class DumpError(ValueError):
    """The dump is not what ``dumpdata`` writes; the message says where."""


class Dump:
    """The objects of a dump, by model."""

    def __init__(self, objects: Iterable[Mapping[str, Any]]) -> None:
        self._by_model: dict[str, list[Json]] = defaultdict(list)
        for number, item in enumerate(objects):
            try:
                model, key, fields = item["model"], item["pk"], item["fields"]
            except (KeyError, TypeError) as error:
                raise DumpError(f"object {number} of the dump has no {error}; expected model, pk and fields") from error
            self._by_model[str(model).lower()].append({"pk": key, **fields})

    def of(self, model: str) -> list[Json]:
        """All objects of a model, each with its fields and its ``pk``."""
        return self._by_model.get(model, [])

    def by(self, model: str, field: str) -> dict[Any, list[Json]]:
        """All objects of a model, by the value of a field, in the order of their ids."""
        found: dict[Any, list[Json]] = defaultdict(list)
        for item in sorted(self.of(model), key=lambda item: item["pk"]):
            found[item[field]].append(item)
        return found

    def models(self) -> dict[str, int]:
        """How many objects of each model there are."""
        return {model: len(items) for model, items in self._by_model.items()}


def moment(text: str | None) -> datetime | None:
    """A time of a dump."""
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def moments(item: Mapping[str, Any], *names: str) -> dict[str, datetime | None]:
    """Several times of an object of a dump."""
    return {name: moment(item[name]) for name in names}
