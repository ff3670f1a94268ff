"""What the agent owes to others: reports to the portal, frames to the archive; in order, until it is taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from armillary import clock
from armillary.clients.errors import RequestRefused, ServiceUnavailable
from armillary.clients.portal import PortalClient
from armillary.core.observations.model import Summary
from armillary.telescope.journal import Journal, Report

_log = structlog.get_logger(__name__)
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
_AN_OUTAGE: Final = 2
_ASK_AGAIN: Final = frozenset({401, 403, 408, 425, 429})
"""Refusals that an operator or time can cure: a wrong token, too many requests."""

Ingest = Callable[[Path], object]
"""Hands one file to the archive. Raises :class:`ServiceUnavailable` if it should be tried again later, and
:class:`ValueError` or :class:`RequestRefused` if the archive will never take it."""


class Delivery:
    """Empties the journal's two queues."""

    def __init__(self, *, portal: PortalClient, ingest: Ingest, journal: Journal) -> None:
        self._portal = portal
        self._ingest = ingest
        self._journal = journal
        self._reports = _Patience()
        self._frames = _Patience()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is owed to anybody."""
        return self._journal.next_report() is None and self._journal.next_frame() is None

    def deliver(self, now: datetime) -> None:
        """Deliver every report and one frame, as far as their receivers are there."""
        if self._reports.allows(now):
            self._report(now)
        if self._frames.allows(now) and (path := self._journal.next_frame()) is not None:
            self._hand_over(path, now)

    def next_time(self, now: datetime) -> datetime | None:
        """When there is something to try again; None if nothing is owed."""
        times = []
        if self._journal.next_report() is not None:
            times.append(self._reports.until or now)
        if self._journal.next_frame() is not None:
            times.append(self._frames.until or now)
        return min(times, default=None)

    def _report(self, now: datetime) -> None:
        """Send reports in order; one that fails holds up its own configuration, two that fail are an outage."""
        held: list[int] = []
        while len(held) < _AN_OUTAGE and (report := self._journal.next_report(held)) is not None:
            if not self._send(report):
                held.append(report.status)
        if held:
            self._reports.failed(now)
        else:
            self._reports.succeeded()

    def _send(self, report: Report) -> bool:
        """Whether the portal has answered for good."""
        try:
            self._portal.patch_configuration_status(report.status, **_arguments(report.body))
        except ServiceUnavailable as error:
            _log.warning("report_waits", configuration_status=report.status, reason=str(error))
            return False
        except RequestRefused as error:
            if error.status in _ASK_AGAIN:
                _log.error("report_waits", configuration_status=report.status, reason=str(error))
                return False
            self._journal.report_refused(report.sequence, str(error))
            _log.error("report_refused", configuration_status=report.status, reason=str(error))
        else:
            self._journal.report_delivered(report.sequence)
        return True

    def _hand_over(self, path: Path, now: datetime) -> None:
        try:
            self._ingest(path)
        except ServiceUnavailable as error:
            self._frames.failed(now)
            _log.warning("frame_waits", path=str(path), reason=str(error))
        except (RequestRefused, ValueError) as error:
            if isinstance(error, RequestRefused) and error.status in _ASK_AGAIN:
                self._frames.failed(now)
                _log.error("frame_waits", path=str(path), reason=str(error))
                return
            self._journal.frame_refused(path, str(error))
            _log.error("frame_refused", path=str(path), reason=str(error))
        else:
            self._journal.frame_delivered(path)
            self._frames.succeeded()


class _Patience:
    """Waits longer after every failure; the waits are real seconds, whatever the speed of the observatory's clock."""

    def __init__(self) -> None:
        self._failures = 0
        self.until: datetime | None = None

    def allows(self, now: datetime) -> bool:
        return self.until is None or now >= self.until

    def failed(self, now: datetime) -> None:
        wait_s = min(_FIRST_WAIT_S * 2**self._failures, _LONGEST_WAIT_S)
        self._failures += 1
        self.until = now + timedelta(seconds=wait_s * max(clock.speed(), 1.0))

    def succeeded(self) -> None:
        self._failures = 0
        self.until = None


def _arguments(body: dict[str, Any]) -> dict[str, Any]:
    """The client's arguments for a report as the journal keeps it."""
    arguments = dict(body)
    if "summary" in arguments:
        arguments["summary"] = Summary.model_validate(arguments["summary"])
    for key in ("end", "exposures_start_at"):
        if key in arguments:
            arguments[key] = datetime.fromisoformat(arguments[key])
    return arguments
