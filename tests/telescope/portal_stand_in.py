"""A small portal that speaks the part of the reference's wire that a telescope uses, on a real port.

It stands for somebody else's portal (the wire is in the specification, sections 1.6 and 1.9), so that the agent is
tested against the wire and not against our own portal; the journeys run it against ours.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from armillary.clients.portal import PortalClient
from armillary.clients.transport import connect

_FINAL = {"COMPLETED", "FAILED", "NOT_ATTEMPTED", "ABORTED"}


class PortalStandIn:
    """Holds observations, takes reports, and can go away and come back."""

    def __init__(self) -> None:
        self.observations: dict[int, dict[str, Any]] = {}
        self.last_scheduled = "2026-11-23T12:00:00Z"
        self.reports: list[tuple[int, dict[str, Any]]] = []
        """Every PATCH that arrived: (configuration status, body)."""
        self.requests = 0
        self.refuse_reports_with: int | None = None
        self.broken_statuses: set[int] = set()
        """Configuration statuses whose reports meet a fault inside the portal."""
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    def start(self) -> None:
        """Answer (again, on the same port)."""
        handler = type("Handler", (_Handler,), {"portal": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Go away: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def client(self) -> PortalClient:
        """A client of it."""
        return PortalClient(connect("portal", token="telescope", url=f"http://127.0.0.1:{self._port}", timeout_s=2.0))

    def schedule(self, *observations: dict[str, Any]) -> None:
        """Put observations on the schedule."""
        self.observations |= {each["id"]: each for each in observations}
        self.last_scheduled = f"2026-11-23T12:00:{len(self.observations):02d}Z"

    def states(self, observation: int) -> list[str]:
        """The states of an observation's configurations."""
        configurations = self.observations[observation]["request"]["configurations"]
        return [each["state"] for each in configurations]

    def summary(self, status: int) -> dict[str, Any]:
        """The summary of a configuration status."""
        return self._status(status)["summary"]

    def said(self, status: int) -> list[str]:
        """The states that were reported for a configuration status, in order of arrival."""
        return [body["state"] for number, body in self.reports if number == status and "state" in body]

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """The answer to a request."""
        self.requests += 1
        parts = [part for part in path.split("/") if part]
        if parts[1] == "last_scheduled":
            return 200, {"last_schedule_time": self.last_scheduled}
        if parts[1] == "schedule":
            return 200, self._listed(query)
        if parts[1] == "observations":
            found = self.observations.get(int(parts[2]))
            return (404, {"detail": "Not found."}) if found is None else (200, {"state": found["state"]})
        if parts[1] == "configurationstatus" and method == "PATCH":
            return self._report(int(parts[2]), body)
        return 404, {"detail": "Not found."}

    def _listed(self, query: dict[str, list[str]]) -> dict[str, Any]:
        states = query.get("state", [])
        after = query.get("start_after", [""])[0]
        found = [each for each in self.observations.values() if each["state"] in states and each["start"] >= after]
        return {"count": len(found), "next": None, "previous": None, "results": found}

    def _report(self, number: int, body: dict[str, Any]) -> tuple[int, Any]:
        if self.refuse_reports_with is not None:
            return self.refuse_reports_with, {"detail": "no"}
        if number in self.broken_statuses:
            return 500, {"detail": "a fault"}
        self.reports.append((number, body))
        status = self._status(number)
        if "state" in body and status["state"] not in _FINAL:
            status["state"] = body["state"]
        if "summary" in body:
            status["summary"] = body["summary"]
        self._derive(number)
        return 200, {"id": number, "state": status["state"]}

    def _derive(self, number: int) -> None:
        """State of the observation (specification 5.2, as far as telescopes can bring it about)."""
        owner = next(each for each in self.observations.values() if self._holds(each, number))
        if owner["state"] not in {"PENDING", "IN_PROGRESS"}:
            return
        states = {each["state"] for each in owner["request"]["configurations"]}
        if states == {"NOT_ATTEMPTED"}:
            owner["state"] = "NOT_ATTEMPTED"
        elif states <= {"PENDING", "NOT_ATTEMPTED"}:
            owner["state"] = "PENDING"
        elif states <= {"PENDING", "ATTEMPTED"} and "ATTEMPTED" in states:
            owner["state"] = "IN_PROGRESS"
        elif states & {"FAILED", "NOT_ATTEMPTED"}:
            owner["state"] = "FAILED"
        elif states == {"COMPLETED"}:
            owner["state"] = "COMPLETED"
            self._cancel_others_of(owner["request"]["id"])

    def _cancel_others_of(self, request: int) -> None:
        """A completed request needs no more observations (specification 5.5)."""
        for each in self.observations.values():
            if each["request"]["id"] == request and each["state"] == "PENDING":
                each["state"] = "CANCELED"

    def _status(self, number: int) -> dict[str, Any]:
        return next(
            each
            for observation in self.observations.values()
            for each in observation["request"]["configurations"]
            if each["configuration_status"] == number
        )

    @staticmethod
    def _holds(observation: dict[str, Any], number: int) -> bool:
        return any(each["configuration_status"] == number for each in observation["request"]["configurations"])


class _Handler(BaseHTTPRequestHandler):
    portal: PortalStandIn

    def do_GET(self) -> None:
        self._answer(None)

    def do_PATCH(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        address = urlsplit(self.path)
        status, answer = self.portal.answer(self.command, address.path, parse_qs(address.query), body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""
