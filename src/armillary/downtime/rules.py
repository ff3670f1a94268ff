"""What a downtime must be like; each rule returns nested errors of the wire's shape and fetches nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from armillary.core.observatory import Observatory, Telescope

ALL: Final = "*"
"""Instead of the code of a telescope or an enclosure: every one of them."""

Errors = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A downtime as it is about to be."""

    start: datetime
    end: datetime
    site: str
    enclosure: str
    telescope: str
    instrument_type: str = ""

    @property
    def telescope_key(self) -> str:
        """``site.enclosure.telescope``."""
        return f"{self.site}.{self.enclosure}.{self.telescope}"


def broken_rules(proposed: Proposed, observatory: Observatory, *, longest: timedelta) -> dict[str, Any]:
    """Everything that is wrong with a downtime; empty when nothing is."""
    return _times(proposed, longest) or _place(proposed, observatory)


def telescopes_meant(proposed: Proposed, observatory: Observatory) -> list[Proposed]:
    """One downtime for each telescope that a place with :data:`ALL` for its enclosure or telescope means.

    With an instrument type, only telescopes that have it; what means nothing stays as it is, to be refused.
    """
    if ALL not in {proposed.enclosure, proposed.telescope}:
        return [proposed]
    found = [
        replace(proposed, enclosure=it.enclosure, telescope=it.code)
        for it in observatory.telescopes()
        if it.site == proposed.site
        and proposed.enclosure in {ALL, it.enclosure}
        and proposed.telescope in {ALL, it.code}
        and (not proposed.instrument_type or proposed.instrument_type in _types_on(it))
    ]
    return found or [proposed]


def _times(proposed: Proposed, longest: timedelta) -> Errors:
    if proposed.end <= proposed.start:
        return {"non_field_errors": ["End time must be after start time"]}
    if proposed.end - proposed.start > longest:
        sentence = f"A downtime lasts at most {longest.days} days here; is the year of its end right?"
        return {"non_field_errors": [sentence]}
    return {}


def _place(proposed: Proposed, observatory: Observatory) -> Errors:
    telescope = next((it for it in observatory.telescopes() if it.key == proposed.telescope_key), None)
    if telescope is None:
        return _unknown_place(proposed, observatory)
    kinds = _types_on(telescope)
    if proposed.instrument_type and proposed.instrument_type not in kinds:
        everywhere = sorted({kind for it in observatory.telescopes() for kind in _types_on(it)})
        if proposed.instrument_type not in everywhere:
            return {"instrument_type": [_no_choice(proposed.instrument_type, everywhere)]}
        return {
            "non_field_errors": [
                (
                    f"The site, enclosure, telescope and instrument_type combination {proposed.telescope_key} "
                    f"{proposed.instrument_type} does not exist; "
                    f"{proposed.telescope_key} has {', '.join(kinds) or 'none'}"
                )
            ]
        }
    return {}


def _types_on(telescope: Telescope) -> list[str]:
    return sorted({instrument.type.code for instrument in telescope.instruments})


def _no_choice(value: str, known: Iterable[str]) -> str:
    return f'"{value}" is not a valid choice. Known: {", ".join(sorted(known)) or "none"}'


def _unknown_place(proposed: Proposed, observatory: Observatory) -> Errors:
    telescopes: tuple[Telescope, ...] = observatory.telescopes()
    known = {
        "site": {it.site for it in telescopes},
        "enclosure": {it.enclosure for it in telescopes},
        "telescope": {it.code for it in telescopes},
    }
    errors = {
        name: [_no_choice(value, codes)]
        for name, codes in known.items()
        if (value := getattr(proposed, name)) not in codes
    }
    return errors or {
        "non_field_errors": [
            (
                f"The site, enclosure and telescope combination {proposed.telescope_key} does not exist; "
                f"known: {', '.join(it.key for it in telescopes)}"
            )
        ]
    }
