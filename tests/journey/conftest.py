from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from demonstration import LiveDemonstration


@pytest.fixture
def live_demonstration(tmp_path: Path) -> Iterator[Callable[..., LiveDemonstration]]:
    """Start a demonstration; it is stopped at the end of the test."""
    started: list[LiveDemonstration] = []

    def start(*, speed: float = 120.0, port: int | None = None) -> LiveDemonstration:
        started.append(LiveDemonstration.start(tmp_path / "demo-data", speed=speed, port=port))
        return started[-1]

    yield start
    for demonstration in started:
        if demonstration.process.poll() is None:
            demonstration.interrupt()
