"""Compile what numba compiles, before several workers do it each for itself at the same time: `stars` or `kernel`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from armillary.riseset import SiderealTarget, Site, observable_windows

_INSTANCE = Path(__file__).parent.parent / "scheduler" / "kernel" / "data" / "t01_m0100_d7.json.gz"


def stars() -> None:
    """The loops of the rise-set library."""
    start = datetime(2026, 11, 23, tzinfo=UTC)
    observable_windows([SiderealTarget(10.0, 20.0)], [Site(37.0, -3.0)], start, start + timedelta(days=1))


def kernel() -> None:
    """The loops of the scheduler, by solving something small."""
    with tempfile.TemporaryDirectory() as directory:
        plan = ["--time-limit", "1", "--out", f"{directory}/plan.json"]
        command = [sys.executable, "-m", "armillary", "scheduler", "solve", str(_INSTANCE), *plan]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    {"stars": stars, "kernel": kernel}[sys.argv[1]]()
