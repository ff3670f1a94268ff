"""How our OAuth2 provider differs from its library's defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from oauth2_provider.oauth2_validators import OAuth2Validator

from armillary.accounts.queries import password_is_expired
from armillary.accounts.second_factor import has_second_factor
from armillary.configuration import configuration

_PASSWORD: Final = "password"  # noqa: S105  the name of a grant


class Validator(OAuth2Validator):  # type: ignore[misc]  # the library publishes no types
    """Allows the password grant only where the configuration does: today's OCS siblings need it, nobody else should."""

    oidc_claim_scope: ClassVar = {
        **OAuth2Validator.oidc_claim_scope,
        "preferred_username": "profile",
        "is_staff": "profile",
    }

    def get_additional_claims(self) -> dict[str, Callable[[Any], Any]]:
        """What identity tokens say about a person, beside who it is."""
        return {
            "preferred_username": lambda request: request.user.username,
            "name": lambda request: request.user.get_full_name(),
            "given_name": lambda request: request.user.first_name,
            "family_name": lambda request: request.user.last_name,
            "email": lambda request: request.user.email,
            "is_staff": lambda request: request.user.is_staff,
        }

    def validate_user(self, username: str, password: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether name and password are right, the password need not be changed first, and it is the only factor."""
        valid = bool(super().validate_user(username, password, client, request, *args, **kwargs))
        return valid and not password_is_expired(request.user) and not has_second_factor(request.user)

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether a client may ask for a token in this way."""
        if grant_type != _PASSWORD:
            return bool(super().validate_grant_type(client_id, grant_type, client, request, *args, **kwargs))
        # Not the library's own check, which warns on every use of what our configuration allows knowingly.
        return configuration().oauth_password_grant and bool(request.client.allows_grant_type(_PASSWORD))
