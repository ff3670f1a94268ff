from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from armillary.scheduler.monitors.model import Closure, Conditions, Seeing
from armillary.scheduler.simulation.weather import Weather


class SimulatedMonitor:
    """The weather of the simulation: the same for the same seed, at every site of its own.

    Args:
        sites: Codes of the sites.
        weather: The model.
        seed: Of its chance.
    """

    def __init__(self, sites: Sequence[str], weather: Weather, seed: int = 0) -> None:
        self._sites = tuple(sites)
        self._weather = weather
        self._seed = seed

    def read(self, now: datetime) -> Conditions:
        """Which sites are closed, and the seeing at the others."""
        day = timedelta(days=1)
        closures, seeing = [], []
        for site in self._sites:
            course = self._weather.course(site, now - day, now + day, self._seed)
            until = course.closed_until(now)
            if until is not None:
                closures.append(Closure(site, "simulated weather", until))
            seeing.append(Seeing(site, course.seeing_arcsec(now), now))
        return Conditions(tuple(closures), tuple(seeing))
