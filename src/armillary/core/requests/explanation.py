"""Why a request is not observed: what stands between it and each telescope.

The answer is a funnel. It begins with the time that the request's windows leave, and each step takes away what one
condition forbids, in the order in which an astronomer would look: is the target up, is it dark, is it high enough, how
far and how bright is the Moon, does the telescope work. The step that takes the last usable time is the one to change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from armillary.core.observatory import Instrument, Observatory, Telescope, riseset_site
from armillary.core.requests.facts import Downtime
from armillary.core.requests.model import Request
from armillary.core.requests.visibility.sky import sky_pairs
from armillary.core.requests.visibility.telescopes import can_take, instrument_types_of, is_at
from armillary.core.requests.visibility.windows import Interval, seen_together
from armillary.riseset import Constraints, Site, subtract, union


class Condition(StrEnum):
    """What takes time away from a request, in the order in which it is looked at."""

    WINDOWS = "windows"
    """Outside of the request's own windows, or over already."""
    HORIZON = "horizon"
    """A target is below the horizon of the telescope, outside of its hour angles or in its blind spot."""
    DARKNESS = "darkness"
    """The Sun is less than 12 degrees below the horizon."""
    AIRMASS = "max_airmass"
    LUNAR_DISTANCE = "min_lunar_distance"
    LUNAR_PHASE = "max_lunar_phase"
    DOWNTIME = "downtime"
    """The telescope, or an instrument that the request needs, is down."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is left after a condition."""

    condition: Condition
    left: tuple[Interval, ...]

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        return sum((end - start).total_seconds() for start, end in self.left)

    @property
    def longest_s(self) -> float:
        """Length in seconds of the longest time without a break that is left."""
        return max(((end - start).total_seconds() for start, end in self.left), default=0.0)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one telescope could do for a request."""

    telescope: str
    obstacles: tuple[str, ...]
    """Why the telescope cannot take the request at all, in sentences; empty if it can."""
    steps: tuple[Step, ...] = ()
    """One for each condition; empty if the telescope cannot take it."""

    @property
    def visible(self) -> tuple[Interval, ...]:
        """When it could be observed there."""
        return self.steps[-1].left if self.steps else ()

    def decisive(self, duration_s: float) -> Condition | None:
        """The first condition after which no time without a break is long enough; None if there is enough."""
        return next((step.condition for step in self.steps if step.longest_s < duration_s), None)


def outlooks(
    request: Request,
    observatory: Observatory,
    *,
    now: datetime,
    downtimes: Iterable[Downtime] = (),
    include_unschedulable: bool = False,
) -> list[Outlook]:
    """What each telescope at the request's location could do for it from now on.

    Args:
        request: What is to be observed.
        observatory: Where.
        now: The past counts for nothing.
        downtimes: When telescopes cannot work.
        include_unschedulable: Whether instruments count that are there but not in normal operation.

    Raises:
        UnsupportedTarget: A target is no place in the sky.
    """
    places = [item for item in observatory.telescopes() if request.location is None or is_at(item, request.location)]
    able = [
        item
        for item in places
        if can_take(item, None, instrument_types_of(request), include_unschedulable=include_unschedulable)
    ]
    steps = _steps(request, able, now)
    downtimes = tuple(downtimes)
    return [
        Outlook(
            place.key,
            (),
            (*steps[riseset_site(place)], _working(place, request, steps[riseset_site(place)], downtimes)),
        )
        if place in able
        else Outlook(place.key, tuple(_obstacles(place, request, include_unschedulable=include_unschedulable)))
        for place in places
    ]


def _obstacles(place: Telescope, request: Request, *, include_unschedulable: bool) -> Iterable[str]:
    if not place.in_service:
        yield f"{place.key} is not in service."
    for code in sorted(instrument_types_of(request)):
        mounted = [item for item in place.instruments if item.type.code == code]
        if not mounted:
            yield f"{place.key} has no {code}."
        elif not any(_is_usable(item, include_unschedulable=include_unschedulable) for item in mounted):
            states = ", ".join(f"{item.code} is {item.state}" for item in mounted)
            yield f"No {code} at {place.key} is in normal operation: {states}."


def _is_usable(instrument: Instrument, *, include_unschedulable: bool) -> bool:
    return instrument.is_schedulable or (include_unschedulable and instrument.is_enabled)


_OF_THE_SKY: Final = (
    Condition.HORIZON,
    Condition.DARKNESS,
    Condition.AIRMASS,
    Condition.LUNAR_DISTANCE,
    Condition.LUNAR_PHASE,
)


def _steps(request: Request, places: Sequence[Telescope], now: datetime) -> dict[Site, list[Step]]:
    """The steps of the sky at each site: one computation for each condition, for all sites at once."""
    sites = list(dict.fromkeys(riseset_site(place) for place in places))
    spans = union([(max(window.start, now), window.end) for window in request.windows if window.end > now])
    found = {site: [Step(Condition.WINDOWS, tuple(spans))] for site in sites}
    pairs = sky_pairs(request)
    for number, condition in enumerate(_OF_THE_SKY, start=1):
        relaxed = [(target, _only(_OF_THE_SKY[:number], constraints)) for target, constraints in pairs]
        for site, left in zip(sites, seen_together(relaxed, sites, spans), strict=True):
            found[site].append(Step(condition, tuple(left)))
    return found


def _only(applied: Collection[Condition], limits: Constraints) -> Constraints:
    """Of all limits those that are applied so far."""
    return Constraints(
        twilight=limits.twilight if Condition.DARKNESS in applied else None,
        max_airmass=limits.max_airmass if Condition.AIRMASS in applied else None,
        min_moon_distance_deg=limits.min_moon_distance_deg if Condition.LUNAR_DISTANCE in applied else 0.0,
        max_moon_illumination=limits.max_moon_illumination if Condition.LUNAR_PHASE in applied else 1.0,
        refraction=limits.refraction,
    )


def _working(place: Telescope, request: Request, sky: Sequence[Step], downtimes: Sequence[Downtime]) -> Step:
    types = instrument_types_of(request)
    holes = [(item.start, item.end) for item in downtimes if item.stops(place.key, types)]
    return Step(Condition.DOWNTIME, tuple(subtract(list(sky[-1].left), holes)))
