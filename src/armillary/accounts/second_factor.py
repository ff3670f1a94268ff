"""A second factor beside the password: codes of an authenticator application (TOTP), and recovery codes.

django-allauth keeps and checks them; it runs only beside the portal, which is the identity provider. A service alone
imports this module too, so the library itself is imported where it is used.
"""

from __future__ import annotations

from django.apps import apps

from armillary.accounts.models import User


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
