"""A second factor beside the password: codes of an authenticator application (TOTP), and recovery codes.

django-allauth keeps and checks them; it runs only beside the portal, which is the identity provider.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from django.apps import apps
from django.db import transaction
from django.utils.text import capfirst

from armillary.accounts.models import User
from armillary.accounts.sealing import seal, unseal
from armillary.configuration import configuration
from armillary.platform.letters import queue_letter


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # the library publishes no types
    """Secrets are kept encrypted, and people are told by letter when their second factor changes."""

    def get_totp_issuer(self) -> str:
        """What the authenticator application shows beside the account."""
        return configuration().organization_name

    def encrypt(self, text: str) -> str:
        """As API tokens are."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """What :meth:`encrypt` gave."""
        return unseal(encrypted_text)

    def send_notification_mail(self, template_prefix: str, user: User, *_: Any, **__: Any) -> bool:
        """Say what has changed; the library's own mails would go out before the change is stored."""
        if not user.email:
            return False
        deed = capfirst(template_prefix.rpartition("/")[2].replace("_", " ").replace("totp", "authenticator"))
        with transaction.atomic():
            queue_letter("accounts/second_factor", to=user.email, context={"person": user, "deed": deed})
        return True


def has_second_factor(user: User) -> bool:
    """Whether a person's password alone does not let them in."""
    if not apps.is_installed("allauth.mfa"):
        return False
    from allauth.mfa.models import Authenticator

    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def accepts(user: User, code: str) -> bool:
    """Whether a code is right now; each code counts once."""
    from allauth.mfa.models import Authenticator

    rows = Authenticator.objects.filter(
        user=user, type__in=(Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    )
    return any(row.wrap().validate_code(code) for row in rows)
