"""Tokens, sessions, personal data, accounts for others, and the audit log over HTTP."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from armillary import clock
from armillary.accounts import personal_data, services
from armillary.accounts.models import ApiToken, AuditEntry, User
from armillary.accounts.permissions import Permission, leads_a_proposal, may, requires
from armillary.accounts.queries import profile_object
from armillary.accounts.scopes import Scope
from armillary.accounts.services.bulk import MOST_AT_ONCE
from armillary.accounts.sessions import end_session, logins_of, sessions_of
from armillary.platform.refusals import Refusal
from armillary.platform.wire import wire_time


def _person(request: Request) -> User:
    if not isinstance(request.user, User):
        raise TypeError(f"{request.user!r} passed IsAuthenticated")
    return request.user


class TokenSerializer(serializers.Serializer[ApiToken]):
    """A token to be made."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=[scope.value for scope in Scope]))
    expires = serializers.DateTimeField(required=False, allow_null=True, default=None)


def token_object(row: ApiToken) -> dict[str, Any]:
    """A named token as its owner sees it; the key is not among it."""
    return {
        "id": row.pk,
        "name": row.name,
        "scopes": row.scopes,
        "created": wire_time(row.created),
        "expires": wire_time(row.expires),
        "last_used": wire_time(row.last_used),
    }


class TokensView(APIView):
    """The caller's named tokens."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses={200: list})
    def get(self, request: Request) -> Response:
        """List them."""
        rows = ApiToken.objects.filter(user=_person(request), kind=ApiToken.Kind.NAMED).order_by("name")
        return Response([token_object(row) for row in rows])

    @extend_schema(request=TokenSerializer, responses={201: dict})
    def post(self, request: Request) -> Response:
        """Make one; its key is in this answer and nowhere else."""
        body = TokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        if not values["scopes"]:
            raise Refusal({"scopes": [f"Name at least one of {', '.join(Scope)}."]})
        if values["expires"] is not None and values["expires"] <= clock.now():
            raise Refusal({"expires": ["Give a time to come."]})
        row, key = services.create_named_token(
            _person(request), values["name"], scopes=sorted(set(values["scopes"])), expires=values["expires"]
        )
        return Response({**token_object(row), "key": key}, status=201)


class TokenView(APIView):
    """One of the caller's named tokens."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, token_id: int) -> Response:
        """Stop it from working."""
        if not services.delete_named_token(_person(request), token_id):
            raise Http404("No ApiToken matches the given query.")
        return Response(status=204)


class SessionsView(APIView):
    """The caller's sessions in browsers."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses={200: list})
    def get(self, request: Request) -> Response:
        """List them, with from where and with what they began."""
        return Response(sessions_of(_person(request), _session_key(request)))

    @extend_schema(responses={200: dict})
    def delete(self, request: Request) -> Response:
        """End all of them but this one."""
        return Response({"ended": services.end_sessions(_person(request), except_key=_session_key(request))})


class SessionView(APIView):
    """One of the caller's sessions."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, session_id: int) -> Response:
        """End it."""
        if not end_session(_person(request), session_id):
            raise Http404("No Session matches the given query.")
        return Response(status=204)


def _session_key(request: Request) -> str | None:
    session = getattr(request, "session", None)
    return None if session is None else session.session_key


class BulkPersonSerializer(serializers.Serializer[User]):
    """An account to be made for somebody else."""

    username = serializers.RegexField(r"^[\w.@+-]+\Z", max_length=150)
    password = serializers.CharField(required=False, trim_whitespace=False, write_only=True)
    first_name = serializers.CharField(max_length=150)
    last_name = serializers.CharField(max_length=150)
    email = serializers.EmailField(max_length=254)
    institution = serializers.CharField(max_length=200)
    title = serializers.CharField(max_length=200)
    education_user = serializers.BooleanField(default=True)


class BulkSerializer(serializers.Serializer[Any]):
    """Accounts to be made."""

    users = BulkPersonSerializer(many=True, allow_empty=False, max_length=MOST_AT_ONCE)  # type: ignore[call-arg]  # many=True takes it


class ManagesAccountsOrLeads(BasePermission):
    """Who manages accounts, or leads a proposal."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller does."""
        del view
        return may(request.user, Permission.MANAGE_ACCOUNTS) or leads_a_proposal(request.user)


class BulkUsersView(APIView):
    """Accounts for others."""

    permission_classes = (ManagesAccountsOrLeads,)

    @extend_schema(request=BulkSerializer, responses={201: BulkSerializer})
    def post(self, request: Request) -> Response:
        """Create them: all, or none."""
        body = BulkSerializer(data=request.data)
        if not body.is_valid():
            errors = body.errors.get("users")
            whole = errors.get("non_field_errors") if isinstance(errors, dict) else None
            raise Refusal({"users": whole} if whole else body.errors)
        services.create_users(body.validated_data["users"], created_by=_person(request))
        shown = [
            {name: value for name, value in person.items() if name != "password"}
            for person in body.validated_data["users"]
        ]
        return Response({"users": shown}, status=201)


def personal_data_of(user: User) -> dict[str, Any]:
    """Everything that is known about a person."""
    found = profile_object(user)
    del found["tokens"]
    return {
        "exported": wire_time(clock.now()),
        "account": {**found, "joined": wire_time(user.date_joined), "last_login": wire_time(user.last_login)},
        "tokens": [
            {**token_object(row), "kind": row.kind} for row in ApiToken.objects.filter(user=user).order_by("pk")
        ],
        "logins": logins_of(user),
        "privileged_actions": [_entry(row) for row in AuditEntry.objects.filter(actor=user)],
        **{holder.name: holder.export(user) for holder in personal_data.holders()},
    }


class PersonalDataView(APIView):
    """What is known about the caller."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses={200: dict})
    def get(self, request: Request) -> Response:
        """All of it, as a file."""
        user = _person(request)
        name = f"personal-data-{user.pk}.json"
        return Response(personal_data_of(user), headers={"Content-Disposition": f'attachment; filename="{name}"'})


class RemoveAccountView(APIView):
    """Accounts of people who asked for their removal."""

    permission_classes = (requires(Permission.REMOVE_ACCOUNTS),)

    @extend_schema(request=None, responses={200: dict})
    def post(self, request: Request, username: str) -> Response:
        """Erase who it was; what was observed stays."""
        user = User.objects.filter(username=username).first()
        if user is None:
            raise Http404("No User matches the given query.")
        services.remove_account(user, actor=_person(request))
        return Response({"message": "The account has been removed."})


class AuditFilters(django_filters.FilterSet):
    """Filters of the audit log."""

    actor = django_filters.CharFilter(field_name="actor_name")
    after = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    before = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = AuditEntry
        fields = ("action", "subject")


class AuditEntrySerializer(serializers.Serializer[AuditEntry]):
    """A line of the audit log."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    action = serializers.CharField()
    subject = serializers.CharField()
    details = serializers.JSONField()

    def to_representation(self, instance: AuditEntry) -> dict[str, Any]:
        """As it was written."""
        return _entry(instance)


def _entry(row: AuditEntry) -> dict[str, Any]:
    return {
        "id": row.pk,
        "at": wire_time(row.at),
        "actor": row.actor_name,
        "action": row.action,
        "subject": row.subject,
        "details": row.details,
    }


class AuditView(ListAPIView[AuditEntry]):
    """What privileged people did, newest first."""

    permission_classes = (requires(Permission.READ_AUDIT_LOG),)
    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilters

    @extend_schema(operation_id="audit", responses={200: dict})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of it."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[AuditEntry]:
        """All lines."""
        return AuditEntry.objects.all()
