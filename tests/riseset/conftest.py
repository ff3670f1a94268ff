"""The sky computed anew at every instant (``benchmarks/riseset_reference.py``) and DE421 for skyfield, as fixtures."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """ERFA's chain, full-precision DE421 and finals2000A at every epoch, nothing of ours."""
    path = Path(__file__).parents[2] / "benchmarks" / "riseset_reference.py"
    spec = importlib.util.spec_from_file_location("riseset_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
