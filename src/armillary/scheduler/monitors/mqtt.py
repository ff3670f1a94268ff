from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from armillary import clock
from armillary.scheduler.monitors.decoding import Fields
from armillary.scheduler.monitors.model import Conditions, Interpretation, Measurement, MonitorUnavailable

if TYPE_CHECKING:
    from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

_FIRST_MESSAGE_S: Final = 5.0
_GRACE: Final = timedelta(seconds=60)


class MqttMonitor:
    """Follows topics of an MQTT broker; needs the extra ``armillary[mqtt]``.

    A message is a JSON object as :class:`Fields` describes it, or a bare value; then the last levels of the topic name
    the place (``weather/exh/doma/0m6a`` under the subscription ``weather/#`` is ``exh.doma.0m6a``) and the time is that
    of its arrival. Publish retained messages, so that a scheduler that starts knows at once.

    Args:
        host: Of the broker.
        topic: Subscription, with wildcards.
        port: Of the broker.
        user: If the broker wants one.
        password: Of the user.
        tls: Whether to encrypt.
        fields: What the fields are called.
        interpretation: What they mean.
    """

    def __init__(
        self,
        host: str,
        topic: str,
        *,
        port: int = 1883,
        user: str | None = None,
        password: str | None = None,
        tls: bool = False,
        fields: Fields | None = None,
        interpretation: Interpretation | None = None,
    ) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self._name = f"the MQTT broker {host}:{port}, topic {topic}"
        self._topic = topic
        self._fields = fields or Fields()
        self._interpretation = interpretation or Interpretation()
        self._known: dict[str, Measurement] = {}
        self._refused: str | None = None
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        if user is not None:
            self._client.username_pw_set(user, password)
        if tls:
            self._client.tls_set()
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect_async(host, port)
        self._client.loop_start()

    def read(self, now: datetime) -> Conditions:
        """What was last published on each topic."""
        if not self._arrived.wait(_FIRST_MESSAGE_S) and not self._client.is_connected():
            raise MonitorUnavailable(f"{self._name} cannot be reached")
        with self._lock:
            if self._refused is not None:
                raise MonitorUnavailable(self._refused)
            known = list(self._known.values())
        if not known:
            raise MonitorUnavailable(f"{self._name} has nothing to tell yet; publish retained messages")
        if not self._client.is_connected() and all(now - each.at > _GRACE for each in known):
            raise MonitorUnavailable(f"{self._name} is not connected any more")
        return self._interpretation.conditions(known, now)

    def close(self) -> None:
        """Stop following."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, _code: ReasonCode, _properties: Properties | None
    ) -> None:
        client.subscribe(self._topic)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            measurement = self._measurement(message.topic, message.payload)
        except MonitorUnavailable as error:
            with self._lock:
                self._refused = str(error)
        else:
            with self._lock:
                self._refused = None
                self._known[message.topic] = measurement
        self._arrived.set()

    def _measurement(self, topic: str, payload: bytes | bytearray) -> Measurement:
        try:
            content = json.loads(payload)
        except ValueError:
            content = payload.decode("utf-8", "replace").strip()
        if isinstance(content, dict):
            return self._fields.measurement({self._fields.place: self._place(topic), **content}, self._name)
        return Measurement(self._place(topic), content, clock.now())

    def _place(self, topic: str) -> str:
        """The levels of the topic below the part of the subscription without wildcards."""
        fixed = self._topic.split("/")
        for number, level in enumerate(fixed):
            if level in {"#", "+"}:
                return ".".join(topic.split("/")[number:])
        return topic.rsplit("/", 1)[-1]
