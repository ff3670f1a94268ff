"""The timeline of a night: pure arithmetic from instants to percentages of a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from armillary import riseset
from armillary.clients.downtime import Downtime
from armillary.core.observations.model import ScheduledObservation
from armillary.core.observatory import Observatory, Telescope, riseset_site

_TWILIGHTS: Final[tuple[tuple[str, riseset.Twilight], ...]] = (
    ("sky-civil", "sunset"),
    ("sky-nautical", "civil"),
    ("sky-astronomical", "nautical"),
    ("sky-dark", "astronomical"),
)
_WIDE_ENOUGH: Final = 6.0  # percent of the line that a name needs
_AROUND_THE_NIGHT: Final = timedelta(minutes=40)
_NETWORK_PAST: Final = timedelta(hours=6)
_NETWORK_FUTURE: Final = timedelta(hours=18)


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of time that a timeline shows; half-open."""

    start: datetime
    end: datetime

    def percent(self, moment: datetime) -> float:
        """Where a moment lies, 0 to 100, clipped."""
        share = (moment - self.start) / (self.end - self.start)
        return round(100 * min(1.0, max(0.0, share)), 3)

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether an interval overlaps the span."""
        return start < self.end and end > self.start


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that lasts, placed on a track."""

    left: float
    width: float
    css_class: str
    title: str
    label: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """One telescope's line."""

    key: str
    label: str
    in_service: bool
    sky: tuple[Bar, ...]
    downtimes: tuple[Bar, ...]
    observations: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class SiteTracks:
    """The telescopes of a site."""

    name: str
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that the picture shows."""

    span: Span
    now_percent: float
    ticks: tuple[tuple[float, str], ...]
    sites: tuple[SiteTracks, ...]


def span_of_tonight(observatory: Observatory, now: datetime) -> Span:
    """The night that is, or the next one, at a single site; a whole day around now for a network."""
    if len(observatory.sites) == 1 and observatory.telescopes():
        site = riseset_site(observatory.telescopes()[0])
        nights = riseset.dark_windows(site, now - timedelta(hours=24), now + timedelta(hours=48), "sunset")
        for sunset, sunrise in nights:
            if sunrise + _AROUND_THE_NIGHT > now:
                return Span(sunset - _AROUND_THE_NIGHT, sunrise + _AROUND_THE_NIGHT)
    return Span(now - _NETWORK_PAST, now + _NETWORK_FUTURE)


def draw(
    observatory: Observatory,
    observations: Sequence[ScheduledObservation],
    downtimes: Sequence[Downtime],
    *,
    span: Span,
    now: datetime,
) -> Timeline:
    """Place everything on its track."""
    sites = tuple(
        SiteTracks(
            site.name or site.code,
            tuple(
                _track(telescope, observations, downtimes, span)
                for enclosure in site.enclosures
                for telescope in enclosure.telescopes
            ),
        )
        for site in observatory.sites
    )
    return Timeline(span, span.percent(now), tuple(_ticks(span)), tuple(site for site in sites if site.tracks))


def _track(
    telescope: Telescope, observations: Iterable[ScheduledObservation], downtimes: Iterable[Downtime], span: Span
) -> Track:
    return Track(
        key=telescope.key,
        label=f"{telescope.enclosure}.{telescope.code}",
        in_service=telescope.in_service,
        sky=tuple(_sky(telescope, span)),
        downtimes=tuple(
            _bar(span, it.start, it.end, "downtime", f"Downtime: {it.reason or 'no reason given'}")
            for it in downtimes
            if f"{it.site}.{it.enclosure}.{it.telescope}" == telescope.key and span.covers(it.start, it.end)
        ),
        observations=tuple(
            _observation_bar(span, it)
            for it in observations
            if it.telescope_key == telescope.key and span.covers(it.start, it.end)
        ),
    )


def _sky(telescope: Telescope, span: Span) -> Iterator[Bar]:
    """The darker the later: each twilight lies upon the one before."""
    site = riseset_site(telescope)
    for css_class, twilight in _TWILIGHTS:
        for start, end in riseset.dark_windows(site, span.start, span.end, twilight):
            yield _bar(span, start, end, css_class, f"{twilight} twilight")


def _observation_bar(span: Span, observation: ScheduledObservation) -> Bar:
    target = next((it.target.name for it in observation.request.configurations if it.target is not None), "")
    times = f"{observation.start:%H:%M} to {observation.end:%H:%M}"
    return _bar(
        span,
        observation.start,
        observation.end,
        f"observation observation-{observation.state}",
        f"{observation.name}: {target}, {times}, {observation.state.replace('_', ' ').lower()}",
        label=target or observation.name,
        link=f"/requestgroups/{observation.request_group_id}/",
    )


def _bar(
    span: Span, start: datetime, end: datetime, css_class: str, title: str, *, label: str = "", link: str = ""
) -> Bar:
    left = span.percent(start)
    width = round(span.percent(end) - left, 3)
    return Bar(left, width, css_class, title, label if width >= _WIDE_ENOUGH else "", link)


def _ticks(span: Span) -> Iterator[tuple[float, str]]:
    hour = span.start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    step = timedelta(hours=1 if span.end - span.start <= timedelta(hours=16) else 2)
    while hour < span.end:
        yield span.percent(hour), f"{hour:%H:%M}"
        hour += step
