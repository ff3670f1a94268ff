"""The account pages: plain forms that work without a script, as existing web clients expect them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import logout, views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.views.generic import FormView, TemplateView, View

from armillary.accounts import services
from armillary.accounts.forms import OutboxPasswordResetForm, RegistrationForm, ResendActivationForm
from armillary.accounts.models import User
from armillary.accounts.queries import password_is_expired
from armillary.accounts.second_factor import has_second_factor
from armillary.accounts.sessions import ask_for_second_factor, remember_session
from armillary.configuration import configuration
from armillary.platform.refusals import Refusal


def page(template: str) -> Callable[..., HttpResponseBase]:
    """A page that only says something."""
    return TemplateView.as_view(template_name=template)


class LoginPage(views.LoginView):
    """Name or address, and password."""

    template_name = "accounts/login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in; whose password has expired is led to change it."""
        user = form.get_user()
        if has_second_factor(user):
            return ask_for_second_factor(self.request, user, self.get_success_url())
        answer = super().form_valid(form)
        remember_session(self.request)
        if password_is_expired(user):
            return redirect("password_change")
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the providers that people may come from."""
        return {**super().get_context_data(**kwargs), "providers": configuration().login_providers}


def log_out(request: HttpRequest) -> HttpResponse:
    """End the session. A plain link may do so, as at the reference: the worst that a forged one does is a new login."""
    logout(request)
    return HttpResponseRedirect(resolve_url(settings.LOGOUT_REDIRECT_URL))


@login_required
def logged_in_state(request: HttpRequest) -> HttpResponse:
    """Where a login leads to when nothing else was wanted."""
    return render(request, "accounts/logged_in_state.html")


class RegisterPage(FormView[RegistrationForm]):
    """A new person registers; ``?email=`` fills the address in."""

    template_name = "accounts/register.html"
    form_class = RegistrationForm
    success_url = reverse_lazy("register_complete")

    def get_initial(self) -> dict[str, Any]:
        """The address from an invitation's link."""
        return {"email": self.request.GET.get("email", "")}

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        """Create the account, or show what is wrong with it."""
        values = dict(form.cleaned_data)
        password = values.pop("password1")
        del values["password2"], values["tos"]
        try:
            services.register(password=password, **values)
        except Refusal as refusal:
            _show(form, refusal)
            return self.form_invalid(form)
        return super().form_valid(form)


class ActivatePage(View):
    """The link in the activation mail.

    Following it shows a button: programs that scan mails for harm follow links, but press no buttons.
    """

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        """Ask."""
        return render(request, "accounts/activate.html", {"key": key})

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        """Activate."""
        try:
            services.activate(key)
        except Refusal as refusal:
            return render(request, "accounts/activate.html", {"key": key, "problem": refusal.errors}, status=400)
        return redirect("activation_complete")


class ResendActivationPage(FormView[ResendActivationForm]):
    """Sends the activation link once more."""

    template_name = "accounts/activation_resend.html"
    form_class = ResendActivationForm
    success_url = reverse_lazy("register_complete")

    def form_valid(self, form: ResendActivationForm) -> HttpResponse:
        """Send it, if there is an account that waits for it; the answer is the same either way."""
        services.request_activation(form.cleaned_data["email"])
        return super().form_valid(form)


class PasswordChangePage(views.PasswordChangeView):
    """Changes the password of who is logged in."""

    template_name = "accounts/password_change.html"

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Change it, and prolong it if it expires."""
        answer = super().form_valid(form)
        if isinstance(self.request.user, User):
            services.note_password_change(self.request.user)
        return answer


class PasswordResetPage(views.PasswordResetView):
    """Sends a link for a new password; says nothing about whether there is such an account."""

    template_name = "accounts/password_reset.html"
    email_template_name = "accounts/password_reset_mail.txt"
    subject_template_name = "accounts/password_reset_subject.txt"
    form_class = OutboxPasswordResetForm

    @property
    def extra_email_context(self) -> dict[str, Any]:  # type: ignore[override]  # Django reads an attribute
        """The address in the mail is the configured one, never what a forged Host header says."""
        installation = configuration()
        return {
            "organization_name": installation.organization_name,
            "base_url": str(installation.public_url).rstrip("/"),
        }


class PasswordResetConfirmPage(views.PasswordResetConfirmView):
    """Takes the new password of who followed the link."""

    template_name = "accounts/password_reset_confirm.html"

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        """Set it, and prolong it if it expires."""
        answer = super().form_valid(form)
        if isinstance(self.user, User):
            services.note_password_change(self.user)
        return answer


def _show(form: forms.Form, refusal: Refusal) -> None:
    errors = refusal.errors if isinstance(refusal.errors, dict) else {"non_field_errors": [str(refusal.errors)]}
    for name, sentences in errors.items():
        form.add_error(name if name in form.fields else None, sentences)
