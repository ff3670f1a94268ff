"""What a downtime must be like; each rule returns nested errors of the wire's shape and fetches nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from armillary.core.observatory import Observatory, Telescope

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
    kinds = sorted({instrument.type.code for instrument in telescope.instruments})
    if proposed.instrument_type and proposed.instrument_type not in kinds:
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


def _unknown_place(proposed: Proposed, observatory: Observatory) -> Errors:
    telescopes: tuple[Telescope, ...] = observatory.telescopes()
    known = {
        "site": {it.site for it in telescopes},
        "enclosure": {it.enclosure for it in telescopes},
        "telescope": {it.code for it in telescopes},
    }
    errors = {
        name: [f'"{value}" is not a valid choice. Known: {", ".join(sorted(codes))}']
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
