"""What a service says about a form, said to the person who filled it in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from armillary.clients.errors import RequestRefused

_ABOUT_THE_FORM = (400, 409)


def tried(request: HttpRequest, deed: Callable[[], object], success: str) -> bool:
    """Do something and tell how it went at the top of the next page; whether it went well.

    Raises:
        RequestRefused: The refusal is not about what was filled in.
    """
    try:
        deed()
    except RequestRefused as refusal:
        if refusal.status not in _ABOUT_THE_FORM:
            raise
        for sentence in sentences_of(refusal.detail):
            messages.error(request, sentence)
        return False
    messages.success(request, success)
    return True


def sentences_of(errors: Any, field: str = "") -> Iterator[str]:
    """Nested field errors as sentences, each with the name of its field."""
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from sentences_of(inner, field if name in {"non_field_errors", "detail", "errors"} else str(name))
    elif isinstance(errors, list):
        for inner in errors:
            yield from sentences_of(inner, field)
    else:
        name = field.replace("_", " ")
        yield f"{name[:1].upper()}{name[1:]}: {errors}" if name else str(errors)
