"""Following a service's change feed (server-sent events), for ever: across lost connections, restarts and timeouts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx
import structlog

from armillary.clients.errors import ClientError, ServiceUnavailable
from armillary.clients.transport import Service, connect, expecting

FEED_RESET: Final = "feed.reset"
"""Kind of the event that says: changes were missed and cannot be told any more; read everything anew."""

_ADDRESSES: Final[dict[Service, str]] = {
    "portal": "api/events/",
    "configdb": "events/",
    "downtime": "events/",
    "archive": "events/",
}
_SILENCE_S: Final = 45.0  # three missed heartbeats: the connection is dead, whatever TCP believes
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that changed."""

    id: str
    """Where it stands in the feed; opaque. Give it as ``after`` to go on from here."""
    kind: str
    """What happened to what, for example ``observation.created``; or :data:`FEED_RESET`."""
    key: str
    """Public identifier of the thing."""
    payload: dict[str, Any]
    at: datetime | None
    """When it was changed, observatory time, UTC; ``None`` for :data:`FEED_RESET`."""


def listen(
    service: Service,
    *,
    after: str | None = None,
    token: str | None = None,
    stop: threading.Event | None = None,
    url: str | None = None,
) -> Iterator[Event]:
    """Every change from now on (or after a place in the feed), as it happens; reconnects by itself.

    Args:
        service: Whose changes.
        after: The last event that was seen; default: begin now.
        token: API token of the reader.
        stop: Set it to end the iteration (noticed at the next event or sign of life, within seconds).
        url: Address of the service; default: the configured one.

    Raises:
        RequestRefused: The service does not let this reader in; trying again would not help.
    """
    return (event for event in _follow(service, after, token, stop or threading.Event(), url) if event is not None)


class Subscription:
    """A feed followed in a background thread, for loops that do other things while nothing changes.

    ::

        with Subscription("portal", token=token, kinds=("request_group.",)) as changes:
            while True:
                events = changes.wait(300.0)  # returns early when something happened

    Args:
        service: Whose changes.
        token: API token of the reader.
        after: The last event that was seen; default: begin now.
        kinds: Prefixes of the kinds wanted; empty for all. :data:`FEED_RESET` always comes through.
        url: Address of the service; default: the configured one.
    """

    def __init__(
        self,
        service: Service,
        *,
        token: str | None = None,
        after: str | None = None,
        kinds: tuple[str, ...] = (),
        url: str | None = None,
    ) -> None:
        self._kinds = kinds
        self._stop = threading.Event()
        self._arrived = threading.Condition()
        self._events: list[Event] = []
        self._connected = False
        self._failure: ClientError | None = None
        self._source = _follow(service, after, token, self._stop, url)
        self._thread = threading.Thread(target=self._collect, name=f"follow-{service}", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> list[Event]:
        """The events since the last call, oldest first; waits up to ``timeout_s`` real seconds for the first one.

        Raises:
            RequestRefused: The service does not let this reader in.
        """
        with self._arrived:
            self._arrived.wait_for(lambda: self._events or self._failure or self._stop.is_set(), timeout_s)
            if self._failure is not None:
                raise self._failure
            events, self._events = self._events, []
        return events

    def wait_until_connected(self, timeout_s: float) -> bool:
        """Whether the feed is being followed, after waiting for that at most ``timeout_s`` real seconds.

        What changes before that moment is not announced here: connect first, then read the state, then wait.
        """
        with self._arrived:
            self._arrived.wait_for(lambda: self._connected or self._failure is not None, timeout_s)
            return self._connected

    def close(self) -> None:
        """Stop following. The thread ends at the next sign of life of the service."""
        self._stop.set()
        with self._arrived:
            self._arrived.notify_all()

    def join(self, timeout_s: float) -> None:
        """Wait until the thread has ended, after :meth:`close`."""
        self._thread.join(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _collect(self) -> None:
        try:
            for event in self._source:
                self._take(event)
        except ClientError as error:
            with self._arrived:
                self._failure = error
                self._arrived.notify_all()

    def _take(self, event: Event | None) -> None:
        with self._arrived:
            self._connected = True
            if event is not None and (
                not self._kinds or event.kind == FEED_RESET or event.kind.startswith(self._kinds)
            ):
                self._events.append(event)
            self._arrived.notify_all()


def _follow(
    service: Service, after: str | None, token: str | None, stop: threading.Event, url: str | None
) -> Iterator[Event | None]:
    """Events, and ``None`` for every sign of life without one."""
    cursor, wait_s = after, _FIRST_WAIT_S
    while not stop.is_set():
        try:
            with connect(service, token=token, url=url, timeout_s=_SILENCE_S) as client:
                for place, event in _one_stream(client, service, cursor):
                    cursor, wait_s = place, _FIRST_WAIT_S
                    yield event
                    if stop.is_set():
                        return
        except (httpx.TransportError, ServiceUnavailable) as error:
            if stop.is_set():
                return
            logger.warning("feed_lost", service=service, error=str(error), wait_s=wait_s)
            stop.wait(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


def _one_stream(
    client: httpx.Client, service: Service, cursor: str | None
) -> Iterator[tuple[str | None, Event | None]]:
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": cursor} if cursor else {})
    with client.stream("GET", _ADDRESSES[service], headers=headers) as response:
        fields: dict[str, str] = {}
        for line in response.iter_lines():
            if line and not line.startswith(":"):
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
                continue
            cursor = fields.get("id", cursor)
            yield cursor, _event(service, fields)
            fields = {}


def _event(service: Service, fields: dict[str, str]) -> Event | None:
    if "data" not in fields:
        return None
    with expecting(service):
        body = json.loads(fields["data"])
        at = body["at"]
        return Event(
            id=fields["id"],
            kind=body["kind"],
            key=body["key"],
            payload=body["payload"],
            at=None if at is None else datetime.fromisoformat(at),
        )
