from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from armillary.core.observatory.decoding import decode_sites
from armillary.core.observatory.equipment import (
    Camera,
    Enclosure,
    Instrument,
    InstrumentType,
    OpticalElement,
    OpticalElementGroup,
    Site,
    Telescope,
)


@dataclass(frozen=True)
class Observatory:
    """Everything an observatory owns, as one immutable snapshot with look-ups.

    Codes of sites, enclosures, telescopes, instruments, elements and modes are found in any case; instrument type codes
    are upper case. Order is the order of the configuration database, so "the first" always means the same.
    """

    sites: tuple[Site, ...]
    etag: str = field(default="", compare=False)
    """Entity tag of the answer that the snapshot was read from, if it had one."""

    @classmethod
    def from_sites(cls, results: Sequence[Mapping[str, Any]], *, etag: str = "") -> Observatory:
        """The observatory that the `results` of `GET /sites/` describe.

        Raises:
            ObservatoryError: Something is missing or of the wrong type; the message says where.
        """
        return cls(sites=decode_sites(results), etag=etag)

    # --- places ---

    @cached_property
    def _enclosures(self) -> tuple[Enclosure, ...]:
        return tuple(enclosure for site in self.sites for enclosure in site.enclosures)

    @cached_property
    def _telescopes(self) -> tuple[Telescope, ...]:
        return tuple(telescope for enclosure in self._enclosures for telescope in enclosure.telescopes)

    @cached_property
    def _telescope_by_key(self) -> dict[str, Telescope]:
        return {telescope.key.casefold(): telescope for telescope in reversed(self._telescopes)}

    def site(self, code: str) -> Site | None:
        """The site of that code."""
        wanted = code.casefold()
        return next((site for site in self.sites if site.code.casefold() == wanted), None)

    def telescopes(self) -> tuple[Telescope, ...]:
        """Every telescope, in service or not."""
        return self._telescopes

    def telescope(self, key: str) -> Telescope | None:
        """The telescope `site.enclosure.telescope`."""
        return self._telescope_by_key.get(key.casefold())

    def telescopes_at(
        self,
        site: str = "",
        enclosure: str = "",
        telescope: str = "",
        telescope_class: str = "",
        *,
        in_service_only: bool = True,
    ) -> tuple[Telescope, ...]:
        """The telescopes at a location; an empty code means any."""
        wanted = (site.casefold(), enclosure.casefold(), telescope.casefold(), telescope_class.casefold())

        def fits(candidate: Telescope) -> bool:
            own = (candidate.site, candidate.enclosure, candidate.code, candidate.telescope_class)
            return all(not want or want == have.casefold() for want, have in zip(wanted, own, strict=True))

        return tuple(
            candidate
            for candidate in self._telescopes
            if (candidate.in_service or not in_service_only) and fits(candidate)
        )

    def site_codes(self) -> tuple[str, ...]:
        """Codes of all sites."""
        return _unique(site.code for site in self.sites)

    def enclosure_codes(self, site: str = "") -> tuple[str, ...]:
        """Codes of all enclosures, or of those at a site."""
        wanted = site.casefold()
        return _unique(item.code for item in self._enclosures if not wanted or item.site.casefold() == wanted)

    def telescope_codes(self, site: str = "", enclosure: str = "") -> tuple[str, ...]:
        """Codes of all telescopes, or of those at a site, or in an enclosure of it."""
        found = self.telescopes_at(site, enclosure, in_service_only=False)
        return _unique(item.code for item in found)

    def telescope_classes(self) -> tuple[str, ...]:
        """Classes of all telescopes."""
        return _unique(telescope.telescope_class for telescope in self._telescopes)

    # --- instruments ---

    @cached_property
    def _enabled_instruments(self) -> tuple[tuple[Telescope, Instrument], ...]:
        return tuple(
            (telescope, instrument)
            for telescope in self._telescopes
            for instrument in telescope.instruments
            if instrument.is_enabled
        )

    @cached_property
    def _instruments_by_type(self) -> dict[str, tuple[tuple[Telescope, Instrument], ...]]:
        found: dict[str, list[tuple[Telescope, Instrument]]] = {}
        for telescope, instrument in self._enabled_instruments:
            found.setdefault(instrument.type.code, []).append((telescope, instrument))
        return {code: tuple(pairs) for code, pairs in found.items()}

    def instruments(self, *, include_unschedulable: bool = False) -> tuple[Instrument, ...]:
        """Instruments that can be requested; with `include_unschedulable` those in every state but DISABLED.

        Those of telescopes that are not in service are left out.
        """
        return tuple(
            instrument
            for telescope, instrument in self._enabled_instruments
            if telescope.in_service and (include_unschedulable or instrument.is_schedulable)
        )

    def instruments_of(
        self,
        instrument_type: str,
        *,
        site: str = "",
        enclosure: str = "",
        telescope: str = "",
        telescope_class: str = "",
        include_unschedulable: bool = False,
    ) -> tuple[Instrument, ...]:
        """The instruments of a type at a location (an empty code means any), on telescopes in service."""
        places = {item.key for item in self.telescopes_at(site, enclosure, telescope, telescope_class)}
        return tuple(
            instrument
            for host, instrument in self._instruments_by_type.get(instrument_type.upper(), ())
            if host.key in places and (include_unschedulable or instrument.is_schedulable)
        )

    def instrument(self, key: str) -> Instrument | None:
        """The instrument `site.enclosure.telescope.instrument`, whatever its state."""
        place, _, code = key.rpartition(".")
        telescope = self.telescope(place)
        found = telescope.instruments if telescope else ()
        return next((item for item in found if item.code.casefold() == code.casefold()), None)

    def instrument_codes(self) -> tuple[str, ...]:
        """Codes of all instruments that are not DISABLED."""
        return _unique(instrument.code for _, instrument in self._enabled_instruments)

    # --- instrument types ---

    def instrument_types(self, *, include_unschedulable: bool = False) -> dict[str, InstrumentType]:
        """The types that can be requested, by code."""
        found: dict[str, InstrumentType] = {}
        for instrument in self.instruments(include_unschedulable=include_unschedulable):
            found.setdefault(instrument.type.code, self._first(instrument.type.code)[1].type)
        return found

    def instrument_type(self, code: str) -> InstrumentType | None:
        """The type of that code, if an instrument of it is not DISABLED."""
        pairs = self._instruments_by_type.get(code.upper())
        return pairs[0][1].type if pairs else None

    def _first(self, code: str) -> tuple[Telescope, Instrument]:
        return self._instruments_by_type[code.upper()][0]

    def reference_telescope(self, instrument_type: str) -> Telescope | None:
        """The first telescope with an instrument of the type: its slew and change overheads stand for all of them.

        A request's duration is one number, so it cannot depend on the telescope that will take it.
        """
        pairs = self._instruments_by_type.get(instrument_type.upper())
        return pairs[0][0] if pairs else None

    def science_cameras(self, instrument_type: str) -> tuple[Camera, ...]:
        """The science cameras of the first instrument of the type; they stand for all of them."""
        pairs = self._instruments_by_type.get(instrument_type.upper())
        return pairs[0][1].science_cameras if pairs else ()

    @cached_property
    def _element_groups(self) -> dict[str, dict[str, OpticalElementGroup]]:
        return {code: _merged_groups(pairs) for code, pairs in self._instruments_by_type.items()}

    def optical_element_groups(self, instrument_type: str) -> dict[str, OpticalElementGroup]:
        """By plural type, what the instruments of the type have together; the first occurrence of an element counts."""
        return self._element_groups.get(instrument_type.upper(), {})


def _merged_groups(pairs: tuple[tuple[Telescope, Instrument], ...]) -> dict[str, OpticalElementGroup]:
    merged: dict[str, OpticalElementGroup] = {}
    for _, instrument in pairs:
        for camera in instrument.science_cameras:
            for group in camera.optical_element_groups:
                known = merged.get(group.type)
                merged[group.type] = _with_elements(known, group.elements) if known else group
    return merged


def _with_elements(group: OpticalElementGroup, elements: tuple[OpticalElement, ...]) -> OpticalElementGroup:
    added = tuple(element for element in elements if group.element(element.code) is None)
    return replace(group, elements=group.elements + added) if added else group


def _unique(codes: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))
