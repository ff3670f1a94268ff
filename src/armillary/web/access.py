"""The services, as the signed-in person sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from armillary import clock
from armillary.accounts import services as accounts
from armillary.accounts.models import User
from armillary.clients.archive import ArchiveClient
from armillary.clients.configdb import ConfigDBClient
from armillary.clients.downtime import DowntimeClient
from armillary.clients.errors import RequestRefused, ServiceUnavailable
from armillary.clients.office import OfficeClient
from armillary.clients.people import PeopleClient
from armillary.clients.portal import PortalClient
from armillary.clients.transport import connect

_NOT_FOUND: Final = 404
_REFUSED_WITHOUT_LOGIN: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class Access:
    """Clients that carry the caller's token, or none for a visitor."""

    portal: PortalClient
    archive: ArchiveClient
    configdb: ConfigDBClient
    downtime: DowntimeClient
    people: PeopleClient
    office: OfficeClient


def access_for(request: HttpRequest) -> Access:
    """The services for the person behind a request for a page."""
    user = request.user
    token = accounts.api_token(user) if isinstance(user, User) else None
    return Access(
        PortalClient(connect("portal", token=token)),
        ArchiveClient(connect("archive", token=token)),
        ConfigDBClient(connect("configdb", token=token)),
        DowntimeClient(connect("downtime", token=token)),
        PeopleClient(connect("portal", token=token)),
        OfficeClient(connect("portal", token=token)),
    )


def page(section: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Make a view a page: what a service refuses becomes the page that says so."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def wrapped(request: HttpRequest, **arguments: Any) -> HttpResponse:
            try:
                return view(request, access_for(request), **arguments)
            except RequestRefused as refusal:
                return _refused(request, refusal)
            except ServiceUnavailable as failure:
                context = {"section": section, "failure": failure, "now": clock.now()}
                return render(request, "armillary/unavailable.html", context, status=503)

        return wrapped

    return decorate


def _refused(request: HttpRequest, refusal: RequestRefused) -> HttpResponse:
    if refusal.status == _NOT_FOUND:
        raise Http404(str(refusal.detail)) from refusal
    if refusal.status in _REFUSED_WITHOUT_LOGIN and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    context = {"refusal": refusal, "now": clock.now()}
    return render(request, "armillary/refused.html", context, status=refusal.status)
