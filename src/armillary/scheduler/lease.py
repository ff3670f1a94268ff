"""Being the one scheduler: a lease with a fence from the portal, and a lock on the directory of the runs."""

from __future__ import annotations

import fcntl
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog

from armillary import clock
from armillary.clients.errors import RequestRefused
from armillary.clients.portal import LeaseHeld, PortalClient

_log = structlog.get_logger(__name__)
_NOT_FOUND: Final = 404
_RENEWED_AFTER: Final = 1.0 / 3.0
"""Share of the lease after which it is renewed while there is nothing else to do."""


class DirectoryTaken(RuntimeError):
    """Another scheduler on this machine uses the same directory."""


class LeaseKeeper:
    """Takes and renews the lease.

    A holder's name lasts as long as its directory, so that a scheduler that was killed goes on at once where it was.

    Args:
        portal: Who gives it.
        directory: Where the holder's name is kept.
        real_s: Real seconds to take it for.
    """

    def __init__(self, portal: PortalClient, directory: Path, real_s: float) -> None:
        self._portal = portal
        self._directory = directory
        self._real_s = real_s
        self._taken_at: float | None = None
        self._is_known = True
        self._holder: str | None = None
        self.fence: int | None = None
        """Goes with every publication; None where the portal knows no leases."""

    @property
    def holder(self) -> str:
        """The name under which the lease is taken."""
        if self._holder is None:
            self._holder = _name_kept_in(self._directory)
        return self._holder

    def take(self) -> None:
        """Take the lease, or renew it.

        Raises:
            LeaseHeld: Another scheduler has it.
            ClientError: The portal cannot be reached or refuses.
        """
        if not self._is_known:
            return
        try:
            lease = self._portal.take_lease(self.holder, self._real_s * max(clock.speed(), 1.0))
        except LeaseHeld:
            self._taken_at = None
            raise
        except RequestRefused as error:
            if error.status != _NOT_FOUND:
                raise
            _log.info("no_lease", consequence="this portal does not know leases: run one scheduler only")
            self._is_known = False
            return
        self.fence, self._taken_at = lease.fence, time.monotonic()

    def keep(self) -> None:
        """Renew the lease if it is time for that; a lost one is noticed at the next run."""
        if self._taken_at is None or time.monotonic() - self._taken_at < _RENEWED_AFTER * self._real_s:
            return
        try:
            self.take()
        except LeaseHeld as error:
            _log.warning("lease_lost", reason=str(error.detail))

    def give_back(self) -> None:
        """Let another scheduler take over at once."""
        if self._taken_at is not None:
            self._taken_at = None
            self._portal.take_lease(self.holder, 0.0)


def _name_kept_in(directory: Path) -> str:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "holder"
    if not path.exists():
        partial = path.with_name(f"holder.{os.getpid()}.part")
        partial.write_text(f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}", encoding="utf-8")
        partial.replace(path)
    return path.read_text(encoding="utf-8").strip()[:200]


@contextmanager
def sole_user(directory: Path) -> Iterator[None]:
    """Be the only process that schedules from a directory; the system ends it with the process.

    Raises:
        DirectoryTaken: Another process does.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DirectoryTaken(
                f"another scheduler runs from {directory}; stop it, or give this one another ARMILLARY_DATA_DIRECTORY"
            ) from error
        yield
