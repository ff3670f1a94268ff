"""What the sky and the telescopes are like now: weather, availability and seeing, from whoever measures them.

A monitor answers one question, :meth:`Monitor.read`. Implementations for JSON over HTTP, MQTT, OpenSearch and the
simulator come with Armillary; others are found by the entry point ``armillary.monitors``.
"""

from armillary.scheduler.monitors.configured import monitors_from
from armillary.scheduler.monitors.model import Closure, Conditions, Monitor, MonitorUnavailable, Seeing, read_all

__all__ = ["Closure", "Conditions", "Monitor", "MonitorUnavailable", "Seeing", "monitors_from", "read_all"]
