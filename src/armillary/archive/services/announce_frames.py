"""Pipelines are told about every archived frame: at a message broker (AMQP), or at addresses of their own (webhooks).

The change feed is the outbox: it is written with the frame, in one transaction, and read here afterwards. For each
listener a place in it is kept, so one that is away for a day is told everything when it is back; what was handed over
when a process died may be told twice, never not at all.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Final

import httpx
import structlog

from armillary.archive.links import LinkMaker
from armillary.archive.models import Announced, Frame
from armillary.archive.rendering import rendered_versions
from armillary.archive.sky.words import wire_area
from armillary.configuration import Configuration, ConfigurationError
from armillary.platform.changes import changes_after, latest_cursor

KINDS: Final = ("frame.archived",)
SIGNATURE: Final = "X-Armillary-Signature"
"""Header of a webhook: ``sha256=`` and the HMAC of the body with the shared secret."""
_AT_A_TIME: Final = 200
_RETRIES: Final = {"max_retries": 2, "interval_start": 0.2, "interval_step": 0.5}
_TIMEOUT_S: Final = 5.0

log = structlog.get_logger(__name__)

Send = Callable[[str], object]
"""Hands one message over, or raises :class:`NotHeard`."""


class NotHeard(Exception):
    """A listener cannot be reached, or does not take a message; it is told later."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who wants to know."""

    name: str
    """Under which its place in the feed is kept."""
    opened: Callable[[], AbstractContextManager[Send]]


def announce_frames(settings: Configuration) -> int:
    """Tell every listener what was archived since the last time, and say how many messages were handed over.

    The first time nothing is told: announcing begins when it is switched on. A listener that does not hear holds up
    nobody else.

    Raises:
        ConfigurationError: The library for AMQP is needed and not installed.
    """
    return sum(_tell(listener) for listener in _listeners(settings))


def message_about(key: int) -> dict[str, Any] | None:
    """What is said about a frame: its header, and how to find and fetch it; ``None`` if it is gone."""
    frame = Frame.objects.select_related("headers").filter(pk=key).first()
    if frame is None:
        return None
    versions = rendered_versions({frame.pk: frame.basename}, LinkMaker.in_public()).get(frame.pk, [])
    area = wire_area(frame.area)
    said = {
        "area": None if area is None else json.dumps(area),
        "basename": frame.basename,
        "version_set": versions,
        "filename": frame.basename + versions[0]["extension"] if versions else None,
        "frameid": frame.pk,
    }
    return dict(frame.headers.data) | said


def _tell(listener: Listener) -> int:
    place, is_new = Announced.objects.get_or_create(exchange=listener.name, defaults={"cursor": latest_cursor(KINDS)})
    changes = [] if is_new else changes_after(place.cursor, kinds=KINDS, limit=_AT_A_TIME)
    if not changes:
        return 0
    told = 0
    try:
        with listener.opened() as send:
            for change in changes:
                if (message := message_about(int(change.key))) is not None:
                    send(json.dumps(message))
                    told += 1
                Announced.objects.filter(pk=place.pk).update(cursor=change.cursor)
    except NotHeard as error:
        log.warning("announcement_waits", listener=listener.name, reason=str(error))
    return told


def _listeners(settings: Configuration) -> Iterator[Listener]:
    if settings.archive_amqp_url is not None:
        address, exchange = settings.archive_amqp_url.get_secret_value(), settings.archive_amqp_exchange
        yield Listener(exchange, partial(_broker, address, exchange))
    for url in settings.archive_webhook_urls:
        secret = settings.archive_webhook_secret
        yield Listener(url, partial(_webhook, url, secret.get_secret_value() if secret else ""))


@contextmanager
def _broker(address: str, exchange: str) -> Iterator[Send]:
    try:
        kombu: Any = import_module("kombu")
    except ImportError as error:
        raise ConfigurationError("ARMILLARY_ARCHIVE_AMQP_URL is set, but the extra [amqp] is not installed") from error
    options = {"connect_timeout": _TIMEOUT_S, "transport_options": {"confirm_publish": True}}
    try:
        with kombu.Connection(address, **options) as connection:
            connection.ensure_connection(max_retries=1, timeout=_TIMEOUT_S)
            producer = connection.Producer(exchange=kombu.Exchange(exchange, type="fanout", durable=True))
            policy = {"retry": True, "retry_policy": _RETRIES, "delivery_mode": 2}
            yield partial(producer.publish, content_type="application/json", **policy)
    except (OSError, kombu.exceptions.KombuError, *kombu.Connection(address).connection_errors) as error:
        raise NotHeard(str(error) or repr(error)) from error


@contextmanager
def _webhook(url: str, secret: str) -> Iterator[Send]:
    with httpx.Client(timeout=_TIMEOUT_S) as http:

        def send(message: str) -> None:
            content = message.encode()
            digest = hmac.digest(secret.encode(), content, hashlib.sha256).hex()
            headers: Mapping[str, str] = {"Content-Type": "application/json", SIGNATURE: f"sha256={digest}"}
            try:
                http.post(url, content=content, headers=headers).raise_for_status()
            except httpx.HTTPError as error:
                raise NotHeard(str(error) or repr(error)) from error

        yield send
