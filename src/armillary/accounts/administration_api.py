"""Other people's accounts over HTTP, for those who manage them."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from armillary.accounts.identity_api import personal_data_of
from armillary.accounts.models import User
from armillary.accounts.permissions import Permission, requires
from armillary.accounts.queries import profile_of
from armillary.accounts.serializers import AccountSerializer
from armillary.accounts.services import administration
from armillary.accounts.services.administration import COLUMNS, REQUIRED
from armillary.platform.tables import TableField
from armillary.platform.wire import wire_time


def account_object(user: User) -> dict[str, Any]:
    """An account as those see it who manage it; no tokens, no password."""
    profile = profile_of(user)
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "institution": profile.institution,
        "title": profile.title,
        "education_user": profile.education_user,
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
        "staff_view": profile.staff_view,
        "awaits_activation": profile.awaits_activation,
        "terms_accepted": wire_time(profile.terms_accepted),
        "joined": wire_time(user.date_joined),
        "last_login": wire_time(user.last_login),
    }


class AccountsSerializer(serializers.BaseSerializer[User]):
    """A line of the list of accounts."""

    def to_representation(self, instance: User) -> dict[str, Any]:
        """As those see it who manage it."""
        return account_object(instance)


class ManagedAccountSerializer(AccountSerializer):
    """What may be changed about somebody else."""

    is_active = serializers.BooleanField(required=False)
    is_staff = serializers.BooleanField(required=False)
    is_superuser = serializers.BooleanField(required=False)


class AccountFilters(django_filters.FilterSet):
    """Filters of the list of accounts."""

    search = django_filters.CharFilter(method="filter_search")

    class Meta:
        model = User
        fields = ("is_active", "is_staff", "is_superuser")

    def filter_search(self, rows: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        """Accounts with a word in their name, address or institution."""
        del name
        for word in value.split():
            rows = rows.filter(
                Q(username__icontains=word)
                | Q(first_name__icontains=word)
                | Q(last_name__icontains=word)
                | Q(email__icontains=word)
                | Q(profile__institution__icontains=word)
            )
        return rows


class AccountsView(ListAPIView[User]):
    """All accounts, by name."""

    permission_classes = (requires(Permission.MANAGE_ACCOUNTS),)
    serializer_class = AccountsSerializer
    filterset_class = AccountFilters

    @extend_schema(operation_id="accounts", responses={200: dict})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of them."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[User]:
        """All of them."""
        return User.objects.select_related("profile").order_by("username")


def account_named(username: str) -> User:
    """The account of that name, or 404."""
    user = User.objects.select_related("profile").filter(username=username).first()
    if user is None:
        raise Http404("No User matches the given query.")
    return user


class AccountView(APIView):
    """One account."""

    permission_classes = (requires(Permission.MANAGE_ACCOUNTS),)

    @extend_schema(operation_id="account", responses={200: dict})
    def get(self, request: Request, username: str) -> Response:
        """Show it."""
        del request
        return Response(account_object(account_named(username)))

    @extend_schema(operation_id="change_account", request=ManagedAccountSerializer, responses={200: dict})
    def patch(self, request: Request, username: str) -> Response:
        """Change it; rights, and accounts with rights, only as an administrator."""
        user = account_named(username)
        body = ManagedAccountSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        administration.manage_account(user, body.validated_data, actor=_actor(request))
        return Response(account_object(account_named(username)))


class UnlockAccountView(APIView):
    """An account that is locked because its password was guessed at."""

    permission_classes = (requires(Permission.MANAGE_ACCOUNTS),)

    @extend_schema(request=None, responses={200: dict})
    def post(self, request: Request, username: str) -> Response:
        """Let its owner try again."""
        return Response({"opened": administration.unlock(account_named(username), actor=_actor(request))})


class AccountDataView(APIView):
    """What is known about somebody, for who has asked the observatory for it."""

    permission_classes = (requires(Permission.REMOVE_ACCOUNTS),)

    @extend_schema(responses={200: dict})
    def get(self, request: Request, username: str) -> Response:
        """All of it, as a file; that it was handed out stands in the audit log."""
        user = account_named(username)
        administration.note_disclosure(user, actor=_actor(request))
        name = f"personal-data-{user.pk}.json"
        return Response(personal_data_of(user), headers={"Content-Disposition": f'attachment; filename="{name}"'})


class ImportAccountsSerializer(serializers.Serializer[Any]):
    """A table of accounts."""

    csv = TableField(columns=COLUMNS, required_columns=REQUIRED)
    dry_run = serializers.BooleanField(default=False)


class ImportAccountsView(APIView):
    """Accounts from a table."""

    permission_classes = (requires(Permission.MANAGE_ACCOUNTS),)

    @extend_schema(request=ImportAccountsSerializer, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Create them, and tell their owners by mail; with ``dry_run``, only say what would happen."""
        body = ImportAccountsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        found = administration.import_accounts(values["csv"], actor=_actor(request), dry_run=values["dry_run"])
        rows = [{"line": line, "username": name, "outcome": outcome} for line, name, outcome in found]
        return Response({"dry_run": values["dry_run"], "rows": rows})


def _actor(request: Request) -> User:
    if not isinstance(request.user, User):
        raise TypeError(f"{request.user!r} passed a permission")
    return request.user
