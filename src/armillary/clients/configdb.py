"""The configuration database: what the observatory owns."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from armillary.clients.reasons import because
from armillary.clients.transport import expecting
from armillary.core.observatory import Observatory

Json = dict[str, Any]
_NOT_MODIFIED: Final = 304

_snapshots: dict[str, tuple[str, Observatory]] = {}
_lock = threading.Lock()


class ConfigDBClient:
    """Reads and changes the configuration database; see :func:`armillary.clients.transport.connect`."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def observatory(self) -> Observatory:
        """Everything the observatory owns, as one snapshot.

        It is asked for anew each time, but sent and decoded only when it has changed (ETag).

        Raises:
            ServiceUnavailable: It cannot be read. An old copy is never given instead.
            UnexpectedAnswer: What was read is not an observatory.
        """
        address = str(self._http.base_url)
        known = _snapshots.get(address)
        answer = self._http.get("sites/", headers={"If-None-Match": known[0]} if known else {})
        if answer.status_code == _NOT_MODIFIED and known:
            return known[1]
        etag = answer.headers.get("ETag", "")
        with expecting("configdb"):
            observatory = Observatory.from_sites(answer.json()["results"], etag=etag)
        if etag:
            with _lock:
                _snapshots[address] = (etag, observatory)
        return observatory

    def sites(self) -> list[Json]:
        """All sites with everything on them, as on the wire."""
        return self.list("sites")

    def instruments(self, **filters: Any) -> list[Json]:
        """Instruments, as on the wire."""
        return self.list("instruments", **filters)

    def list(self, resource: str, **filters: Any) -> list[Json]:
        """All objects of a resource (``telescopes``, ``cameras`` ...) that the filters leave; pages are followed."""
        found: list[Json] = []
        address: str | None = f"{resource}/"
        parameters: Mapping[str, Any] | None = filters
        while address:
            answer = self._http.get(address, params=parameters)
            with expecting("configdb"):
                body = answer.json()
                found += body["results"]
                address, parameters = body["next"], None
        return found

    def get(self, resource: str, key: int | str) -> Json:
        """One object."""
        return dict(self._http.get(f"{resource}/{key}/").json())

    def create(self, resource: str, body: Mapping[str, Any]) -> Json:
        """Make an object."""
        return dict(self._http.post(f"{resource}/", json=dict(body)).json())

    def update(self, resource: str, key: int | str, body: Mapping[str, Any], *, reason: str = "") -> Json:
        """Change what the body names of an object; the reason is kept in its history."""
        return dict(self._http.patch(f"{resource}/{key}/", json=dict(body), headers=because(reason)).json())

    def history(self, resource: str, key: int | str) -> Sequence[Json]:
        """Every version of an object, newest first: ``at``, ``action``, ``by``, ``reason``, ``changes``, ``values``."""
        return self.list(f"{resource}/{key}/history")

    def revert(self, resource: str, key: int | str, version: int, *, reason: str = "") -> Json:
        """Make an object what it was in one of its versions."""
        address = f"{resource}/{key}/history/{version}/revert/"
        return dict(self._http.post(address, headers=because(reason)).json())

    def delete(self, resource: str, key: int | str) -> None:
        """Remove an object that nothing uses."""
        self._http.delete(f"{resource}/{key}/")
