"""How django-allauth keeps second factors here; imported only where the portal runs, which has allauth's tables."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter

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
