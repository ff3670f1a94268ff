"""What a service or a rule refused, as one line for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_GENERAL = ("non_field_errors", "detail")


def sentence_of(detail: object) -> str:
    """Nested field errors as ``field: sentence; field: sentence``; what belongs to no field stands for itself."""
    return "; ".join(_sentences(detail, ""))


def _sentences(detail: object, field: str) -> Iterator[str]:
    if isinstance(detail, Mapping):
        for name, value in detail.items():
            yield from _sentences(value, field if name in _GENERAL else f"{field}.{name}" if field else str(name))
    elif isinstance(detail, list):
        for value in detail:
            yield from _sentences(value, field)
    elif detail:
        yield f"{field}: {detail}" if field else str(detail)
