"""What the sky does tonight, in a few words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from armillary import riseset
from armillary.core.observatory import Observatory, Telescope, riseset_site
from armillary.web.timeline import Span


@dataclass(frozen=True, slots=True)
class Fact:
    """A number with its name."""

    label: str
    value: str
    more: str = ""


def facts(observatory: Observatory, span: Span, now: datetime) -> tuple[Fact, ...]:
    """Darkness and Moon at a single site; for a network how much of it is in the dark now, and the Moon."""
    telescopes = observatory.telescopes()
    if not telescopes:
        return ()
    lit = Fact("Moon", f"{100 * float(riseset.moon_illumination(now)):.0f} %", "illuminated")
    if len(observatory.sites) > 1:
        return (*_network(telescopes, now), lit)
    site = riseset_site(telescopes[0])
    dark = riseset.dark_windows(site, span.start, span.end, "astronomical")
    found = [Fact("Dark", f"{start:%H:%M} to {end:%H:%M}", _length(end - start)) for start, end in dark]
    up = moonlight(telescopes[0], span)
    when = " and ".join(f"{start:%H:%M} to {end:%H:%M}" for start, end in up)
    return (*(found or [Fact("Dark", "never")]), Fact("Moon", lit.value, f"up {when}" if up else "down all night"))


def moonlight(telescope: Telescope, span: Span) -> list[tuple[datetime, datetime]]:
    """When the Moon is up within a span."""
    events = riseset.moon_events(riseset_site(telescope), span.start, span.end)
    edges = [span.start, *(moment for moment, _ in events), span.end]
    first_is_up = events[0][1] == "set" if events else _is_up(telescope, span.start)
    return [(edges[n], edges[n + 1]) for n in range(0 if first_is_up else 1, len(edges) - 1, 2)]


def _is_up(telescope: Telescope, moment: datetime) -> bool:
    """Without an event near by: as after the last one before; the Moon rises or sets daily, but near poles."""
    before = riseset.moon_events(riseset_site(telescope), moment - timedelta(days=30), moment)
    return bool(before) and before[-1][1] == "rise"


def _network(telescopes: tuple[Telescope, ...], now: datetime) -> tuple[Fact, ...]:
    soon = now + timedelta(seconds=1)
    in_the_dark = [
        it.site
        for it in {it.site: it for it in telescopes}.values()
        if riseset.dark_windows(riseset_site(it), now, soon, "nautical")
    ]
    sites = {it.site for it in telescopes}
    return (
        Fact("Telescopes", str(len(telescopes)), f"at {len(sites)} sites"),
        Fact("In the dark", str(len(in_the_dark)), ", ".join(in_the_dark) or "no site"),
    )


def _length(length: timedelta) -> str:
    return f"{length / timedelta(hours=1):.1f} h"
