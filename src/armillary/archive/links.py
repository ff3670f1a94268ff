"""Addresses that let anybody who holds them fetch one file for a while.

A link carries its expiry and a signature over both key and expiry, so it works without a token, in a browser, a
script or a colleague's mail, and for nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from armillary import clock
from armillary.clients.transport import IN_PROCESS_HOST
from armillary.configuration import configuration

_EXPIRY_STEP_S: Final = 3600
"""Expiries are rounded up to full hours: the same answer twice within an hour is the same text, and can be cached."""


class LinkMaker:
    """Makes the links of one answer."""

    def __init__(self, request: HttpRequest | None) -> None:
        self.start = _public_origin() if request is None else origin(request)
        """Scheme and host, for addresses that are not signed."""
        self._start = self.start + reverse("archive-file", args=["KEY", "NAME"]).removesuffix("KEY/NAME")
        lifetime_s = configuration().archive_link_lifetime_s
        self._expires = (int(clock.now().timestamp()) + lifetime_s) // _EXPIRY_STEP_S * _EXPIRY_STEP_S + _EXPIRY_STEP_S

    @classmethod
    def in_public(cls) -> LinkMaker:
        """Of links that nobody asked for: they begin with the public address."""
        return cls(None)

    def signed(self, what: str) -> dict[str, str]:
        """The parameters that make an address work without a token for a while (see :func:`is_valid`)."""
        return {"expires": str(self._expires), "signature": _signature(what, self._expires)}

    def link(self, key: str, file_name: str) -> str:
        """The absolute address of a stored file."""
        return f"{self._start}{key}/{file_name}?expires={self._expires}&signature={_signature(key, self._expires)}"


def is_valid(key: str, expires: str, signature: str, *, now: datetime) -> bool:
    """Whether a link was made by this installation and has not expired."""
    if not expires.isdigit() or len(expires) > 15:
        return False
    expected = _signature(key, int(expires))
    return hmac.compare_digest(expected.encode(), signature.encode()) and int(expires) > now.timestamp()


def origin(request: HttpRequest) -> str:
    """Scheme and host that the caller reaches this server by; for calls in process, the public one."""
    host = request.get_host()
    if host == IN_PROCESS_HOST:
        return _public_origin()
    return f"{request.scheme}://{host}"


def _public_origin() -> str:
    return str(configuration().public_url).rstrip("/")


def _signature(key: str, expires: int) -> str:
    message = f"{key}:{expires}".encode()
    return base64.urlsafe_b64encode(hmac.digest(_secret(), message, "sha256")).rstrip(b"=").decode()


@cache
def _secret() -> bytes:
    """A key of its own, so that nothing else the installation signs can be passed off as a link."""
    return hashlib.sha256(b"armillary.archive.links:" + settings.SECRET_KEY.encode()).digest()
