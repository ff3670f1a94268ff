"""Login by somebody else's word: ORCID, Google, GitHub, or any OpenID Connect provider (django-allauth).

The observatory configures the providers (``ARMILLARY_LOGIN_PROVIDERS``). Whoever comes for the first time fills in the
same form as everybody who registers; an address that the provider has not verified is verified by our own link.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.forms import SignupForm as LibraryForm
from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import capfirst

from armillary.accounts import locking, services
from armillary.accounts.models import User
from armillary.accounts.queries import password_is_expired
from armillary.accounts.second_factor import has_second_factor
from armillary.platform.letters import queue_letter


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # the library publishes no types
    """Our own pages, letters and rules in the library's flows."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Registration has a page of its own; the library's is not used."""
        del request
        return False

    def add_message(self, *_: Any, **__: Any) -> None:
        """Pages say by themselves what happened."""

    def send_notification_mail(self, template_prefix: str, user: User, *_: Any, **__: Any) -> None:
        """Say by letter that somebody has changed how they log in."""
        if not user.email:
            return
        deed = capfirst(template_prefix.rpartition("/")[2].replace("_", " ").replace("totp", "authenticator"))
        with transaction.atomic():
            queue_letter("accounts/login_changed", to=user.email, context={"person": user, "deed": deed})

    def get_client_ip(self, request: HttpRequest) -> str:
        """Whom the reverse proxy names, if there is one."""
        return locking.client_address(request) or "unknown"

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who changes how they log in shows once more who they are; who has only a provider to show has done so."""
        del app, kwargs
        user = self.request.user
        return bool(user.has_usable_password()) or has_second_factor(user)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Whose password has expired is led to change it."""
        if isinstance(request.user, User) and password_is_expired(request.user):
            return "/accounts/password/change/"
        return str(super().get_login_redirect_url(request))

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Who has just registered waits for the link; others may ask for it again."""
        del request
        waits = getattr(getattr(user, "profile", None), "awaits_activation", False)
        return redirect("register_complete" if waits else "activation_resend")


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # the library publishes no types
    """People who come from a provider get an account like everybody else's."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Everybody may come."""
        del request, sociallogin
        return True

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        """Whether a verified address is enough to enter an account that is there: where the observatory says so."""
        del email
        return bool(login.account.get_provider().app.settings.get("email_authentication"))

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Store the account with what the form says."""
        values = form.cleaned_data
        email = str(values["email"])
        is_verified = any(it.verified and it.email.casefold() == email.casefold() for it in sociallogin.email_addresses)
        user = services.register_from_provider(
            username=values["username"],
            email=email,
            is_verified=is_verified,
            first_name=values["first_name"],
            last_name=values["last_name"],
            institution=values["institution"],
            title=values["title"],
        )
        sociallogin.user = user
        sociallogin.email_addresses = []  # the library would keep a list of its own, which nobody could correct
        sociallogin.save(request, connect=True)
        return user


class SignupForm(LibraryForm):  # type: ignore[misc]  # the library publishes no types
    """What we want to know of people who come from a provider, beyond what it has told."""

    first_name = forms.CharField(max_length=150, label="First name")
    last_name = forms.CharField(max_length=150, label="Last name")
    institution = forms.CharField(max_length=200, label="Institution")
    title = forms.CharField(max_length=200, label="Title")
    tos = forms.BooleanField(label="I accept the terms of use")

    field_order = ("first_name", "last_name", "institution", "title", "email", "username", "tos")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("first_name", "last_name"):
            self.fields[name].initial = getattr(self.sociallogin.user, name, "")
