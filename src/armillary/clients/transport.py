"""How a client reaches a service: over the network, or, in the same process, straight into its WSGI application.

There is one code path. :func:`connect` gives an :class:`httpx.Client` either way; what differs is only the transport
under it. So a whole observatory in one process and eight services in a cluster behave alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, Protocol
from wsgiref.types import WSGIApplication

import httpx

from armillary.clients.errors import RequestRefused, ServiceUnavailable, UnexpectedAnswer
from armillary.configuration import Component, Configuration, configuration

Service = Literal["portal", "configdb", "downtime", "archive"]

IN_PROCESS_HOST: Final = "in-process.armillary.invalid"
"""Host name of in-process calls; the server always accepts it, and no network can (``.invalid`` never resolves)."""

_MOUNTS: Final[dict[Service, str]] = {
    "portal": "/",
    "configdb": "/configdb/",
    "downtime": "/downtime/",
    "archive": "/archive/",
}
_SERVER_ERROR: Final = 500
_CLIENT_ERROR: Final = 400

_local_application: Callable[[], WSGIApplication] | None = None


class Authentication(Protocol):
    """Anything that names the caller to a service."""

    def headers(self) -> dict[str, str]:
        """The headers to send."""


def provide_local_application(factory: Callable[[], WSGIApplication]) -> None:
    """Tell clients in this process how to get the WSGI application that the process serves.

    The server calls this once at start-up; the factory is called at the first in-process call.
    """
    global _local_application  # noqa: PLW0603  one served application per process
    _local_application = factory


def connect(
    service: Service,
    *,
    token: str | None = None,
    url: str | None = None,
    timeout_s: float = 30.0,
    settings: Configuration | None = None,
) -> httpx.Client:
    """A client of a service.

    Args:
        service: Which service.
        token: API token of the caller; without one the call is anonymous.
        url: Address of the service; default: the configured one, or in process when the service runs here.
        timeout_s: Seconds until a call over the network is given up.
        settings: Settings to use instead of those of the process.

    Raises:
        ServiceUnavailable: The service neither runs in this process nor has a configured address.
    """
    address = url or (settings or configuration()).url_of(service)
    headers = {"Accept": "application/json"} | ({"Authorization": f"Token {token}"} if token else {})
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [_refuse_bad_answers(service)]}
    if address is not None:
        return httpx.Client(
            base_url=address.rstrip("/") + "/",
            headers=headers,
            timeout=timeout_s,
            transport=_NamedTransport(service, httpx.HTTPTransport(retries=1)),
            event_hooks=hooks,
            follow_redirects=True,
        )
    return httpx.Client(
        base_url=f"http://{IN_PROCESS_HOST}{_MOUNTS[service]}",
        headers=headers,
        transport=httpx.WSGITransport(app=_application_serving(service, settings or configuration())),
        event_hooks=hooks,
        follow_redirects=True,
    )


def _application_serving(service: Service, settings: Configuration) -> WSGIApplication:
    if not settings.runs(Component(service)):
        raise ServiceUnavailable(
            service, f"it does not run in this process and ARMILLARY_{service.upper()}_URL is not set"
        )
    if _local_application is None:
        raise ServiceUnavailable(
            service, f"this process serves nothing; set ARMILLARY_{service.upper()}_URL to where it runs"
        )
    return _local_application()


class _NamedTransport(httpx.BaseTransport):
    """Turns failures of the network into one error that names the service."""

    def __init__(self, service: Service, inner: httpx.BaseTransport) -> None:
        self._service = service
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._inner.handle_request(request)
        except httpx.TransportError as error:
            raise ServiceUnavailable(self._service, f"{request.method} {request.url}: {error}") from error

    def close(self) -> None:
        self._inner.close()


def _refuse_bad_answers(service: Service) -> Callable[[httpx.Response], None]:
    def check(response: httpx.Response) -> None:
        if response.status_code < _CLIENT_ERROR:
            return
        response.read()
        if response.status_code >= _SERVER_ERROR:
            raise ServiceUnavailable(
                service, f"{response.request.method} {response.request.url} answered {response.status_code}"
            )
        raise RequestRefused(
            service,
            response.status_code,
            _decoded(response),
            method=response.request.method,
            url=str(response.request.url),
        )

    return check


def _decoded(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text


@contextmanager
def expecting(service: Service) -> Iterator[None]:
    """Turn a missing key or a wrong type in an answer into :class:`UnexpectedAnswer`."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(f"the {service} service answered something unexpected: {error!r}") from error
