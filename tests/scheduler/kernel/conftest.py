"""Makes this folder's modules importable: the strategies, the exhaustive search and the checker."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
