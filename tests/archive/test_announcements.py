"""Pipelines hear of every archived frame over AMQP, also after an outage of the broker.

The broker is the one that kombu (the AMQP library) keeps in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import kombu
import pytest
from pydantic import SecretStr
from rest_framework.test import APIClient

from armillary.archive.services.announce_frames import announce_frames
from armillary.configuration import Configuration, configuration

pytestmark = pytest.mark.django_db(transaction=True)


def _settings(url: str | None) -> Configuration:
    secret = None if url is None else SecretStr(url)
    return configuration().model_copy(update={"archive_amqp_url": secret})


@pytest.fixture
def heard() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What a pipeline has heard since the last call."""
    with kombu.Connection("memory://") as connection:
        queue = kombu.Queue("pipeline", kombu.Exchange("archived_fits", type="fanout"))(connection.channel())
        queue.declare()

        def new() -> list[dict[str, Any]]:
            messages = iter(lambda: queue.get(no_ack=True), None)
            return [json.loads(message.body) for message in messages]

        yield new
        queue.delete()


def test_a_pipeline_hears_what_the_spec_says_of_each_frame_once(
    web: APIClient, record: Callable[..., dict[str, Any]], heard: Callable[[], list[dict[str, Any]]]
) -> None:
    settings = _settings("memory://")
    web.post("/frames/", record())
    assert announce_frames(settings) == 0  # announcing begins when it is switched on
    square = [[350.0, 10.0], [351.0, 10.0], [351.0, 11.0], [350.0, 11.0], [350.0, 10.0]]
    body = record(headers={"OBJECT": "M42", "EXPTIME": 30.0}, area={"type": "Polygon", "coordinates": [square]})
    frame = web.post("/frames/", body).json()
    web.post("/frames/", record(version_set=[]))  # without data there is nothing to say
    assert announce_frames(settings) == 1
    assert announce_frames(settings) == 0
    (message,) = heard()
    assert set(message) == {"OBJECT", "EXPTIME", "area", "basename", "version_set", "filename", "frameid"}
    assert (message["OBJECT"], message["frameid"], message["basename"]) == ("M42", frame["id"], body["basename"])
    assert message["filename"] == f"{body['basename']}.fits.fz"
    assert json.loads(message["area"])["coordinates"][0][0] == [-10.0, 10.0]
    assert message["version_set"][0]["md5"] == body["version_set"][0]["md5"]


def test_an_outage_of_the_broker_loses_nothing(
    web: APIClient, record: Callable[..., dict[str, Any]], heard: Callable[[], list[dict[str, Any]]]
) -> None:
    announce_frames(_settings("memory://"))
    names = [web.post("/frames/", record()).json()["basename"] for _ in range(3)]
    with pytest.raises((OSError, kombu.exceptions.OperationalError)):
        announce_frames(_settings("amqp://guest:guest@127.0.0.1:9//"))
    assert heard() == []
    assert announce_frames(_settings("memory://")) == 3
    assert [message["basename"] for message in heard()] == names


def test_without_a_broker_nothing_is_done() -> None:
    assert announce_frames(_settings(None)) == 0
