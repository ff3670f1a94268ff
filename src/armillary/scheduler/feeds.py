"""Where news come from: the services' change feeds, and, where there is none, looking now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from armillary.clients.errors import ClientError
from armillary.clients.events import FEED_RESET, Event, Subscription

_log = structlog.get_logger(__name__)
_CONNECT_REAL_S: Final = 5.0
_LISTEN_REAL_S: Final = 0.5
_PORTAL_NEWS: Final = ("request_group.", "request.", "observation.")
_OWN_DOING: Final = frozenset({"schedule.published", "observation.created", "scheduler.changed"})
_UNDER_WAY: Final = frozenset({"PENDING", "IN_PROGRESS"})


class ChangeFeed(Protocol):
    """Where news come from; :class:`armillary.clients.events.Subscription` is one."""

    def wait(self, timeout_s: float) -> list[Event]:
        """The news since the last call; waits up to so many real seconds for the first."""

    def close(self) -> None:
        """Stop listening."""


def subscribe(token: str | None) -> list[ChangeFeed]:
    """Follow the services' feeds, from before the first reading, so that nothing falls between."""
    portal = Subscription("portal", token=token, kinds=_PORTAL_NEWS)
    feeds = [portal, Subscription("configdb", token=token), Subscription("downtime", token=token)]
    for feed in feeds:
        if not feed.wait_until_connected(_CONNECT_REAL_S):
            _log.warning("feed_not_connected", consequence="until it is, the services are looked at now and then")
    return list(feeds)


class Listener:
    """Follows feeds in threads of their own and hands on what matters.

    Args:
        heed: Given the news; called in the threads.
    """

    def __init__(self, heed: Callable[[Sequence[Event]], None]) -> None:
        self._heed = heed
        self._lost = threading.Event()

    @property
    def is_deaf(self) -> bool:
        """Whether a service has no feed for this listener, so that it must be looked at now and then."""
        return self._lost.is_set()

    def follow(self, feed: ChangeFeed, stop: threading.Event) -> None:
        """Begin to listen to a feed."""
        threading.Thread(target=self._listen, args=(feed, stop), name="scheduler-feed", daemon=True).start()

    def _listen(self, feed: ChangeFeed, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._heed(feed.wait(_LISTEN_REAL_S))
            except ClientError as error:
                self._lost.set()
                _log.warning("no_feed", reason=str(error), consequence="the service is looked at now and then instead")
                return


def matters(event: Event, own_cancellations: set[str]) -> bool:
    """Whether the world changed otherwise than by the scheduler's own doing.

    An own cancellation is forgotten when its news has come.
    """
    if event.kind == FEED_RESET:
        return True
    if event.kind == "observation.changed":
        if event.key in own_cancellations:
            own_cancellations.discard(event.key)
            return False
        return event.payload.get("state") not in _UNDER_WAY
    return event.kind not in _OWN_DOING


def is_rapid(event: Event) -> bool:
    """Whether rapid-response work was submitted."""
    return event.kind == "request_group.submitted" and event.payload.get("observation_type") == "RAPID_RESPONSE"
