"""The downtime database: when telescopes cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict

from armillary.clients.transport import expecting


class Downtime(BaseModel):
    """A stretch of time in which a telescope, or one kind of instrument on it, cannot be used; half-open."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: int
    start: AwareDatetime
    end: AwareDatetime
    site: str
    enclosure: str
    telescope: str
    instrument_type: str = ""
    """Empty: the whole telescope."""
    reason: str = ""


class DowntimeClient:
    """Reads and changes the downtime database; see :func:`armillary.clients.transport.connect`."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def list(self, **filters: Any) -> list[Downtime]:
        """Downtimes that the filters leave (``ends_after``, ``starts_before``, ``site``, ...); pages are followed.

        Raises:
            ServiceUnavailable: They cannot be read; that is never the same as there being none.
        """
        found: list[Downtime] = []
        address: str | None = "api/"
        parameters: Mapping[str, Any] | None = {name: _wire(value) for name, value in filters.items()} | {
            "limit": 10_000
        }
        while address:
            answer = self._http.get(address, params=parameters)
            with expecting("downtime"):
                body = answer.json()
                found += [Downtime.model_validate(each) for each in body["results"]]
                address, parameters = body["next"], None
        return found

    def create(
        self,
        *,
        start: datetime,
        end: datetime,
        site: str,
        enclosure: str,
        telescope: str,
        instrument_type: str = "",
        reason: str = "",
    ) -> Downtime:
        """Declare a downtime."""
        body = {
            "start": _wire(start),
            "end": _wire(end),
            "site": site,
            "enclosure": enclosure,
            "telescope": telescope,
            "instrument_type": instrument_type,
            "reason": reason,
        }
        return self._one(self._http.post("api/", json=body))

    def update(self, downtime_id: int, **fields: Any) -> Downtime:
        """Change what is named of a downtime."""
        body = {name: _wire(value) for name, value in fields.items()}
        return self._one(self._http.patch(f"api/{downtime_id}/", json=body))

    def delete(self, downtime_id: int) -> None:
        """Withdraw a downtime."""
        self._http.delete(f"api/{downtime_id}/")

    def cancel_by_reason(self, *, site: str, enclosure: str, telescope: str, reason: str) -> bool:
        """Withdraw the one downtime of a telescope with exactly this reason; whether there was exactly one."""
        found = self.list(site=site, enclosure=enclosure, telescope=telescope, reason_exact=reason)
        if len(found) != 1:
            return False
        self.delete(found[0].id)
        return True

    @staticmethod
    def _one(answer: httpx.Response) -> Downtime:
        with expecting("downtime"):
            return Downtime.model_validate(answer.json())


def _wire(value: Any) -> Any:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
