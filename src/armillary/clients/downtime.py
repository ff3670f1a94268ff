"""The downtime database: when telescopes cannot be used."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict

from armillary.clients.reasons import because
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
    series: str = ""
    """What was declared together; empty for one alone."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What was made or changed."""

    downtimes: tuple[Downtime, ...]
    warnings: tuple[str, ...]
    """Which others these overlap."""


Downtimes = list[Downtime]
_NOT_MODIFIED: Final = 304
_KEPT_ANSWERS: Final = 16
_PER_PAGE: Final = 10_000

_answers: dict[tuple[str, str], tuple[str, tuple[Downtime, ...]]] = {}
"""By address and first day: the version that was sent last, and what was in it."""
_lock = threading.Lock()


class DowntimeClient:
    """Reads and changes the downtime database; see :func:`armillary.clients.transport.connect`."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def list(self, **filters: Any) -> Downtimes:
        """Downtimes that the filters leave (``ends_after``, ``starts_before``, ``site``, ...); pages are followed.

        Raises:
            ServiceUnavailable: They cannot be read; that is never the same as there being none.
        """
        parameters = {name: _wire(value) for name, value in filters.items()} | {"limit": _PER_PAGE}
        return self._pages(self._http.get("api/", params=parameters))

    def _pages(self, answer: httpx.Response) -> Downtimes:
        found: Downtimes = []
        while True:
            with expecting("downtime"):
                body = answer.json()
                found += [Downtime.model_validate(each) for each in body["results"]]
                address: str | None = body["next"]
            if not address:
                return found
            answer = self._http.get(address)

    def ending_after(self, moment: datetime) -> Downtimes:
        """Downtimes that end after a time; asked for anew each time, but sent and decoded only when they have changed.

        Raises:
            ServiceUnavailable: They cannot be read. An old copy is never given instead.
        """
        day = _wire(moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
        key = (str(self._http.base_url), day)
        known = _answers.get(key)
        headers = {"If-None-Match": known[0]} if known else {}
        answer = self._http.get("api/", params={"ends_after": day, "limit": _PER_PAGE}, headers=headers)
        if answer.status_code == _NOT_MODIFIED and known:
            return [downtime for downtime in known[1] if downtime.end > moment]
        found = tuple(self._pages(answer))
        if etag := answer.headers.get("ETag", ""):
            _keep(key, etag, found)
        return [downtime for downtime in found if downtime.end > moment]

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

    def declare(self, **fields: Any) -> Declared:
        """Declare downtimes: ``*`` as telescope or enclosure means all of them, ``recurrence`` is a rule (RFC 5545).

        Raises:
            RequestRefused: A rule is broken; ``detail`` has the sentences by field.
        """
        return self._declared(self._http.post("api/", json={name: _wire(value) for name, value in fields.items()}))

    def get(self, downtime_id: int) -> Downtime:
        """One downtime."""
        return self._one(self._http.get(f"api/{downtime_id}/"))

    def update(self, downtime_id: int, *, why: str = "", **fields: Any) -> Declared:
        """Change what is named of a downtime; why is kept in its history, and needed for what is over."""
        body = {name: _wire(value) for name, value in fields.items()}
        return self._declared(self._http.patch(f"api/{downtime_id}/", json=body, headers=because(why)))

    def history(self, downtime_id: int) -> Sequence[dict[str, Any]]:
        """Its last versions, newest first: ``at``, ``action``, ``by``, ``reason``, ``changes``, ``values``."""
        with expecting("downtime"):
            return list(self._http.get(f"api/{downtime_id}/history/").json()["results"])

    @staticmethod
    def _declared(answer: httpx.Response) -> Declared:
        with expecting("downtime"):
            body = answer.json()
            members = [Downtime.model_validate(each) for each in body.get("members", [body])]
            return Declared(tuple(members), tuple(body.get("warnings", ())))

    def delete(self, downtime_id: int, *, series: bool = False, why: str = "") -> None:
        """Withdraw a downtime, or all of its series that are not over."""
        parameters = {"series": "true"} if series else {}
        self._http.delete(f"api/{downtime_id}/", params=parameters, headers=because(why))

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


def _keep(key: tuple[str, str], etag: str, found: tuple[Downtime, ...]) -> None:
    with _lock:
        _answers.pop(key, None)
        while len(_answers) >= _KEPT_ANSWERS:
            _answers.pop(next(iter(_answers)))
        _answers[key] = (etag, found)


def _wire(value: Any) -> Any:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
