from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def live_demonstration(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start a demonstration; it is stopped at the end of the test."""
    from demonstration import LiveDemonstration

    started = []

    def start(*, speed: float = 120.0, port: int | None = None) -> LiveDemonstration:
        started.append(LiveDemonstration.start(tmp_path / "demo-data", speed=speed, port=port))
        return started[-1]

    yield start
    for demonstration in started:
        if demonstration.process.poll() is None:
            demonstration.interrupt()
