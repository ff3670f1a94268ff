from __future__ import annotations

import json
import uuid
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from armillary import clock
from armillary.clients.errors import RequestRefused
from armillary.core.observatory import Observatory
from armillary.web.access import Access, page
from armillary.web.composition import Composition, again, blank, mode_codes, places, typed
from armillary.web.judgement import Judgement, judge, ready

_REFUSED: Final = 400
_TYPES: Final = (
    ("NORMAL", "normal"),
    ("TIME_CRITICAL", "time critical"),
    ("RAPID_RESPONSE", "rapid response"),
)


@login_required
@page("requests")
def compose(request: HttpRequest, access: Access) -> HttpResponse:
    """Compose a request and submit it; buttons that change the form's shape come here too and answer with the form."""
    observatory = access.configdb.observatory()
    if request.method != "POST":
        return _form(request, access, observatory, _beginning(request, access, observatory))
    composition = _changed(typed(request.POST, observatory), request)
    if "submit" not in request.POST:
        return _form(request, access, observatory, composition)
    try:
        body = ready(access.portal, composition, observatory)
        group = access.portal.submit(body, idempotency_key=request.POST.get("key") or None)
    except RequestRefused as refusal:
        if refusal.status != _REFUSED:
            raise
        judgement = judge(access.portal, composition, observatory, clock.now())
        return _form(request, access, observatory, composition, judgement, status=400)
    messages.success(request, "It is submitted. The scheduler looks for a place for it now.")
    return redirect("request-group", group_id=group.id)


@require_POST
@login_required
@page("requests")
def check(request: HttpRequest, access: Access) -> HttpResponse:
    """What the portal says to what is in the form; the page asks while somebody types."""
    observatory = access.configdb.observatory()
    composition = typed(request.POST, observatory)
    judgement = judge(access.portal, composition, observatory, clock.now())
    context = _verdict(judgement) | {"composition": composition, "is_fragment": True}
    return render(request, "armillary/_verdict.html", context)


def _beginning(request: HttpRequest, access: Access, observatory: Observatory) -> Composition:
    if (like := request.GET.get("like", "")).isdecimal():
        return again(access.portal.request_group(int(like)), observatory, clock.now())
    proposals = [it.id for it in access.portal.proposals(active=True)]
    given = {name: request.GET[name] for name in ("target_name", "ra", "dec") if name in request.GET}
    return blank(observatory, proposals, clock.now()).with_texts(**given)


def _changed(composition: Composition, request: HttpRequest) -> Composition:
    """The form with a row more or less, as the pressed button says."""
    if "add-exposure" in request.POST:
        return composition.one_more_exposure()
    if "add-window" in request.POST:
        return composition.one_more_window()
    if (row := request.POST.get("remove-exposure", "")).isdecimal():
        return composition.without_exposure(int(row))
    if (row := request.POST.get("remove-window", "")).isdecimal():
        return composition.without_window(int(row))
    return composition


def _form(
    request: HttpRequest,
    access: Access,
    observatory: Observatory,
    composition: Composition,
    judgement: Judgement | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "section": "requests",
        "now": clock.now(),
        "composition": composition,
        "choices": _choices(access, observatory, composition),
        "key": request.POST.get("key") or uuid.uuid4().hex,
        **(_verdict(judgement) if judgement else {}),
    }
    return render(request, "armillary/compose.html", context, status=status)


def _verdict(judgement: Judgement) -> dict[str, Any]:
    return {"judgement": judgement, "document": json.dumps(judgement.body, indent=2)}


def _choices(access: Access, observatory: Observatory, composition: Composition) -> dict[str, Any]:
    kind = observatory.instrument_type(composition["instrument_type"])
    classes, sites = places(observatory, composition["instrument_type"])
    groups = observatory.optical_element_groups(kind.code).values() if kind else ()
    readout = kind.mode_groups.get("readout") if kind else None
    return {
        "proposals": access.portal.proposals(active=True),
        "types": _TYPES,
        "instruments": observatory.instrument_types().values(),
        "instrument": kind,
        "classes": classes,
        "sites": [site for site in observatory.sites if site.code in sites],
        "elements": [
            {"key": it.request_key, "name": it.name, "elements": [one for one in it.elements if one.schedulable]}
            for it in groups
        ],
        "readout": [it for it in readout.modes if it.schedulable] if readout else [],
        "acquisition": mode_codes(kind, "acquisition") if kind else [],
        "guiding": mode_codes(kind, "guiding") if kind else [],
    }
