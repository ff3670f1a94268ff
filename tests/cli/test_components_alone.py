"""Each service starts in a process of its own, without the code and tables of the others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("components", ["configdb", "downtime", "archive", "portal,web", "web"])
def test_a_service_alone_has_addresses_and_settings_that_hold_together(components: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARMILLARY_")}
    environment |= {
        "ARMILLARY_MODE": "test",
        "ARMILLARY_COMPONENTS": components,
        "ARMILLARY_DATA_DIRECTORY": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "armillary.server.settings",
    }
    command = [sys.executable, "-m", "django", "check", "--fail-level", "ERROR"]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr[-3000:]
