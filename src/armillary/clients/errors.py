from __future__ import annotations

from typing import Any


class ClientError(Exception):
    """A service could not do what was asked."""


class ServiceUnavailable(ClientError):
    """A service cannot be reached, took too long, or failed inside; asking again later may help."""

    def __init__(self, service: str, reason: str) -> None:
        super().__init__(f"the {service} service is unavailable: {reason}")
        self.service = service
        self.reason = reason


class RequestRefused(ClientError):
    """A service refused what was asked (a 4xx answer); asking again unchanged will not help."""

    def __init__(self, service: str, status: int, detail: Any, *, method: str = "", url: str = "") -> None:
        super().__init__(f"the {service} service refused {method} {url} with {status}: {detail}")
        self.service = service
        self.status = status
        self.detail = detail
        """The decoded JSON body of the answer, or its text."""


class UnexpectedAnswer(ClientError):
    """A service answered something that is not in its contract."""
