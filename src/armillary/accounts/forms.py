from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model, password_validation
from django.contrib.auth.forms import PasswordResetForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.template import loader

from armillary.accounts.services.registration import too_many_mails
from armillary.platform.outbox import queue_mail


class RegistrationForm(forms.Form):
    """What a new person tells us; the names of the fields are those that existing web clients send."""

    first_name = forms.CharField(max_length=150, label="First name")
    last_name = forms.CharField(max_length=150, label="Last name")
    institution = forms.CharField(max_length=200, label="Institution")
    title = forms.CharField(max_length=200, label="Title")
    email = forms.EmailField(max_length=254, label="E-mail")
    username = forms.CharField(max_length=50, label="Username")
    password1 = forms.CharField(widget=forms.PasswordInput, strip=False, label="Password")
    password2 = forms.CharField(widget=forms.PasswordInput, strip=False, label="Password again")
    simple_interface = forms.BooleanField(required=False, label="Show a simplified interface")
    tos = forms.BooleanField(label="I accept the terms of use")

    def clean(self) -> dict[str, Any]:
        """Check the password: typed twice the same, and not easily guessed."""
        values = super().clean() or {}
        first, second = values.get("password1"), values.get("password2")
        if first and second and first != second:
            self.add_error("password2", "The two passwords are not the same.")
        if first:
            person = get_user_model()(
                **{name: values.get(name, "") for name in ("username", "email", "first_name", "last_name")}
            )
            try:
                password_validation.validate_password(first, person)
            except ValidationError as error:
                self.add_error("password1", error)
        return values


class ResendActivationForm(forms.Form):
    """Where the activation link shall go once more."""

    email = forms.EmailField(label="E-mail")


class OutboxPasswordResetForm(PasswordResetForm):
    """Django's form, whose mails go through the outbox."""

    def send_mail(
        self,
        subject_template_name: str,
        email_template_name: str,
        context: dict[str, Any],
        from_email: str | None,
        to_email: str,
        html_email_template_name: str | None = None,
    ) -> None:
        """Queue the mail with the link."""
        del from_email, html_email_template_name
        subject = "".join(loader.render_to_string(subject_template_name, context).splitlines())
        if too_many_mails(to_email, subject):
            return
        with transaction.atomic():
            queue_mail(to=to_email, subject=subject, body=loader.render_to_string(email_template_name, context))
