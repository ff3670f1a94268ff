"""Monitors from a file: a list of objects that name a kind and its arguments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from armillary.scheduler.monitors.decoding import Fields
from armillary.scheduler.monitors.http_json import HttpJsonMonitor
from armillary.scheduler.monitors.model import Interpretation, Monitor

ENTRY_POINT: Final = "armillary.monitors"


class MonitorsInvalid(ValueError):
    """The file of the monitors is wrong; the message says where and what would be accepted."""


def monitors_from(path: Path) -> list[Monitor]:
    """The monitors that a JSON file lists.

    Each is an object with ``type`` (``http``, ``mqtt``, ``opensearch``, ``simulated``, or the name of an entry
    point in ``armillary.monitors``) and the arguments of its class; ``fields``, ``kind`` and ``longest_age_s``
    say how to read it.

    Raises:
        MonitorsInvalid: The file cannot be read, or a monitor cannot be made.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MonitorsInvalid(f"the file of the monitors, {path}, cannot be read: {error}") from error
    if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
        raise MonitorsInvalid(f"{path} must hold a list of objects, one for each monitor")
    return [_monitor(each, f"monitor {number} in {path}") for number, each in enumerate(content, 1)]


def _monitor(document: Mapping[str, Any], where: str) -> Monitor:
    arguments = dict(document)
    name = str(arguments.pop("type", ""))
    factories = _factories()
    if name not in factories:
        raise MonitorsInvalid(f"{where} is of type {name!r}; there are {', '.join(sorted(factories))}")
    try:
        return factories[name](arguments)
    except (TypeError, ValueError, ImportError) as error:
        raise MonitorsInvalid(f"{where} ({name}) cannot be made: {error}") from error


def _factories() -> dict[str, Callable[[dict[str, Any]], Monitor]]:
    found: dict[str, Callable[[dict[str, Any]], Monitor]] = {
        each.name: lambda arguments, each=each: each.load()(**arguments)  # type: ignore[misc]  # bound early on purpose
        for each in entry_points(group=ENTRY_POINT)
    }
    return found | {"http": _http, "mqtt": _mqtt, "opensearch": _opensearch, "simulated": _simulated}


def _reading(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that all kinds share, taken out of the others."""
    interpretation = Interpretation(
        kind=arguments.pop("kind", "availability"), longest_age=timedelta(seconds=arguments.pop("longest_age_s", 900))
    )
    fields = arguments.pop("fields", None)
    return {"interpretation": interpretation} | ({} if fields is None else {"fields": Fields(**fields)})


def _http(arguments: dict[str, Any]) -> Monitor:
    return HttpJsonMonitor(**_reading(arguments), **arguments)


def _mqtt(arguments: dict[str, Any]) -> Monitor:
    from armillary.scheduler.monitors.mqtt import MqttMonitor

    return MqttMonitor(**_reading(arguments), **arguments)


def _opensearch(arguments: dict[str, Any]) -> Monitor:
    from armillary.scheduler.monitors.opensearch import OpenSearchMonitor

    return OpenSearchMonitor(**_reading(arguments), **arguments)


def _simulated(arguments: dict[str, Any]) -> Monitor:
    from armillary.scheduler.monitors.simulated import SimulatedMonitor
    from armillary.scheduler.simulation.weather import Weather

    sites, seed = arguments.pop("sites"), arguments.pop("seed", 0)
    return SimulatedMonitor(sites, Weather(**arguments), seed)
