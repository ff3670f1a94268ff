from __future__ import annotations

import hmac
from typing import Any, Final

from django.contrib.auth import authenticate, login
from django.db import transaction
from drf_spectacular.utils import extend_schema
from pydantic import ValidationError
from rest_framework import status
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from armillary.accounts import identity, scopes, services
from armillary.accounts.models import ApiToken, User
from armillary.accounts.queries import password_is_expired, profile_object
from armillary.accounts.second_factor import accepts, has_second_factor
from armillary.accounts.serializers import AccountSerializer, CredentialsSerializer, RemovalRequestSerializer
from armillary.accounts.sessions import remember_session
from armillary.configuration import configuration
from armillary.platform.refusals import Forbidden, Refusal

_OTP_WANTED: Final = "Give a code of your authenticator application as otp, beside the password."
_WITH_ALLOCATIONS: Final = "include_current_time_allocations"


class ProfileView(APIView):
    """The caller: name, rights, proposals, tokens."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="profile", responses={200: dict})
    def get(self, request: Request) -> Response:
        """Show the caller's own profile."""
        return Response(_own_profile(request))

    @extend_schema(operation_id="change_profile", request=AccountSerializer, responses={200: dict})
    def patch(self, request: Request) -> Response:
        """Change the caller's own data."""
        return self._change(request, partial=True)

    @extend_schema(operation_id="replace_profile", request=AccountSerializer, responses={200: dict})
    def put(self, request: Request) -> Response:
        """Change the caller's own data; the name must be given, and does not change."""
        return self._change(request, partial=False)

    def _change(self, request: Request, *, partial: bool) -> Response:
        serializer = AccountSerializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        request.user = services.change_account(_person(request), serializer.validated_data)
        return Response(_own_profile(request))


class AcceptTermsView(APIView):
    """The caller accepts the terms of use."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(request=None, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Note the moment."""
        services.accept_terms(_person(request))
        return Response({"message": "Terms accepted"})


class RevokeTokenView(APIView):
    """The caller wants another API token."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(request=None, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Replace the token; the new one is in the profile."""
        services.revoke_token(_person(request))
        return Response({"message": "API token revoked."})


class AccountRemovalRequestView(APIView):
    """The caller wants the account to be removed."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(request=RemovalRequestSerializer, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Pass the wish on to the observatory's support."""
        serializer = RemovalRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        services.request_removal(_person(request), serializer.validated_data["reason"])
        return Response({"message": "Account removal request successfully submitted."})


class ApiTokenAuthView(APIView):
    """Name and password for an API token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=CredentialsSerializer, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Give the caller's API token."""
        serializer = CredentialsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = _authenticated(request, serializer.validated_data)
        if user is None:
            raise Refusal({"non_field_errors": ["Unable to log in with provided credentials."]})
        if not _passes_second_factor(user, request):
            raise Refusal({"otp": [_OTP_WANTED]})
        if password_is_expired(user):
            raise Refusal({"non_field_errors": ["Password expired; log in with a browser to set another one."]})
        return Response({"token": identity.token_of(user)})


class ApiLoginView(APIView):
    """Name and password for a session."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=CredentialsSerializer, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Log in; the answer carries the session cookie."""
        serializer = CredentialsSerializer(data=request.data)
        if not serializer.is_valid():
            message = "Please give both username and password."
            return Response({"message": message}, status=status.HTTP_400_BAD_REQUEST)
        user = _authenticated(request, serializer.validated_data)
        if user is None:
            return Response({"message": "Invalid credentials"}, status=status.HTTP_401_UNAUTHORIZED)
        if not _passes_second_factor(user, request):
            return Response({"message": _OTP_WANTED}, status=status.HTTP_401_UNAUTHORIZED)
        if password_is_expired(user):
            return Response({"message": "Password expired"}, status=status.HTTP_401_UNAUTHORIZED)
        with transaction.atomic():
            login(request._request, user)  # noqa: SLF001  a session belongs to Django's request, not to its wrapper
            remember_session(request._request)  # noqa: SLF001  the same
        return Response({"message": "Login successful"})


class AddUpdateUserView(APIView):
    """A portal elsewhere tells what an account is now."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        """Remember it, if the caller knows the shared key."""
        _require_server_key(request)
        if not identity.accepts_accounts():
            raise Forbidden("Accounts are managed here; nobody else's are taken over.")
        if not isinstance(request.data, dict):
            raise Refusal("Give an object like that of /api/profile/.")
        try:
            services.remember_account(request.data)
        except ValidationError as error:
            raise Refusal(_field_errors(error)) from error
        identity.forget()
        return Response({"message": "User account updated"})


def _own_profile(request: Request) -> dict[str, Any]:
    if identity.relies_on_portal():
        return identity.profile(_person(request))
    with_allocations = _WITH_ALLOCATIONS in request.query_params
    found = profile_object(_person(request), include_current_time_allocations=with_allocations)
    return _limited(found, _scopes_of(request.auth))


def _limited(profile: dict[str, Any], granted: tuple[str, ...]) -> dict[str, Any]:
    """A profile for a caller whose token has scopes: the tokens without any are not among what it may read."""
    if not granted:
        return profile
    return {**profile, "tokens": {"archive": "", "api_token": ""}, "token_scopes": list(granted)}


def _scopes_of(credentials: Any) -> tuple[str, ...]:
    if isinstance(credentials, ApiToken):
        return tuple(credentials.scopes)
    return scopes.of_bearer(str(getattr(credentials, "scope", "")))


def _person(request: Request) -> User:
    if not isinstance(request.user, User):
        raise TypeError(f"{request.user!r} passed IsAuthenticated")
    return request.user


def _authenticated(request: Request, credentials: dict[str, str]) -> User | None:
    user = authenticate(request._request, **credentials)  # noqa: SLF001  the login signals want Django's request
    return user if isinstance(user, User) else None


def _passes_second_factor(user: User, request: Request) -> bool:
    """Whether the password is enough, or the body has the right ``otp`` beside it."""
    if not has_second_factor(user):
        return True
    code = request.data.get("otp") if isinstance(request.data, dict) else None
    return isinstance(code, str) and bool(code) and accepts(user, code)


def _require_server_key(request: Request) -> None:
    key = configuration().oauth_server_key
    given = request.headers.get("Authorization", "")
    if key is None or not hmac.compare_digest(given.encode(), f"Server {key.get_secret_value()}".encode()):
        raise Forbidden("The header Authorization must be 'Server' and the key that both sides share.")


def _field_errors(error: ValidationError) -> dict[str, list[str]]:
    return {".".join(str(part) for part in item["loc"]): [item["msg"]] for item in error.errors()}
