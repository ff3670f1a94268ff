"""Pipelines that listen at a message broker (AMQP) are told about every archived frame.

The change feed is the outbox: it is written with the frame, in one transaction, and read here afterwards. A place in
it is kept, so a broker that is away for a day is told everything when it is back; what was handed over when a process
died may be told twice, never not at all.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any, Final

import structlog

from armillary.archive.links import LinkMaker
from armillary.archive.models import Announced, Frame
from armillary.archive.rendering import rendered_versions
from armillary.archive.sky.words import wire_area
from armillary.configuration import Configuration, ConfigurationError
from armillary.platform.changes import changes_after, latest_cursor

KINDS: Final = ("frame.archived",)
_AT_A_TIME: Final = 200
_RETRIES: Final = {"max_retries": 2, "interval_start": 0.2, "interval_step": 0.5}
_CONNECT_TIMEOUT_S: Final = 5.0

log = structlog.get_logger(__name__)


def announce_frames(settings: Configuration) -> int:
    """Hand what was archived since the last time over to the broker, and say how many frames that were.

    The first time nothing is handed over: announcing begins when it is switched on.

    Raises:
        OSError, kombu.exceptions.OperationalError: The broker cannot be reached; everything is told later.
        ConfigurationError: The library for AMQP is not installed.
    """
    if settings.archive_amqp_url is None:
        return 0
    place, is_new = Announced.objects.get_or_create(
        exchange=settings.archive_amqp_exchange, defaults={"cursor": latest_cursor(KINDS)}
    )
    changes = [] if is_new else changes_after(place.cursor, kinds=KINDS, limit=_AT_A_TIME)
    if not changes:
        return 0
    with _producer(settings.archive_amqp_url.get_secret_value(), place.exchange) as producer:
        for change in changes:
            if (message := message_about(int(change.key))) is not None:
                producer.publish(json.dumps(message), content_type="application/json", delivery_mode=2, retry=True,
                                 retry_policy=_RETRIES)  # fmt: skip
            Announced.objects.filter(pk=place.pk).update(cursor=change.cursor)
    return len(changes)


def message_about(key: int) -> dict[str, Any] | None:
    """What is said about a frame: its header, and how to find and fetch it; ``None`` if it is gone."""
    frame = Frame.objects.select_related("headers").filter(pk=key).first()
    if frame is None:
        return None
    versions = rendered_versions({frame.pk: frame.basename}, LinkMaker.in_public())[frame.pk]
    area = wire_area(frame.area)
    said = {
        "area": None if area is None else json.dumps(area),
        "basename": frame.basename,
        "version_set": [version | {"created": version["created"].isoformat()} for version in versions],
        "filename": frame.basename + versions[0]["extension"] if versions else None,
        "frameid": frame.pk,
    }
    return dict(frame.headers.data) | said


def _producer(url: str, exchange: str) -> Any:
    try:
        kombu: Any = import_module("kombu")
    except ImportError as error:
        raise ConfigurationError("ARMILLARY_ARCHIVE_AMQP_URL is set, but the extra [amqp] is not installed") from error
    return _Producer(
        kombu.Connection(url, connect_timeout=_CONNECT_TIMEOUT_S, transport_options={"confirm_publish": True}),
        kombu.Exchange(exchange, type="fanout", durable=True),
    )


class _Producer:
    """A connection to a broker with an exchange, open while messages are handed over."""

    def __init__(self, connection: Any, exchange: Any) -> None:
        self._connection = connection
        self._exchange = exchange

    def __enter__(self) -> Any:
        self._connection.ensure_connection(max_retries=1, timeout=_CONNECT_TIMEOUT_S)
        return self._connection.Producer(exchange=self._exchange)

    def __exit__(self, *error: object) -> None:
        self._connection.release()
