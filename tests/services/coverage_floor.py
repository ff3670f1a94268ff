"""The coverage ratchet: what the tests reach may not fall below the committed number, which may only rise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FLOOR = Path(__file__).parent.parent / "coverage-floor"
SLACK = 0.3  # percent; which of two racing branches a concurrency test takes is not the same every time
WORTH_RAISING = 1.0


def main() -> int:
    """Compare; 0 when the tests reach enough."""
    subprocess.run([sys.executable, "-m", "coverage", "combine", "--append", "--quiet"], check=False)
    shown = subprocess.run(
        [sys.executable, "-m", "coverage", "report", "--format=total", "--precision=2"],
        check=True,
        capture_output=True,
        text=True,
    )
    reached, floor = float(shown.stdout), float(FLOOR.read_text(encoding="utf-8"))
    print(f"coverage: {reached:.2f} %, floor {floor:.2f} %")
    if reached < floor - SLACK:
        print("coverage fell; what is not reached:")
        subprocess.run([sys.executable, "-m", "coverage", "report"], check=True)
        return 1
    if reached > floor + WORTH_RAISING:
        print(f"raise tests/coverage-floor to {reached:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
