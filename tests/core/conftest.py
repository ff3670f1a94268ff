"""Observatories, and a small request that is right, for every test of the core."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from armillary.core.observatory import Observatory
from armillary.core.requests.validation import Allocation, ProposalFacts, Semester, ValidationContext

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEMESTER = Semester("2026B", datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))


def _sites(path: Path) -> Observatory:
    return Observatory.from_sites(json.loads(path.read_text())["results"])


@pytest.fixture(scope="session")
def small_observatory(examples: Path) -> Observatory:
    """One telescope, an imager and a spectrograph."""
    return _sites(examples / "small_observatory.json")


@pytest.fixture(scope="session")
def network(examples: Path) -> Observatory:
    """Seven sites, 23 telescopes."""
    return _sites(examples / "network_observatory.json")


@pytest.fixture(scope="session")
def recorded_observatory() -> Observatory:
    """A part of the configuration with which the reference portal was recorded."""
    return _sites(Path(__file__).parent / "data" / "recorded_sites.json")


@pytest.fixture
def configuration_body() -> dict[str, Any]:
    """Two exposures of the Crab Nebula through a red filter."""
    return {
        "type": "EXPOSE",
        "instrument_type": "0M6-IMAGER-CCD",
        "instrument_configs": [{"exposure_time": 30.0, "exposure_count": 2, "optical_elements": {"filter": "rp"}}],
        "acquisition_config": {},
        "guiding_config": {},
        "constraints": {"max_airmass": 2.0},
        "target": {"type": "ICRS", "name": "M 1", "ra": 83.633, "dec": 22.0145},
    }


@pytest.fixture
def request_body(configuration_body: dict[str, Any]) -> dict[str, Any]:
    """The exposures, at the example observatory, in two nights."""
    return {
        "location": {"telescope_class": "0m6"},
        "windows": [{"start": "2026-11-23T12:00:00Z", "end": "2026-11-25T12:00:00Z"}],
        "configurations": [configuration_body],
    }


@pytest.fixture
def group_body(request_body: dict[str, Any]) -> dict[str, Any]:
    """The request, ready to be submitted."""
    return {
        "name": "Crab",
        "proposal": "P1",
        "observation_type": "NORMAL",
        "operator": "SINGLE",
        "ipp_value": 1.0,
        "requests": [request_body],
    }


@pytest.fixture
def proposal() -> ProposalFacts:
    """A proposal with ten hours on each instrument, of which the submitter is a member."""
    types = ("0M6-IMAGER-CCD", "0M6-SPECTRO-LOWRES")
    hours = Allocation(
        "2026B",
        types,
        std_allocation_h=10.0,
        rr_allocation_h=10.0,
        tc_allocation_h=10.0,
        ipp_limit_h=1.0,
        ipp_time_available_h=0.5,
    )
    return ProposalFacts("P1", active=True, is_member=True, allocations=(hours,))


@pytest.fixture
def context(small_observatory: Observatory, proposal: ProposalFacts) -> ValidationContext:
    """What the rules are told at noon before a clear night."""
    return ValidationContext(small_observatory, NOW, [SEMESTER], proposal=proposal)


@pytest.fixture
def with_change() -> Callable[..., dict[str, Any]]:
    """A copy of a body in which the value at a path is another."""

    def change(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
        changed: Any = copy.deepcopy(body)
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        holder = changed
        for parent in parents:
            holder = holder[parent]
        if value is ...:
            del holder[last]
        else:
            holder[last] = value
        return dict(changed)

    return change
