"""Who else may say who somebody is. Read by the settings, so it knows neither Django nor our tables."""

from __future__ import annotations

from typing import Any

from armillary.configuration import LoginProvider


def library_settings(providers: tuple[LoginProvider, ...]) -> dict[str, dict[str, Any]]:
    """The providers as the library's setting ``SOCIALACCOUNT_PROVIDERS`` wants them."""
    found: dict[str, dict[str, Any]] = {}
    for provider in providers:
        application: dict[str, Any] = {
            "client_id": provider.client_id,
            "secret": provider.client_secret.get_secret_value(),
            "key": "",
            "name": provider.shown_name,
            "settings": {"email_authentication": provider.trust_email},
        }
        if provider.kind == "openid_connect":
            application["provider_id"] = provider.id
            application["settings"] |= {"server_url": str(provider.server_url)}
        found.setdefault(provider.kind, {"APPS": [], "OAUTH_PKCE_ENABLED": True})["APPS"].append(application)
    return found
