from __future__ import annotations

from datetime import datetime
from typing import Final

import httpx

from armillary.scheduler.monitors.decoding import Fields, measurements
from armillary.scheduler.monitors.model import Conditions, Interpretation, MonitorUnavailable

_TIMEOUT_S: Final = 10.0


class HttpJsonMonitor:
    """Reads measurements from a JSON document on a web server.

    The document is a list of objects, an object with such a list as ``results``, or one object per place.

    Args:
        url: Where.
        fields: What the fields are called.
        interpretation: What they mean.
        headers: Sent along, for example for authentication.
        transport: How to reach it; for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        fields: Fields | None = None,
        interpretation: Interpretation | None = None,
        headers: dict[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url
        self._fields = fields or Fields()
        self._interpretation = interpretation or Interpretation()
        self._http = httpx.Client(timeout=_TIMEOUT_S, headers=headers or {}, follow_redirects=True, transport=transport)

    def read(self, now: datetime) -> Conditions:
        """What it is like now."""
        try:
            answer = self._http.get(self._url)
            answer.raise_for_status()
            content = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise MonitorUnavailable(f"the monitor at {self._url} cannot be read: {error}") from error
        return self._interpretation.conditions(measurements(content, self._fields, self._url), now)
