"""Who is calling? Asked of the portal by components that run without it."""

from __future__ import annotations

from typing import Any

import httpx

from armillary.clients.transport import expecting


class IdentityClient:
    """The portal as identity provider.

    Args:
        client: An anonymous client of the portal, from ``connect("portal")``.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def profile(self, authorization: str) -> dict[str, Any]:
        """The profile object of the person whom credentials stand for.

        Args:
            authorization: The value of the caller's ``Authorization`` header, ``Token ...`` or ``Bearer ...``.

        Raises:
            RequestRefused: The portal does not accept the credentials (status 401 or 403).
            ServiceUnavailable: The portal cannot be asked.
        """
        answer = self._client.get("api/profile/", headers={"Authorization": authorization})
        with expecting("portal"):
            profile = answer.json()
            if not isinstance(profile["username"], str):
                raise TypeError("username is not a text")
            return dict(profile)

    def token(self, username: str, password: str) -> str:
        """The API token of a person who gives name (or address) and password.

        Raises:
            RequestRefused: Name or password is wrong (status 400).
            ServiceUnavailable: The portal cannot be asked.
        """
        answer = self._client.post("api/api-token-auth/", data={"username": username, "password": password})
        with expecting("portal"):
            return str(answer.json()["token"])
