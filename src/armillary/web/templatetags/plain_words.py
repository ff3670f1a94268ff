"""Template filters that say what the wire says in the words people use."""

from __future__ import annotations

from django import template

register = template.Library()

_MINUTE_S = 60
_HOUR_S = 3600


@register.filter
def words(constant: object) -> str:
    """``WINDOW_EXPIRED`` as *window expired*."""
    return str(constant).replace("_", " ").lower()


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as people say them: *45 s*, *16 min 13 s*, *2 h 05 min*."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S:02d} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S:02d} min"
