"""The documentation builds, with the references that are written from the code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "docs/generate.py"], cwd=ROOT, check=True, timeout=300)
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)],
        cwd=ROOT,
        check=True,
        timeout=300,
    )
    commands = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    assert "\n## armillary scheduler solve\n" in commands
    assert (site / "reference" / "http-api" / "index.html").is_file()
