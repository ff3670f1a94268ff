"""Sessions in browsers: how they begin, and which a person has."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from armillary.accounts.models import User
from armillary.platform.wire import wire_time


def remember_session(request: HttpRequest) -> None:
    """Note from where a session has just begun, so that its owner can recognise and end it."""
    if apps.is_installed("allauth.usersessions"):
        from allauth.usersessions.models import UserSession

        UserSession.objects.create_from_request(request)
        row = UserSession.objects.get(session_key=request.session.session_key)
        request.session["armillary_session_id"] = row.pk  # by which a page knows which of the sessions it is


def ask_for_second_factor(request: HttpRequest, user: User, next_url: str) -> HttpResponse:
    """Lead somebody who gave the right password on to the page that asks for a code."""
    from allauth.account.internal.flows.login import perform_password_login
    from allauth.account.models import Login

    login = Login(user=user, redirect_url=next_url, email_verification="none")
    answer: HttpResponse = perform_password_login(request, {"username": user.username}, login)
    return answer


def sessions_of(user: User, current_key: str | None) -> list[dict[str, Any]]:
    """A person's living sessions, newest first."""
    if not apps.is_installed("allauth.usersessions"):
        return []
    from allauth.usersessions.models import UserSession

    rows = list(UserSession.objects.filter(user=user).order_by("-created_at"))
    living = set(
        Session.objects.filter(session_key__in=[row.session_key for row in rows]).values_list("session_key", flat=True)
    )
    return [
        {
            "id": row.pk,
            "began": wire_time(row.created_at),
            "address": row.ip,
            "program": row.user_agent,
            "is_this_one": row.session_key == current_key,
        }
        for row in rows
        if row.session_key in living
    ]


@transaction.atomic
def end_session(user: User, session_id: int) -> bool:
    """End one of a person's sessions; whether there was one."""
    if not apps.is_installed("allauth.usersessions"):
        return False
    from allauth.usersessions.models import UserSession

    row = UserSession.objects.filter(user=user, pk=session_id).first()
    if row is None:
        return False
    Session.objects.filter(session_key=row.session_key).delete()
    row.delete()
    return True


def logins_of(user: User) -> dict[str, Any]:
    """What is kept about how a person logs in, without secrets."""
    if not apps.is_installed("allauth.usersessions"):
        return {}
    from allauth.mfa.models import Authenticator
    from allauth.socialaccount.models import SocialAccount

    return {
        "sessions": sessions_of(user, None),
        "providers": list(SocialAccount.objects.filter(user=user).values("provider", "uid", "extra_data")),
        "second_factors": list(Authenticator.objects.filter(user=user).values_list("type", flat=True)),
    }


def forget_logins(user: User) -> None:
    """Remove second factors, providers and the record of sessions of somebody whose account is removed."""
    if not apps.is_installed("allauth.usersessions"):
        return
    from allauth.account.models import EmailAddress
    from allauth.mfa.models import Authenticator
    from allauth.socialaccount.models import SocialAccount
    from allauth.usersessions.models import UserSession

    for model in (Authenticator, EmailAddress, SocialAccount, UserSession):
        model.objects.filter(user=user).delete()
