"""A second factor beside the password: codes of an authenticator application (TOTP), and recovery codes.

django-allauth keeps and checks them; it runs only beside the portal, which is the identity provider.
"""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter
from django.apps import apps

from armillary.accounts.models import User
from armillary.accounts.sealing import seal, unseal
from armillary.configuration import configuration


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # the library publishes no types
    """Secrets are kept encrypted."""

    def get_totp_issuer(self) -> str:
        """What the authenticator application shows beside the account."""
        return configuration().organization_name

    def encrypt(self, text: str) -> str:
        """As API tokens are."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """What :meth:`encrypt` gave."""
        return unseal(encrypted_text)


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
