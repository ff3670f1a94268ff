"""What the observatory owns: the tree, its telescopes and instruments, and their state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from armillary import clock
from armillary.core.observatory import InstrumentState, telescope_class
from armillary.web.access import Access, page
from armillary.web.answers import tried

_SECTION: Final = "observatory"
_OVERHEADS: Final = {
    "observation_front_padding": "Once per observation (first slew, set-up)",
    "config_front_padding": "Once per configuration",
    "fixed_overhead_per_exposure": "With every exposure, besides the readout",
    "acquire_exposure_time": "Usual acquisition exposure",
}
_TELESCOPE_OVERHEADS: Final = {
    "minimum_slew_overhead": "Shortest slew within an observation",
    "maximum_slew_overhead": "Longest slew within an observation",
    "instrument_change_overhead": "Change to another instrument",
}


@page(_SECTION)
def observatory(request: HttpRequest, access: Access) -> HttpResponse:
    """Sites, enclosures, telescopes and instruments, with the state of each."""
    context = {"section": _SECTION, "now": clock.now(), "sites": [_site(it) for it in access.configdb.sites()]}
    return render(request, "armillary/observatory/tree.html", context)


def _site(site: dict[str, Any]) -> dict[str, Any]:
    telescopes = [
        telescope
        | {
            "enclosure": enclosure,
            "key": f"{site['code']}.{enclosure['code']}.{telescope['code']}",
            "telescope_class": telescope_class(telescope["aperture"]),
            "off": _what_is_off(site, enclosure, telescope),
        }
        for enclosure in site["enclosure_set"]
        for telescope in enclosure["telescope_set"]
    ]
    return site | {"telescopes": telescopes}


def _what_is_off(site: dict[str, Any], enclosure: dict[str, Any], telescope: dict[str, Any]) -> str:
    """Why a telescope is out of service; empty if it is not."""
    places = {"site": site, "enclosure": enclosure, "telescope": telescope}
    return ", ".join(name for name, place in places.items() if not place["active"])


@page(_SECTION)
def instrument(request: HttpRequest, access: Access, instrument_id: int) -> HttpResponse:
    """An instrument: its state, modes, optical elements, overheads, history."""
    found = access.configdb.get("instruments", instrument_id)
    kind = found["instrument_type"]
    context = {
        "section": _SECTION,
        "now": clock.now(),
        "instrument": found,
        "name": found["__str__"],
        "telescope_id": _id_in(found["telescope"]),
        "kind": kind,
        "overheads": [(label, kind[name]) for name, label in _OVERHEADS.items()],
        "states": [state.value for state in InstrumentState],
        "history": access.configdb.history("instruments", instrument_id)[:20],
    }
    return render(request, "armillary/observatory/instrument.html", context)


@page(_SECTION)
def telescope(request: HttpRequest, access: Access, telescope_id: int) -> HttpResponse:
    """A telescope: its limits, overheads, instruments, and when it cannot be used."""
    found = access.configdb.get("telescopes", telescope_id)
    site, enclosure, code = found["__str__"].split(".")
    now = clock.now()
    context = {
        "section": _SECTION,
        "now": now,
        "telescope": found,
        "name": found["__str__"],
        "telescope_class": telescope_class(found["aperture"]),
        "overheads": [(label, found[name]) for name, label in _TELESCOPE_OVERHEADS.items() if name in found],
        "downtimes": sorted(
            access.downtime.list(
                site=site, enclosure=enclosure, telescope=code, ends_after=now, starts_before=now + timedelta(days=60)
            ),
            key=lambda it: it.start,
        ),
        "calendar": f"/downtime/calendar/{found['__str__']}.ics",
        "history": access.configdb.history("telescopes", telescope_id)[:20],
    }
    return render(request, "armillary/observatory/telescope.html", context)


@require_POST
@page(_SECTION)
def change_state(request: HttpRequest, access: Access, instrument_id: int) -> HttpResponse:
    """Bring an instrument into another state; the reason stands in its history."""
    state, reason = request.POST.get("state", ""), request.POST.get("reason", "")
    tried(
        request,
        lambda: access.configdb.update("instruments", instrument_id, {"state": state}, reason=reason),
        f"It is {state.lower()} now.",
    )
    return redirect("instrument", instrument_id=instrument_id)


@require_POST
@page(_SECTION)
def change_service(request: HttpRequest, access: Access, telescope_id: int) -> HttpResponse:
    """Take a telescope out of service, or back into it."""
    active, reason = request.POST.get("active") == "true", request.POST.get("reason", "")
    tried(
        request,
        lambda: access.configdb.update("telescopes", telescope_id, {"active": active}, reason=reason),
        "It is in service." if active else "It is out of service: nothing is scheduled on it any more.",
    )
    return redirect("telescope", telescope_id=telescope_id)


@require_POST
@page(_SECTION)
def revert(request: HttpRequest, access: Access, resource: str, key: int, version: int) -> HttpResponse:
    """Go back to an earlier version of a telescope or an instrument."""
    if resource not in {"telescope", "instrument"}:
        raise Http404(f"There are no pages of {resource}s.")
    tried(
        request,
        lambda: access.configdb.revert(f"{resource}s", key, version, reason=request.POST.get("reason", "")),
        "It is what it was.",
    )
    return redirect(resource, key)


def _id_in(address: str) -> int:
    """The id at the end of a link."""
    return int(address.rstrip("/").rsplit("/", 1)[1])
