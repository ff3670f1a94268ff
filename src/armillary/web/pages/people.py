from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from armillary import clock
from armillary.accounts.scopes import SENTENCES
from armillary.clients.errors import RequestRefused
from armillary.configuration import configuration
from armillary.web.access import Access, page
from armillary.web.answers import sentences_of, tried

_TEXTS: Final = ("first_name", "last_name", "email")
_DETAILS: Final = ("institution", "title")
_SWITCHES: Final = {
    "notifications_enabled": "Mail me about every finished request of my proposals",
    "notifications_on_authored_only": "... but only about those that I submitted",
    "view_authored_requests_only": "Show me only what I submitted",
}


_CHANNELS: Final = (("MAIL", "by mail"), ("WEBHOOK", "by a call of my webhook"), ("NONE", "not at all"))
_RHYTHMS: Final = (("AT_ONCE", "at once"), ("DAILY", "once a day"), ("WEEKLY", "once a week"))


@page("people")
def profile(request: HttpRequest, access: Access) -> HttpResponse:
    """The caller's own data and tokens."""
    if request.method == "POST":
        details: dict[str, Any] = {name: request.POST.get(name, "") for name in _DETAILS}
        details |= {name: name in request.POST for name in _SWITCHES}
        changes = {name: request.POST.get(name, "") for name in _TEXTS} | {"profile": details}
        tried(request, lambda: access.people.change_profile(changes), "Your profile is saved.")
        return redirect("profile-page")
    return _profile_page(request, access)


def _profile_page(request: HttpRequest, access: Access, *, status: int = 200, **more: Any) -> HttpResponse:
    person = access.people.profile()
    context = {
        "section": "people",
        "now": clock.now(),
        "person": person,
        "switches": [(name, label, person["profile"][name]) for name, label in _SWITCHES.items()],
        "tokens": access.people.tokens(),
        "sessions": _with_this_one(access.people.sessions(), request),
        "preferences": access.people.notification_preferences(),
        "channels": _CHANNELS,
        "rhythms": _RHYTHMS,
        "has_providers": bool(configuration().login_providers),
        "scopes": [(scope.value, sentence) for scope, sentence in SENTENCES.items()],
        **more,
    }
    return render(request, "armillary/profile.html", context, status=status)


def _with_this_one(sessions: list[dict[str, Any]], request: HttpRequest) -> list[dict[str, Any]]:
    """The page asks with a token, so the service cannot know which of the sessions looks at it."""
    mine = request.session.get("armillary_session_id")
    return [item | {"is_this_one": item["id"] == mine} for item in sessions]


@require_POST
@page("people")
def end_session(request: HttpRequest, access: Access, session_id: int) -> HttpResponse:
    """Log one of the caller's browsers out."""
    tried(request, lambda: access.people.end_session(session_id), "That browser is logged out.")
    return redirect("profile-page")


@require_POST
@page("people")
def notifications(request: HttpRequest, access: Access) -> HttpResponse:
    """Say how to be told, of everything, or of a proposal as of all others."""
    if forget := request.POST.get("forget"):
        tried(request, lambda: access.people.forget_preference(forget), "Your wish is saved.")
        return redirect("profile-page")
    values = [request.POST.get(name, "") for name in ("channel", "rhythm", "webhook_url")]
    tried(
        request,
        lambda: access.people.prefer(values[0], values[1], webhook_url=values[2]),
        "Your wish is saved.",
    )
    return redirect("profile-page")


@require_POST
@page("people")
def new_token(request: HttpRequest, access: Access) -> HttpResponse:
    """Make a token, and show its key this once."""
    expires = request.POST.get("expires") or None
    try:
        token = access.people.create_token(
            request.POST.get("name", ""), request.POST.getlist("scopes"), f"{expires}T00:00:00Z" if expires else None
        )
    except RequestRefused as refusal:
        if refusal.status not in {400, 409}:
            raise
        return _profile_page(request, access, status=400, problems=list(sentences_of(refusal.detail)))
    return _profile_page(request, access, new_token=token)


@require_POST
@page("people")
def delete_token(request: HttpRequest, access: Access, token_id: int) -> HttpResponse:
    """Stop a token from working."""
    tried(request, lambda: access.people.delete_token(token_id), "The token no longer works.")
    return redirect("profile-page")


@page("proposals")
def invitation(request: HttpRequest, access: Access, key: str) -> HttpResponse:
    """The link in an invitation's mail: following it shows a button, for programs that scan mails follow links."""
    if request.method == "POST" and tried(
        request, lambda: access.people.accept_invitation(key), "You have joined the proposal."
    ):
        return redirect("proposals")
    return render(request, "armillary/invitation.html", {"section": "proposals", "now": clock.now(), "key": key})
