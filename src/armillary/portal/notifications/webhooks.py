"""Calls of people's own addresses: signed, and never into networks that only the server can reach."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import socket
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx
from django.utils.crypto import salted_hmac

from armillary.configuration import configuration
from armillary.platform.refusals import Refusal

SIGNATURE: Final = "X-Armillary-Signature"
_SALT: Final = "armillary.portal.webhooks"
_TIMEOUT_S: Final = 10.0


class WebhookFailed(Exception):
    """The address cannot be called, or did not answer with success; says why."""


def secret_of(user_id: int) -> str:
    """The secret with which calls for a person are signed; derived, so that none is stored."""
    return salted_hmac(_SALT, str(user_id), algorithm="sha256").hexdigest()


def signature(secret: str, body: bytes) -> str:
    """What the signature's header holds for a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def require_callable(url: str) -> None:
    """Check an address that somebody wants to be called.

    Raises:
        Refusal: It is not https (http is taken outside of production), has no host, or leads into a private network.
    """
    try:
        _numeric_address(_parts(url))
    except WebhookFailed as error:
        raise Refusal({"webhook_url": [str(error)]}) from error


def call(url: str, body: Mapping[str, Any], *, user_id: int) -> None:
    """Post a signed JSON object.

    The name is looked up here and the number found is called, so that it cannot lead elsewhere than what was checked.

    Raises:
        WebhookFailed: It did not work.
    """
    parts = _parts(url)
    number = _numeric_address(parts)
    content = json.dumps(body).encode()
    host = f"[{number}]" if ":" in number else number
    port = f":{parts.port}" if parts.port else ""
    headers = {
        "Host": f"{parts.hostname}{port}",
        "Content-Type": "application/json",
        SIGNATURE: signature(secret_of(user_id), content),
    }
    address = parts._replace(netloc=f"{host}{port}").geturl()
    extensions = {"sni_hostname": parts.hostname}
    try:
        with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
            answer = client.post(address, content=content, headers=headers, extensions=extensions)
    except httpx.HTTPError as error:
        raise WebhookFailed(f"{parts.hostname} cannot be reached: {error}") from error
    if not answer.is_success:
        raise WebhookFailed(f"{parts.hostname} answered {answer.status_code}")


def _parts(url: str) -> SplitResult:
    parts = urlsplit(url)
    schemes = {"https"} if configuration().is_production else {"https", "http"}
    if parts.scheme not in schemes or not parts.hostname or parts.username:
        raise WebhookFailed(f"Give an address that begins with {' or '.join(sorted(schemes))}:// and names a host.")
    return parts


def _numeric_address(parts: SplitResult) -> str:
    """The first address of a host that may be called.

    Raises:
        WebhookFailed: The name is unknown, or leads only into networks that the public cannot reach.
    """
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise WebhookFailed(f"The host {parts.hostname} is not known.") from error
    for *_, place in found:
        number = str(place[0])
        if (
            configuration().webhooks_into_private_networks
            or ipaddress.ip_address(number.split("%", maxsplit=1)[0]).is_global
        ):
            return number
    raise WebhookFailed(f"{parts.hostname} is inside a private network, which webhooks may not reach.")
