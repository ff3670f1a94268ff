"""Measurements in JSON: where in a document what stands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from armillary.scheduler.monitors.model import Measurement, MonitorUnavailable


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the fields of one measurement; a dot leads into an object."""

    place: str = "telescope"
    value: str = "value"
    at: str = "time"
    reason: str = "reason"

    def measurement(self, document: Mapping[str, Any], source: str) -> Measurement:
        """The measurement in a document.

        Raises:
            MonitorUnavailable: Place, value or time are missing or malformed.
        """
        place, value, at = (_lookup(document, name) for name in (self.place, self.value, self.at))
        if not isinstance(place, str) or not place or value is None:
            raise MonitorUnavailable(
                f"{source} sent a measurement without {self.place!r} or {self.value!r}: it has {sorted(document)}"
            )
        return Measurement(place, value, moment(at, source), str(_lookup(document, self.reason) or ""))


def _lookup(document: Any, name: str) -> Any:
    if isinstance(document, Mapping) and name in document:
        return document[name]
    for part in name.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(part)
    return document


def moment(value: object, source: str) -> datetime:
    """A time as ISO 8601 text (UTC unless it says otherwise) or as unix seconds or milliseconds.

    Raises:
        MonitorUnavailable: It is none of these.
    """
    try:
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value / 1000.0 if value > 1e11 else value, UTC)
        parsed = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise MonitorUnavailable(f"{source} sent the time {value!r}; accepted are ISO 8601 and unix seconds") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def measurements(content: Any, fields: Fields, source: str) -> Iterator[Measurement]:
    """The measurements in a list, in an object's ``results``, or in an object by place.

    Raises:
        MonitorUnavailable: The content is something else.
    """
    if isinstance(content, Mapping) and isinstance(content.get("results"), list):
        content = content["results"]
    if isinstance(content, list):
        for each in content:
            if not isinstance(each, Mapping):
                raise MonitorUnavailable(f"{source} sent a list of something else than objects")
            yield fields.measurement(each, source)
        return
    if isinstance(content, Mapping) and all(isinstance(each, Mapping) for each in content.values()):
        for place, each in content.items():
            yield fields.measurement({fields.place: place, **each}, source)
        return
    raise MonitorUnavailable(f"{source} sent neither a list of measurements nor an object of them by place")
