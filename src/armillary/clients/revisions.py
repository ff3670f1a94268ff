"""What a service in this process holds, asked for again only when it has changed.

Over the network a client asks anew each time, and an ETag spares the answer. In one process even the question costs
more than the rest of a validation does; there the service says by one small query whether anything has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar, cast

from armillary.clients.transport import Service
from armillary.configuration import Component, configuration

T = TypeVar("T")
_MOST_KEPT: Final = 64

_revisions: dict[Service, Callable[[], str]] = {}
_kept: dict[Hashable, tuple[str, Any]] = {}
_lock = threading.Lock()


def provide_revision(service: Service, current: Callable[[], str]) -> None:
    """Tell clients in this process how a service that runs here says whether it has changed.

    Args:
        service: The service.
        current: Gives a text that is another one after every change; empty for a service that cannot tell.
    """
    _revisions[service] = current


def unless_changed(service: Service, key: Hashable, read: Callable[[], T]) -> T:
    """What was read from a service before, if it has not changed since; else what is read now.

    Args:
        service: The service.
        key: What is read.
        read: Reads it. The result is shared by all who ask, and must not be changed.

    Raises:
        ServiceUnavailable: It cannot be read. An old copy is never given instead.
    """
    settings = configuration()
    if service not in _revisions or not settings.runs(Component(service)) or settings.url_of(service) is not None:
        return read()
    # The revision is that before reading: what changes meanwhile is read again the next time.
    revision = _revisions[service]()
    known = _kept.get((service, key))
    if known is not None and known[0] == revision:
        return cast("T", known[1])
    found = read()
    if revision:
        with _lock:
            _kept.pop((service, key), None)
            while len(_kept) >= _MOST_KEPT:
                _kept.pop(next(iter(_kept)))
            _kept[service, key] = (revision, found)
    return found
