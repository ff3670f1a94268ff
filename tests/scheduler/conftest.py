"""An observatory that runs whole in this process: portal, configuration and downtime databases, and the loop beside."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from observatories import describe_observatory

sys.path.insert(0, str(Path(__file__).parent))

AFTERNOON = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # before dusk in southern Spain
IMAGER = "0M6-IMAGER-CCD"


def group(name: str = "NGC 7662", **changes: Any) -> dict[str, Any]:
    """A request group that the portal accepts: twice 30 s in V, any time in three days."""
    target = changes.pop("target", {"type": "ICRS", "name": name[:50], "ra": 351.475, "dec": 42.535})
    request = {
        "location": {"telescope_class": "0m6"},
        "windows": [{"start": "2026-11-23T15:00:00Z", "end": "2026-11-26T15:00:00Z"}],
        "configurations": [
            {
                "type": "EXPOSE",
                "instrument_type": IMAGER,
                "target": target,
                "constraints": {"max_airmass": 2.0, "min_lunar_distance": 10.0},
                "instrument_configs": [{"exposure_time": 30, "exposure_count": 2, "optical_elements": {"filter": "V"}}],
                "acquisition_config": {},
                "guiding_config": {},
            }
        ],
    }
    request |= {key: changes.pop(key) for key in ("windows", "location", "optimization_type") if key in changes}
    body = {
        "name": name,
        "proposal": "P1",
        "ipp_value": 1.0,
        "operator": "SINGLE",
        "observation_type": "NORMAL",
        "requests": [request],
    }
    return copy.deepcopy(body | changes)


@dataclass
class World:
    """The running observatory."""

    token: str
    """Of an account that may do everything."""
    astronomer_token: str
    directory: Path
    set_clock: Callable[..., None]

    def portal(self) -> Any:
        """The portal as the scheduler."""
        from armillary.clients.portal import PortalClient
        from armillary.clients.transport import connect

        return PortalClient(connect("portal", token=self.token))

    def astronomer(self) -> Any:
        """The portal as the astronomer."""
        from armillary.clients.portal import PortalClient
        from armillary.clients.transport import connect

        return PortalClient(connect("portal", token=self.astronomer_token))

    def loop(self, *, home: str = "scheduler", monitors: Any = (), portal: Any = None, **settings: Any) -> Any:
        """A scheduler; another ``home`` is another holder of the lease."""
        from armillary.clients.configdb import ConfigDBClient
        from armillary.clients.downtime import DowntimeClient
        from armillary.clients.transport import connect
        from armillary.scheduler.loop import LoopSettings, SchedulerLoop

        return SchedulerLoop(
            portal=portal or self.portal(),
            configdb=ConfigDBClient(connect("configdb")),
            downtime=DowntimeClient(connect("downtime")),
            settings=LoopSettings(**{"horizon_days": 3.0, "time_limit_s": 0.5} | settings),
            data_directory=self.directory if home == "scheduler" else self.directory.with_name(home),
            monitors=monitors,
            token=self.token,
        )

    def down(self, start: datetime, hours: float, **changes: Any) -> Any:
        """Declare a downtime of the telescope."""
        from armillary.clients.downtime import DowntimeClient
        from armillary.clients.transport import connect

        place = {"site": "exh", "enclosure": "doma", "telescope": "0m6a"}
        client = DowntimeClient(connect("downtime", token=self.token))
        return client.create(start=start, end=start + timedelta(hours=hours), **place, **changes)

    def live(self) -> list[Any]:
        """The observations that are pending or running, in order of their start."""
        return list(self.portal().schedule(states=["PENDING", "IN_PROGRESS"]))


def furnish(observatory: str, instrument_types: list[str]) -> tuple[str, str]:
    """Tokens of a robot and an astronomer, in an observatory with a semester and a proposal that has time."""
    from armillary.accounts.services import api_token, create_user
    from armillary.portal.proposals.services import TimeGrant, create_proposal, create_semester

    describe_observatory(observatory)
    astronomer = create_user("hypatia", email="hypatia@alexandria.example")
    robot = create_user("robot", email="robot@exh.example", is_staff=True, is_superuser=True, staff_view=True)
    semester = create_semester("2026B", datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
    create_proposal(
        "P1",
        title="Planetary nebulae",
        pi=astronomer,
        tac_priority=20,
        semester=semester,
        hours=TimeGrant(std_h=100, rr_h=100, tc_h=100, realtime_h=0),
        instrument_types=[instrument_types],
    )
    return api_token(robot), api_token(astronomer)


@pytest.fixture
def world(db: None, set_clock: Callable[..., None], tmp_path: Path) -> World:
    """The example observatory at 15:00 UTC, with a proposal that has time."""
    del db
    set_clock(AFTERNOON)
    tokens = furnish("small_observatory", [IMAGER, "0M6-SPECTRO-LOWRES"])
    return World(*tokens, tmp_path / "scheduler", set_clock)


@pytest.fixture
def network(db: None, set_clock: Callable[..., None], tmp_path: Path) -> World:
    """The same on the network of seven sites; requests go to its 1-metre telescopes."""
    del db
    set_clock(AFTERNOON)
    tokens = furnish("network_observatory", ["1M0-SCICAM-SINISTRO"])
    return World(*tokens, tmp_path / "scheduler", set_clock)


def network_group(name: str = "NGC 7662", **changes: Any) -> dict[str, Any]:
    """A request group for the network."""
    body = group(name, **{"location": {"telescope_class": "1m0"}} | changes)
    (configuration,) = body["requests"][0]["configurations"]
    configuration["instrument_type"] = "1M0-SCICAM-SINISTRO"
    configuration["instrument_configs"][0] |= {"optical_elements": {"filter": "rp"}}
    return body


@pytest.fixture
def ask_network() -> Callable[..., dict[str, Any]]:
    """Make a request group for the network."""
    return network_group


@pytest.fixture
def ask() -> Callable[..., dict[str, Any]]:
    """Make a request group to submit."""
    return group
