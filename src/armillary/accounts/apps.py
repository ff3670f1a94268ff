from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, tokens, OAuth2."""

    name = "armillary.accounts"
    label = "armillary_accounts"
    verbose_name = "Accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the OpenAPI document about our authentication."""
        from armillary.accounts import openapi  # noqa: F401  registers itself when imported
