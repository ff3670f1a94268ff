"""Locking against the guessing of passwords (django-axes does the counting)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from armillary.accounts.authentication import username_of
from armillary.configuration import configuration
from armillary.platform.errors import is_browser

LOCKED: Final = "There were too many wrong passwords. Wait a quarter of an hour, or reset your password."


def account_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Whose password is guessed: the same person by name and by address."""
    given = (credentials or {}).get("username") or request.POST.get("username", "")
    return username_of(str(given)).casefold()


def client_address(request: HttpRequest) -> str | None:
    """Who guesses; behind a proxy, whom the proxy (and nobody before it) names."""
    address: str | None = request.META.get("REMOTE_ADDR")
    if configuration().behind_proxy:
        named = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", 1)[-1].strip()
        return named or address
    return address


def locked(request: HttpRequest, *_: Any) -> HttpResponse:
    """The answer to whoever has guessed too often."""
    if is_browser(request):
        return render(request, "accounts/locked.html", {"sentence": LOCKED}, status=429)
    return JsonResponse({"detail": LOCKED, "message": LOCKED}, status=429)
