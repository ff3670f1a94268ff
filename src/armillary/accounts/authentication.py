"""How callers prove who they are: session, API token, OAuth2 token, or name and password."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from armillary.accounts import identity, scopes
from armillary.accounts.models import ApiToken, User
from armillary.accounts.services import authenticate_token

_TOKEN: Final = "token"  # noqa: S105  the name of a scheme
_BEARER: Final = "bearer"
Authenticated = tuple[User, Any]


class UsernameOrEmailBackend(ModelBackend):
    """Name and password, where the name may be the e-mail address; inactive accounts are refused.

    Where the portal runs elsewhere, it is asked about everybody whom the local tables do not let in.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The person, or ``None``."""
        name = username or kwargs.get(User.USERNAME_FIELD)
        if not name or password is None:
            return None
        known = super().authenticate(request, username=username_of(name), password=password)
        if known is None and identity.relies_on_portal():
            return identity.log_in_at_portal(name, password)
        return known


def username_of(name: str) -> str:
    """The name of an account, by which or by whose e-mail address it is given."""
    if "@" not in name:
        return name
    by_address = User.objects.filter(email__iexact=name).values_list("username", flat=True).first()
    return by_address or name


class DefaultAuthentication(BaseAuthentication):
    """``Authorization: Token``, ``Authorization: Bearer``, or the session cookie (which needs the CSRF token to write).

    A caller who presents a header is judged by the header alone. Anonymous callers get 403 where they may not go, as
    from the reference's portal.
    """

    def authenticate(self, request: Request) -> Authenticated | None:
        """Who calls, and with what; ``None`` for a stranger.

        Raises:
            AuthenticationFailed: The token is unknown, or its owner is inactive.
            ServiceUnavailable: The portal runs elsewhere and cannot be asked.
        """
        parts = get_authorization_header(request).split()
        scheme = parts[0].lower().decode("latin-1") if parts else ""
        if scheme == _TOKEN:
            return _by_token(request, _key(parts))
        if scheme == _BEARER:
            return _by_bearer(request, _key(parts))
        return SessionAuthentication().authenticate(request)

    def authenticate_header(self, request: Request) -> str | None:
        """No challenge, which tells Django REST Framework to refuse with 403."""
        del request
        return None


class ChallengingAuthentication(DefaultAuthentication):
    """The same, for configdb, downtime and archive, where anonymous callers are asked for credentials with 401."""

    def authenticate_header(self, request: Request) -> str:
        """The challenge of the 401."""
        del request
        return "Token"


def _key(parts: list[bytes]) -> str:
    if len(parts) == 1:
        raise AuthenticationFailed("Invalid token header. No credentials provided.")
    if len(parts) > 2:  # scheme and key
        raise AuthenticationFailed("Invalid token header. Token string should not contain spaces.")
    try:
        return parts[1].decode("ascii")
    except UnicodeDecodeError as error:
        raise AuthenticationFailed(
            "Invalid token header. Token string should not contain invalid characters."
        ) from error


def _by_token(request: Request, key: str) -> Authenticated:
    row = authenticate_token(key)
    if row is not None and not (row.kind == ApiToken.Kind.PORTAL and identity.relies_on_portal()):
        _require_scope(request, row.scopes)
        return _active(row.user), row
    if identity.relies_on_portal():
        user = identity.check_with_portal(f"Token {key}")
        if user is not None:
            _require_scope(request, identity.scopes_at_portal(f"Token {key}"))
            return _active(user), key
    raise AuthenticationFailed("Invalid token.")


def _by_bearer(request: Request, key: str) -> Authenticated | None:
    if identity.relies_on_portal():
        user = identity.check_with_portal(f"Bearer {key}")
        if user is None:
            raise AuthenticationFailed("No Such User")
        _require_scope(request, identity.scopes_at_portal(f"Bearer {key}"))
        return _active(user), key
    found: tuple[User | None, Any] | None = OAuth2Authentication().authenticate(request)
    if found is None:
        return None  # an unknown bearer token is a stranger, as at the reference
    # A program that logs in for itself (client credentials) acts in the name of who registered it.
    owner: User | None = found[1].application.user if found[0] is None else found[0]
    if owner is None:
        return None
    _require_scope(request, scopes.of_bearer(found[1].scope))
    return _active(owner), found[1]


def _require_scope(request: Request, granted: Collection[str]) -> None:
    method = request.method or "GET"
    if not scopes.suffices(granted, method, request.path):
        needed = scopes.needed_for(method, request.path)
        raise PermissionDenied(
            f"This token is limited to {', '.join(granted)}; {method} {request.path} needs the scope {needed}."
        )


def _active(user: User) -> User:
    if not user.is_active:
        raise AuthenticationFailed("User inactive or deleted.")
    return user
