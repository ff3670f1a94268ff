"""How our authentication appears in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself in an untyped hook
    """``Authorization: Token <key>``."""

    target_class = "armillary.accounts.authentication.DefaultAuthentication"
    match_subclasses = True

    @property
    def name(self) -> str:  # type: ignore[override]  # the library reads it from the instance
        """One scheme per authentication class: the document keeps them apart by name."""
        return type(self.target).__name__.removesuffix("Authentication").lower() + "_token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The OpenAPI security scheme."""
        del auto_schema
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token` and the API token of your profile, or `Bearer` and an OAuth2 token.",
        }
