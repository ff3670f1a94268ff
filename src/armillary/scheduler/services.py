"""What the scheduler asks and tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from armillary.clients.configdb import ConfigDBClient
from armillary.clients.downtime import DowntimeClient
from armillary.clients.portal import PortalClient
from armillary.scheduler.monitors import Monitor


@dataclass(frozen=True, slots=True)
class Services:
    """The services that a scheduler works with, and its monitors."""

    portal: PortalClient
    """As an account that may see and schedule everything."""
    configdb: ConfigDBClient
    """What stands where."""
    downtime: DowntimeClient
    """When it cannot observe."""
    monitors: Sequence[Monitor] = ()
    """Weather, availability and seeing."""
