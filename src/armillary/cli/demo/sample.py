"""The requests of the demonstration: real targets, chosen so that they are up tonight at the observatory at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from armillary import riseset
from armillary.cli.demo import targets
from armillary.cli.demo.targets import SkyObject
from armillary.core.observatory import InstrumentType, Observatory, Telescope, riseset_site

_LEAD: Final = timedelta(minutes=15)
_WORTH_LOOKING_S: Final = 2 * 3600.0
_WANTED_FILTERS: Final = ("B", "V", "R", "rp", "gp", "ip", "clear", "w")


class NothingToDemonstrate(Exception):
    """The observatory has no telescope with a schedulable imager, or no night."""


@dataclass(frozen=True, slots=True)
class Night:
    """The night of the demonstration, at its home telescope."""

    telescope: Telescope
    start: datetime
    """A quarter of an hour before sunset: the clock starts here."""
    dusk: datetime
    """End of nautical twilight in the evening."""
    dawn: datetime
    """Begin of nautical twilight in the morning."""

    @property
    def rest(self) -> tuple[datetime, datetime]:
        """An hour before the morning in which the home telescope is not available."""
        end = self.dawn - timedelta(hours=1)
        return end - timedelta(hours=1), end

    @property
    def middle(self) -> datetime:
        """Half way between dusk and dawn."""
        return self.dusk + (self.dawn - self.dusk) / 2


@dataclass(frozen=True, slots=True)
class Sample:
    """One request group to submit, and what is expected to become of it."""

    title: str
    body: dict[str, Any]
    is_cadence: bool = False
    is_refused: bool = False


def next_night(observatory: Observatory, after: datetime) -> Night:
    """The first night that begins after a moment, at the first telescope in service with a schedulable imager.

    Raises:
        NothingToDemonstrate: There is no such telescope, or the Sun does not set there within two days.
    """
    telescope = _home(observatory)
    site = riseset_site(telescope)
    nights = riseset.dark_windows(site, after, after + timedelta(days=2), "nautical")
    sunsets = [moment for moment, kind in riseset.sun_events(site, after, after + timedelta(days=2)) if kind == "set"]
    for dusk, dawn in nights:
        evening = [sunset for sunset in sunsets if sunset < dusk]
        if evening and dusk > after:
            return Night(telescope, evening[-1] - _LEAD, dusk, dawn)
    raise NothingToDemonstrate(f"the Sun does not set at {telescope.key} within two days of {after:%Y-%m-%d}")


def samples(observatory: Observatory, night: Night, proposal: str, *, more: int = 0) -> list[Sample]:
    """The requests of the night: one of each kind, and ``more`` of a survey that fills it."""
    composer = _Composer(observatory, night, proposal)
    return [*composer.compose(), *composer.survey(more)]


def _home(observatory: Observatory) -> Telescope:
    for telescope in observatory.telescopes():
        if telescope.in_service and any(
            instrument.is_schedulable and instrument.type.category == "IMAGE" and _filters(observatory, instrument.type)
            for instrument in telescope.instruments
        ):
            return telescope
    raise NothingToDemonstrate("no telescope in service has a schedulable imager with filters")


def _filters(observatory: Observatory, instrument_type: InstrumentType) -> list[str]:
    group = observatory.optical_element_groups(instrument_type.code).get("filters")
    codes = [] if group is None else [element.code for element in group.elements if element.schedulable]
    return [code for code in _WANTED_FILTERS if code in codes] or codes


class _Composer:
    """Writes request groups for the instruments of the home telescope's class."""

    def __init__(self, observatory: Observatory, night: Night, proposal: str) -> None:
        self._observatory = observatory
        self._night = night
        self._proposal = proposal
        here = [instrument.type for instrument in night.telescope.instruments if instrument.is_schedulable]
        self._imager = next(kind for kind in here if kind.category == "IMAGE" and _filters(observatory, kind))
        self._filters = _filters(observatory, self._imager)
        everywhere = observatory.instruments()
        self._spectrograph = next(
            (kind for kind in here if kind.category == "SPECTRA"),
            next((instrument.type for instrument in everywhere if instrument.type.category == "SPECTRA"), None),
        )

    def compose(self) -> Iterator[Sample]:
        yield self._standard_star()
        yield self._planetary_nebula()
        yield self._variable_with_cadence()
        if self._spectrograph is not None:
            yield self._spectrum(self._spectrograph)
        yield self._galaxy()
        yield self._never_visible()
        yield from self._competitors()

    def survey(self, count: int) -> list[Sample]:
        """Galaxies, nebulae and stars that are up longest tonight, in two or three bands each."""
        sky = targets.GALAXIES + targets.PLANETARY_NEBULAE + targets.VARIABLE_STARS + targets.STANDARD_STARS
        up = [target for target, seconds in self._by_time_up(sky) if seconds > _WORTH_LOOKING_S]
        found = []
        for number, target in enumerate(up[:count]):
            exposures = [
                self._exposure(code, 90.0 + 60.0 * (number % 4), 3) for code in self._filters[: 2 + number % 2]
            ]
            request = self._request([self._image(target, exposures)]) | {"optimization_type": "AIRMASS"}
            found.append(Sample("a field of a survey", self._group(f"Survey field {target.name}", [request])))
        return found

    def _standard_star(self) -> Sample:
        star = self._best(targets.STANDARD_STARS)
        exposures = [self._exposure(code, 20.0, 2) for code in self._filters[:3]]
        return Sample(
            "a standard star in three filters",
            self._group(f"Standard star {star.name}", [self._request([self._image(star, exposures)])]),
        )

    def _planetary_nebula(self) -> Sample:
        nebula = self._best(targets.PLANETARY_NEBULAE)
        exposures = [self._exposure(code, 180.0, 2) for code in self._narrow_bands()]
        request = self._request([self._image(nebula, exposures)]) | {"optimization_type": "AIRMASS"}
        return Sample("a planetary nebula", self._group(f"Planetary nebula {nebula.name}", [request]))

    def _variable_with_cadence(self) -> Sample:
        star = self._best(targets.VARIABLE_STARS)
        request = self._request([self._image(star, [self._exposure(self._filters[1 % len(self._filters)], 45.0, 3)])])
        del request["windows"]
        length = self._night.dawn - self._night.dusk
        request["cadence"] = {
            "start": _wire(self._night.dusk),
            "end": _wire(self._night.dawn),
            "period": round(length.total_seconds() / 3600 / 5, 2),
            "jitter": 1.0,
        }
        return Sample(
            "a variable star, about every two hours", self._group(f"Variable {star.name}", [request]), is_cadence=True
        )

    def _spectrum(self, spectrograph: InstrumentType) -> Sample:
        home = self._night.telescope
        telescope = next(
            (
                self._observatory.telescope(instrument.telescope_key)
                for instrument in self._observatory.instruments_of(spectrograph.code)
                if instrument.telescope_key == home.key
            ),
            None,
        ) or self._observatory.telescope(self._observatory.instruments_of(spectrograph.code)[0].telescope_key)
        star = self._best(targets.SPECTROPHOTOMETRIC_STARS, telescope)
        elements = self._default_elements(spectrograph)
        configuration = self._configuration(star, spectrograph, "SPECTRUM", [self._exposing(elements, 300.0, 2)])
        request = self._request([configuration])
        request["location"] = {"telescope_class": (telescope or home).telescope_class}
        return Sample("a spectrum", self._group(f"Spectrum of {star.name}", [request]))

    def _galaxy(self) -> Sample:
        galaxy = self._best(targets.GALAXIES)
        exposures = [self._exposure(code, 120.0, 3) for code in self._filters[:2]]
        return Sample(
            "a galaxy", self._group(f"Galaxy {galaxy.name}", [self._request([self._image(galaxy, exposures)])])
        )

    def _never_visible(self) -> Sample:
        is_northern = self._night.telescope.latitude_deg >= 0
        star = targets.SOUTHERNMOST if is_northern else targets.NORTHERNMOST
        request = self._request([self._image(star, [self._exposure(self._filters[0], 30.0, 1)])])
        request["location"]["site"] = self._night.telescope.site
        return Sample(
            "a star that never rises here: refused, with the reason",
            self._group(f"Below the horizon: {star.name}", [request]),
            is_refused=True,
        )

    def _competitors(self) -> Iterator[Sample]:
        """Two requests for the same minutes of the same telescope: only one of them can be scheduled tonight."""
        star = self._best(targets.STANDARD_STARS + targets.VARIABLE_STARS, at=self._night.middle)
        window = {"start": _wire(self._night.middle), "end": _wire(self._night.middle + timedelta(minutes=35))}
        for title, kind in (
            ("an eclipse that will not wait", "TIME_CRITICAL"),
            ("one that loses against it", "NORMAL"),
        ):
            exposure = self._exposure(self._filters[0], 60.0, 15 if kind == "TIME_CRITICAL" else 14)
            request = self._request([self._image(star, [exposure])]) | {"windows": [window]}
            request["location"] |= {
                "site": self._night.telescope.site,
                "enclosure": self._night.telescope.enclosure,
                "telescope": self._night.telescope.code,
            }
            name = f"{star.name}, {'time critical' if kind == 'TIME_CRITICAL' else 'the same minutes'}"
            yield Sample(title, self._group(name, [request], observation_type=kind))

    def _group(self, name: str, requests: list[dict[str, Any]], *, observation_type: str = "NORMAL") -> dict[str, Any]:
        return {
            "name": name,
            "proposal": self._proposal,
            "ipp_value": 1.0,
            "operator": "SINGLE" if len(requests) == 1 else "MANY",
            "observation_type": observation_type,
            "requests": requests,
        }

    def _request(self, configurations: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "location": {"telescope_class": self._night.telescope.telescope_class},
            "windows": [{"start": _wire(self._night.start), "end": _wire(self._night.dawn)}],
            "configurations": configurations,
        }

    def _image(self, target: SkyObject, exposures: list[dict[str, Any]]) -> dict[str, Any]:
        return self._configuration(target, self._imager, "EXPOSE", exposures)

    def _configuration(
        self, target: SkyObject, instrument_type: InstrumentType, kind: str, exposures: list[dict[str, Any]]
    ) -> dict[str, Any]:
        return {
            "type": kind,
            "instrument_type": instrument_type.code,
            "target": {"type": "ICRS", "name": target.name, "ra": target.ra_deg, "dec": target.dec_deg},
            "constraints": {"max_airmass": 2.0, "min_lunar_distance": 15.0},
            "instrument_configs": exposures,
            "acquisition_config": {},
            "guiding_config": {"optional": True},
        }

    def _exposure(self, filter_code: str, exposure_time_s: float, count: int) -> dict[str, Any]:
        elements = self._default_elements(self._imager) | {"filter": filter_code}
        return self._exposing(elements, exposure_time_s, count)

    def _exposing(self, elements: dict[str, str], exposure_time_s: float, count: int) -> dict[str, Any]:
        return {"optical_elements": elements, "exposure_time": exposure_time_s, "exposure_count": count}

    def _default_elements(self, instrument_type: InstrumentType) -> dict[str, str]:
        groups = self._observatory.optical_element_groups(instrument_type.code).values()
        return {group.request_key: group.default or group.elements[0].code for group in groups}

    def _narrow_bands(self) -> list[str]:
        group = self._observatory.optical_element_groups(self._imager.code)["filters"]
        codes = {element.code.lower(): element.code for element in group.elements if element.schedulable}
        narrow = [codes[name] for name in ("ha", "h-alpha", "oiii") if name in codes]
        return narrow or self._filters[:2]

    def _best(
        self, candidates: Sequence[SkyObject], telescope: Telescope | None = None, *, at: datetime | None = None
    ) -> SkyObject:
        """The candidate that is up longest tonight; around a moment, if one is given."""
        return self._by_time_up(candidates, telescope, at=at)[0][0]

    def _by_time_up(
        self, candidates: Sequence[SkyObject], telescope: Telescope | None = None, *, at: datetime | None = None
    ) -> list[tuple[SkyObject, float]]:
        """Candidates with the seconds for which they are up, the longest first."""
        site = riseset_site(telescope or self._night.telescope)
        start, end = self._night.start, self._night.dawn
        if at is not None:
            start, end = at - timedelta(hours=1), at + timedelta(hours=1.5)
        windows = riseset.observable_windows(
            [riseset.SiderealTarget(it.ra_deg, it.dec_deg) for it in candidates],
            [site],
            start,
            end,
            riseset.Constraints(twilight="nautical", max_airmass=1.9, min_moon_distance_deg=20.0),
        )
        seconds = [sum((stop - begin).total_seconds() for begin, stop in per_site[0]) for per_site in windows]
        return sorted(zip(candidates, seconds, strict=True), key=lambda it: -it[1])


def _wire(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
