"""The one place that tells the time.

Everything that asks "what time is it?" asks :func:`now`. In production that is the operating system's clock. Outside
production the time can be set, frozen and sped up, so that a demonstration shows a whole night in minutes and a test
can say what time it is. All processes of one installation read the same setting: a small JSON file named by
``ARMILLARY_CLOCK_FILE`` that maps real time to observatory time::

    {"real": "2026-11-23T10:00:00+00:00", "observatory": "2026-11-23T16:40:00+00:00", "speed": 60.0}

Observatory time is ``observatory + (real time - real) * speed``; a speed of 0 freezes it. The file may be replaced
at any moment (atomically); readers notice. In production (``ARMILLARY_MODE`` unset or ``production``) a clock file is
refused.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

CLOCK_FILE_VARIABLE: Final = "ARMILLARY_CLOCK_FILE"
_LONGEST_NAP_S: Final = (
    0.5  # real seconds; a sleeper looks again at least this often, because the clock may be set meanwhile
)


class ClockError(RuntimeError):
    """The clock file is missing, malformed, or not allowed here."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A mapping from real time to observatory time."""

    real: datetime
    """A real instant, UTC."""
    observatory: datetime
    """The observatory's time at that instant, UTC."""
    speed: float
    """Observatory seconds per real second; 0 freezes the clock."""

    def at(self, real: datetime) -> datetime:
        """Observatory time at a real instant."""
        return self.observatory + (real - self.real) * self.speed


_cached: tuple[str, int, Setting] | None = None


def now() -> datetime:
    """The observatory's time, UTC, timezone-aware.

    Raises:
        ClockError: ``ARMILLARY_CLOCK_FILE`` is set in production, or the file cannot be read.
    """
    real = _real_now()
    setting = _setting()
    return real if setting is None else setting.at(real)


def speed() -> float:
    """Observatory seconds that pass in one real second (1.0 in production)."""
    setting = _setting()
    return 1.0 if setting is None else setting.speed


def sleep_until(moment: datetime, *, at_most_real_s: float = float("inf")) -> None:
    """Wait until the observatory's clock reaches ``moment``, or for ``at_most_real_s`` real seconds.

    A clock that is set forward, slowed down or frozen meanwhile is noticed within half a real second.
    """
    deadline = time.monotonic() + at_most_real_s
    while (remaining := (moment - now()).total_seconds()) > 0:
        left = deadline - time.monotonic()
        if left <= 0:
            return
        rate = speed()
        real_remaining = remaining / rate if rate > 0 else _LONGEST_NAP_S
        time.sleep(max(0.0, min(real_remaining, left, _LONGEST_NAP_S)))


def set_clock(path: Path, observatory: datetime, speed: float) -> None:
    """Write a clock file: from this instant on it is ``observatory`` o'clock, running at ``speed``.

    The file is replaced atomically, so a reader never sees half of it.
    """
    if observatory.tzinfo is None:
        raise ClockError("the observatory time must be timezone-aware")
    if speed < 0:
        raise ClockError(f"the clock cannot run backwards (speed {speed:g})")
    content = {
        "real": _real_now().isoformat(),
        "observatory": observatory.astimezone(UTC).isoformat(),
        "speed": speed,
    }
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(path)


def _real_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  this is the place that the rule points to


def _setting() -> Setting | None:
    path = os.environ.get(CLOCK_FILE_VARIABLE)
    if not path:
        return None
    if os.environ.get("ARMILLARY_MODE", "production") == "production":
        raise ClockError(f"{CLOCK_FILE_VARIABLE} is set, but in production the clock cannot be changed; unset it")
    return _read(path)


def _read(path: str) -> Setting:
    global _cached  # noqa: PLW0603  one clock per process: a cache of the file, keyed by its identity
    try:
        stamp = os.stat(path).st_mtime_ns  # noqa: PTH116  called for every now(); a Path costs five times as much
    except OSError as error:
        raise ClockError(f"{CLOCK_FILE_VARIABLE} names {path!r}, which cannot be read: {error.strerror}") from error
    if _cached is not None and _cached[:2] == (path, stamp):
        return _cached[2]
    setting = _parse(Path(path))
    _cached = (path, stamp, setting)
    return setting


def _parse(path: Path) -> Setting:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        real, observatory = (datetime.fromisoformat(content[key]) for key in ("real", "observatory"))
        setting = Setting(real, observatory, float(content["speed"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClockError(f"clock file {str(path)!r} is malformed: {error!r}") from error
    if setting.real.tzinfo is None or setting.observatory.tzinfo is None:
        raise ClockError(f"clock file {str(path)!r} holds a time without a zone")
    return setting
