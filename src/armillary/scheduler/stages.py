from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stages:
    """How long each stage of a run took."""

    wall_s: dict[str, float] = field(default_factory=dict)
    """Real seconds."""
    cpu_s: dict[str, float] = field(default_factory=dict)
    """CPU seconds of this process, all threads."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside; stages of one name add up."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.wall_s[name] = self.wall_s.get(name, 0.0) + time.perf_counter() - wall
            self.cpu_s[name] = self.cpu_s.get(name, 0.0) + time.process_time() - cpu
