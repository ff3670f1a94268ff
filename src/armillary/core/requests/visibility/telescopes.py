"""Which telescopes could take a request, if the sky allows."""

from __future__ import annotations

from armillary.core.observatory import Observatory, Telescope
from armillary.core.requests.model import Location, Request


def instrument_types_of(request: Request) -> frozenset[str]:
    """The instrument types that a request needs, all of them on one telescope."""
    return frozenset(item.instrument_type.upper() for item in request.configurations)


def can_take(
    telescope: Telescope, location: Location | None, types: frozenset[str], *, include_unschedulable: bool = False
) -> bool:
    """Whether a telescope is where the request wants to be and has all the instruments for it."""
    if not telescope.in_service or not (location is None or is_at(telescope, location)):
        return False
    usable = {
        instrument.type.code
        for instrument in telescope.instruments
        if instrument.is_schedulable or (include_unschedulable and instrument.is_enabled)
    }
    return types <= usable


def is_at(telescope: Telescope, location: Location) -> bool:
    """Whether a telescope is where a request wants to be."""
    wanted = (location.telescope_class, location.site, location.enclosure, location.telescope)
    own = (telescope.telescope_class, telescope.site, telescope.enclosure, telescope.code)
    return all(not want or want.casefold() == have.casefold() for want, have in zip(wanted, own, strict=True))


def candidate_telescopes(
    request: Request, observatory: Observatory, *, include_unschedulable: bool = False
) -> list[Telescope]:
    """The telescopes that could take a request, if the sky allows."""
    types = instrument_types_of(request)
    return [
        telescope
        for telescope in observatory.telescopes()
        if can_take(telescope, request.location, types, include_unschedulable=include_unschedulable)
    ]
