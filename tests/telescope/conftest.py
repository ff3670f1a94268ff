"""A telescope, and a portal of the reference's wire to work for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from armillary import clock
from armillary.core.observatory import Observatory
from armillary.telescope.agent import TelescopeAgent
from armillary.telescope.drivers.simulator import Simulator

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def observatory(examples: Path) -> Observatory:
    """One site, one 0.6 m telescope, an imager and a spectrograph."""
    content = json.loads((examples / "small_observatory.json").read_text(encoding="utf-8"))
    return Observatory.from_sites(content["results"])


@pytest.fixture(scope="session")
def network(examples: Path) -> Observatory:
    """Seven sites, with instruments of every kind."""
    content = json.loads((examples / "network_observatory.json").read_text(encoding="utf-8"))
    return Observatory.from_sites(content["results"])


@pytest.fixture
def portal() -> Iterator[Any]:
    """A small portal on a real port that speaks the reference's wire."""
    from portal_stand_in import PortalStandIn

    stand_in = PortalStandIn()
    stand_in.start()
    yield stand_in
    stand_in.stop()


class Night:
    """One telescope's night, moment by moment: the clock stands still while the agent works."""

    def __init__(self, portal: Any, observatory: Observatory, directory: Path, set_clock: Callable[..., None]) -> None:
        self.portal = portal
        self.observatory = observatory
        self.directory = directory
        self.set_clock = set_clock
        self.ingested: list[Path] = []
        self.archive_fails_with: Exception | None = None
        self.agent: TelescopeAgent | None = None

    def begin(self, **faults: Any) -> TelescopeAgent:
        """A new agent process; the old one, if any, is gone as after kill -9."""
        self.kill()
        self.agent = TelescopeAgent(
            portal=self.portal.client(),
            observatory=self.observatory,
            telescope="exh.doma.0m6a",
            driver=Simulator(self.observatory, "exh.doma.0m6a", largest_side_pixels=64, **faults),
            ingest=self._ingest,
            data_directory=self.directory,
            poll_interval_s=10.0,
        )
        return self.agent

    def kill(self) -> None:
        """The operating system closes the files of a killed process; nothing else happens."""
        if self.agent is not None:
            self.agent.close()
            self.agent = None

    def go_on_until(self, moment: datetime) -> None:
        """Let the agent work until a moment."""
        assert self.agent is not None
        while (wanted := self.agent.step()) <= moment:
            self.set_clock(max(wanted, clock.now() + timedelta(milliseconds=1)))
        self.set_clock(moment)

    def _ingest(self, path: Path) -> None:
        if self.archive_fails_with is not None:
            raise self.archive_fails_with
        self.ingested.append(path)


@pytest.fixture
def night(portal: Any, observatory: Observatory, tmp_path: Path, set_clock: Callable[..., None]) -> Iterator[Night]:
    """A night that begins at 20:00 UTC."""
    from observation_documents import EVENING

    set_clock(EVENING - timedelta(minutes=5))
    began = Night(portal, observatory, tmp_path / "telescope", set_clock)
    yield began
    began.kill()
