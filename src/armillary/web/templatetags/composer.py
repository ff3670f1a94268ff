"""Template filters of the request composer."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from armillary.web.judgement import Judgement

register = template.Library()


@register.filter
def about(judgement: Judgement | str | None, slot: str) -> str:
    """What is wrong with a field, in one line; an empty line while nothing was judged."""
    return " ".join(judgement.sentences(slot)) if isinstance(judgement, Judgement) else ""


@register.filter
def at(mapping: Mapping[str, str], key: str) -> str:
    """The value under a key, or nothing."""
    return mapping.get(key, "")
