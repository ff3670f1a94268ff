"""How much processor time a server has used: on a machine that others use too, elapsed time says little."""

from __future__ import annotations

import time
from pathlib import Path


def server_ms(master: int) -> float:
    """Processor time that the workers of a server and the processes of its database have used until now, in ms."""
    return sum(_used_ms(pid) for pid in (*_children(master), *_backends()))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _backends() -> list[int]:
    """The processes of the database that serve other connections than ours."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        return [pid for (pid,) in cursor.fetchall()]


def _used_ms(pid: int) -> float:
    """Processor time of a process with all its threads; none of one that has ended.

    Linux numbers the clock of a process like this (clock_getcpuclockid), and counts nanoseconds.
    """
    try:
        return time.clock_gettime(((~pid) << 3) | 2) * 1000
    except OSError:
        return 0.0
